/* SPDX-License-Identifier: MIT */
#include "config/access_log_fields.h"

#include <string.h>

#include <weir/http_text.h>

static const char what[] = "access_log.fields";

/* All that access_log_fill() writes, and what each line begins with. */
static const char *const keys[] = {"time",    "level",   "message", "method", "target",   "route", "status",
                                   "refused", "partial", "failed",  "why",    "attempts", "ended", "received",
                                   "sent",    "took",    "spent",   "held",   "held_by",  "peer",  "client",
                                   "user",    "trace",   "sample",  NULL};

static const char *const secrets[] = {
    "authorization", "proxy-authorization", "cookie",       "set-cookie",   "x-api-key", "api-key",
    "x-auth-token",  "x-access-token",      "x-csrf-token", "x-xsrf-token", NULL};

static bool is_one_of(const char *name, const char *const *names)
{
    while (*names != NULL && strcmp(*names, name) != 0)
        names++;
    return *names != NULL;
}

bool access_log_has_key(const char *key)
{
    return is_one_of(key, keys);
}

/* Programs behind CGI take an '_' for a '-', so a client may send either. */
static bool is_secret(const char *name)
{
    char dashed[32];
    const size_t length = strlen(name);

    if (length >= sizeof dashed)
        return false;
    for (size_t i = 0; i <= length; i++)
        dashed[i] = (char)(name[i] == '_' ? '-' : name[i]);
    return is_one_of(dashed, secrets);
}

static const char *lower(struct config_reader *reader, const struct tree_node *node)
{
    char *name = config_take_text(reader->memory, node->text, node->length);

    for (char *c = name; c != NULL && *c; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + ('a' - 'A') : *c);
    return name;
}

/* Returns: NULL after a fault, or without memory. */
static const char *read_name(struct config_reader *reader, const struct tree_node *node,
                             const char *const *before)
{
    const char *name, *expected = NULL;

    if (!node_is_text(reader, node, what))
        return NULL;
    name = lower(reader, node);
    if (name == NULL)
        return NULL;
    if (!weir_token_is_valid((weir_bytes){node->text, node->length}))
        expected = "the name of a header, such as user-agent";
    else if (is_secret(name))
        expected = "no header that carries a secret, since many may read a log; the user that auth: has "
                   "checked is shown as user=";
    else if (access_log_has_key(name))
        expected = "another header: this is a key of the line itself";
    else if (is_one_of(name, before))
        expected = "each header once";
    if (expected != NULL)
        fault_value(reader, node, what, expected);
    return expected == NULL ? name : NULL;
}

const char *const *access_log_fields_read(struct config_reader *reader, const struct tree_node *node)
{
    const char **names;
    size_t count = 0;

    if (!node_is_list(reader, node, what))
        return NULL;
    names = entries_take(reader, node, what, ACCESS_LOG_FIELDS_MAX, sizeof *names);
    if (names == NULL)
        return NULL;
    for (const struct tree_node *item = node->first; item != NULL; item = item->next)
        if ((names[count] = read_name(reader, item, names)) != NULL)
            count++;
    return count > 0 ? names : NULL;
}
