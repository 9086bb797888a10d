/* SPDX-License-Identifier: MIT */
#include "config/auth.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "config/config.h"
#include "config/header.h"
#include "config/schema.h"
#include "config/value.h"

enum { REALM_BYTES_MAX = 256 };

const char *const config_auth_names[] = {"basic", "bearer", NULL};

struct draft {
    const struct tree_node *file[2]; /* by enum config_auth_scheme */
    const struct tree_node *realm, *user_header;
    bool pass;
};

#define AT(member) .offset = offsetof(struct draft, member)
static const struct schema_key keys[] = {
    {"basic", SCHEMA_CUSTOM, AT(file[CONFIG_AUTH_BASIC]), .read = schema_keep_node},
    {"bearer", SCHEMA_CUSTOM, AT(file[CONFIG_AUTH_BEARER]), .read = schema_keep_node},
    {"realm", SCHEMA_CUSTOM, AT(realm), .read = schema_keep_node},
    {"pass", SCHEMA_BOOL, AT(pass), .fallback = "false"},
    {"user_header", SCHEMA_CUSTOM, AT(user_header), .read = schema_keep_node},
};
#undef AT
static const struct schema schema = {.name = "auth", SCHEMA_KEYS(keys)};

static void read_file(struct config_reader *reader, const struct tree_node *node, const struct draft *draft,
                      struct config_auth *auth)
{
    const struct tree_node *basic = draft->file[CONFIG_AUTH_BASIC], *bearer = draft->file[CONFIG_AUTH_BEARER];
    const struct tree_node *file = basic != NULL ? basic : bearer;
    const char *path = NULL;

    if ((basic == NULL) == (bearer == NULL)) {
        config_fault(reader->faults, file != NULL ? bearer->key_place : node->place,
                     "auth has %s, expected one: a file of users and hashes of their passwords, or a file of "
                     "tokens",
                     file != NULL ? "'basic' and 'bearer'" : "neither 'basic' nor 'bearer'");
        return;
    }
    auth->scheme = basic != NULL ? CONFIG_AUTH_BASIC : CONFIG_AUTH_BEARER;
    auth->place = file->place;
    value_read_text(reader, file, basic != NULL ? "auth.basic" : "auth.bearer", false, &path);
    if (path != NULL)
        auth->file = path_beside_file(reader, path);
}

/* --- challenges --- */

/* Writes a realm as a quoted string. Returns: false after a fault. */
static bool quote(struct config_reader *reader, const struct tree_node *node,
                  char out[2 * REALM_BYTES_MAX + 1])
{
    char *at = out;

    if (!header_value_check(reader, node, "auth.realm"))
        return false;
    if (node->length > REALM_BYTES_MAX) {
        config_fault(reader->faults, node->place, "auth.realm has %zu bytes, expected at most %d",
                     node->length, REALM_BYTES_MAX);
        return false;
    }
    for (const char *c = node->text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            *at++ = '\\';
        *at++ = *c;
    }
    *at = '\0';
    return true;
}

static const char *challenge_of(struct config_reader *reader, const char *scheme, const char *realm,
                                const char *more)
{
    char text[2 * REALM_BYTES_MAX + 128];
    const int length = snprintf(text, sizeof text, "%s realm=\"%s\"%s", scheme, realm, more);

    return config_take_text(reader->memory, text, (size_t)length);
}

static void make_challenges(struct config_reader *reader, const struct tree_node *realm,
                            struct config_auth *auth)
{
    char quoted[2 * REALM_BYTES_MAX + 1] = "restricted";

    if (realm != NULL && !quote(reader, realm, quoted))
        return;
    if (auth->scheme == CONFIG_AUTH_BASIC) {
        auth->challenge = auth->refusal = challenge_of(reader, "Basic", quoted, ", charset=\"UTF-8\"");
        return;
    }
    auth->challenge = challenge_of(reader, "Bearer", quoted, "");
    auth->refusal = challenge_of(reader, "Bearer", quoted, ", error=\"invalid_token\"");
}

/* --- what is passed on --- */

static const struct config_header_rule *rule_of(const struct config_header_rules *rules, const char *name)
{
    for (size_t i = 0; i < rules->count; i++)
        if (strcasecmp(rules->rule[i].name, name) == 0)
            return &rules->rule[i];
    return NULL;
}

static void add_rule(struct config_reader *reader, struct config_header_rules *rules,
                     struct config_header_rule rule)
{
    struct config_header_rule *list = config_take(reader->memory, (rules->count + 1) * sizeof *list);

    if (list == NULL)
        return;
    if (rules->count > 0)
        memcpy(list, rules->rule, rules->count * sizeof *list);
    list[rules->count] = rule;
    *rules = (struct config_header_rules){list, rules->count + 1};
}

static void add_user_header(struct config_reader *reader, const struct tree_node *node,
                            struct config_header_rules *rules)
{
    static const struct template_part user = {.type = TEMPLATE_USER, .text = "user", .length = 4};

    if (!node_is_text(reader, node, "auth.user_header") ||
        !header_name_check(reader, node->place, "auth.user_header", node->text))
        return;
    if (strcasecmp(node->text, "authorization") == 0)
        fault_value(reader, node, "auth.user_header", "another header: this one has the credential");
    else if (rule_of(rules, node->text) != NULL)
        config_fault(reader->faults, node->place,
                     "auth.user_header names '%s', which headers.request names, too; expected a header of "
                     "its own",
                     node->text);
    else
        add_rule(reader, rules,
                 (struct config_header_rule){.name = node->text, .set = true, .value = {&user, 1}});
}

const struct config_auth *auth_read(struct config_reader *reader, const struct tree_node *node,
                                    struct config_route *route)
{
    struct config_auth *auth = config_take(reader->memory, sizeof *auth);
    struct config_header_rules *rules = &route->headers.request;
    struct draft draft = {0};

    if (auth == NULL || !schema_read(reader, &schema, node, &draft))
        return NULL;
    read_file(reader, node, &draft, auth);
    make_challenges(reader, draft.realm, auth);
    if (!draft.pass && rule_of(rules, "authorization") == NULL)
        add_rule(reader, rules, (struct config_header_rule){.name = "authorization"});
    if (draft.user_header != NULL)
        add_user_header(reader, draft.user_header, rules);
    return auth->file != NULL && auth->challenge != NULL && auth->refusal != NULL ? auth : NULL;
}
