/* SPDX-License-Identifier: MIT */
#include "http/header_rules.h"

#include <ctype.h>
#include <errno.h>

#include "http/template.h"

/* Compares names as programs behind CGI do, which cannot tell '_' from '-': what is removed must not come
 * back in another spelling. */
static bool is_named(const char *rule, weir_bytes name)
{
    size_t i = 0;

    for (; i < name.len && rule[i] != '\0'; i++) {
        const int a = rule[i] == '_' ? '-' : tolower((unsigned char)rule[i]);
        const int b = name.data[i] == '_' ? '-' : tolower((unsigned char)name.data[i]);

        if (a != b)
            return false;
    }
    return i == name.len && rule[i] == '\0';
}

bool header_rules_find(const struct config_header_rules *rules, weir_bytes name)
{
    for (size_t i = 0; i < rules->count; i++)
        if (is_named(rules->rule[i].name, name))
            return true;
    return false;
}

/* Finds the value that a rule sets; NULL: none. Without memory a header is not left out, for it may protect.
 */
static int value_of(const struct config_header_rule *rule, weir_request *req, const char **value)
{
    *value = rule->set ? template_fill(&rule->value, req) : NULL;
    return rule->set && *value == NULL && !template_is_lacking(&rule->value, req) ? -ENOMEM : 0;
}

int header_rules_set(const struct config_header_rules *rules, weir_request *req, weir_header *out)
{
    int n = 0;

    for (size_t i = 0; i < rules->count; i++) {
        const char *value;
        int err = value_of(&rules->rule[i], req, &value);

        if (err < 0)
            return err;
        if (value != NULL)
            out[n++] = (weir_header){rules->rule[i].name, value};
    }
    return n;
}

/* --- answers --- */

struct answering {
    const struct config_header_rules *rules;
    weir_request *req;
};

static int on_head(void *arg, weir_response *res, const weir_response_head *head)
{
    const struct answering *a = arg;

    (void)head;
    for (size_t i = 0; i < a->rules->count; i++) {
        const struct config_header_rule *rule = &a->rules->rule[i];
        const char *value;
        int err = value_of(rule, a->req, &value);

        if (err == 0)
            err = weir_response_header_set(res, rule->name, value);
        if (err < 0)
            return err;
    }
    return 0;
}

int header_rules_answer(const struct config_header_rules *rules, weir_request *req, weir_response *res)
{
    static const weir_response_filter filter = {.head = on_head};
    struct answering *a = weir_request_alloc(req, sizeof *a);

    if (a == NULL)
        return -ENOMEM;
    *a = (struct answering){rules, req};
    return weir_response_filter_add(res, &filter, a);
}
