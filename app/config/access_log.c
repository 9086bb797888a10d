/* SPDX-License-Identifier: MIT */
#include "config/access_log.h"

#include <stddef.h>
#include <string.h>

#include "config/access_log_fields.h"
#include "config/schema.h"
#include "config/value.h"

enum { HIDE_MAX = 64, AS_THE_LOG = -1 };

static const char *const formats[] = {"text", "json", NULL}; /* by enum config_log */

static void read_path(struct config_reader *reader, const struct tree_node *node, void *member)
{
    struct config_access_log *out =
        (struct config_access_log *)((char *)member - offsetof(struct config_access_log, path));
    const char *path = NULL;

    value_read_text(reader, node, "access_log.path", false, &path);
    if (path != NULL && (strcmp(path, "stdout") == 0 || strcmp(path, "-") == 0))
        fault_value(reader, node, "access_log.path",
                    "a file, or stderr, where the log is; standard output is /dev/stdout, a file of that "
                    "name ./stdout");
    else if (path != NULL && strcmp(path, "stderr") != 0)
        out->path = path_beside_file(reader, path);
    out->path_place = node->place;
}

/* A name as headers and query parameters have it. What could end either is refused: it would hide nothing. */
static const char *read_name(struct config_reader *reader, const struct tree_node *node)
{
    char *name;

    if (!node_is_text(reader, node, "access_log.hide"))
        return NULL;
    if (node->length == 0 || strlen(node->text) != node->length ||
        strpbrk(node->text, " \t\r\n=&;?:,") != NULL) {
        fault_value(reader, node, "access_log.hide",
                    "a name of a query parameter or header, such as token, without spaces and any of "
                    "=&;?:,");
        return NULL;
    }
    name = config_take_text(reader->memory, node->text, node->length);
    for (char *c = name; c != NULL && *c; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + ('a' - 'A') : *c);
    return name;
}

static void read_hide(struct config_reader *reader, const struct tree_node *node, void *member)
{
    const char *const **hide = member;
    const char **names;
    size_t count = 0;

    if (!node_is_list(reader, node, "access_log.hide"))
        return;
    names = entries_take(reader, node, "access_log.hide", HIDE_MAX, sizeof *names);
    if (names == NULL)
        return;
    for (const struct tree_node *item = node->first; item != NULL; item = item->next)
        if ((names[count] = read_name(reader, item)) != NULL)
            count++;
    if (count > 0)
        *hide = names;
}

static void read_fields(struct config_reader *reader, const struct tree_node *node, void *member)
{
    const char *const **fields = member;

    *fields = access_log_fields_read(reader, node);
}

#define AT(member) .offset = offsetof(struct config_access_log, member)
static const struct schema_key keys[] = {
    {"path", SCHEMA_CUSTOM, AT(path), .read = read_path},
    {"format", SCHEMA_CHOICE, AT(format), .choices = formats},
    {"sample", SCHEMA_PERCENT, AT(sample), .min = 1, .max = 100},
    {"slow", SCHEMA_DURATION, AT(slow), .min = 1},
    {"hide", SCHEMA_CUSTOM, AT(hide), .read = read_hide},
    {"fields", SCHEMA_CUSTOM, AT(fields), .read = read_fields},
};
#undef AT
static const struct schema schema = {.name = "access_log", SCHEMA_KEYS(keys)};

void access_log_read(struct config_reader *reader, const struct tree_node *node, int log,
                     struct config_access_log *out)
{
    *out = (struct config_access_log){.on = true, .format = AS_THE_LOG};
    if (node != NULL && value_read_bool_or_map(reader, node, "access_log", &out->on))
        (void)schema_read(reader, &schema, node, out);
    if (out->sample == 0)
        out->sample = out->slow.ns > 0 ? 0 : 100;
    out->apart = out->path != NULL || (out->format != AS_THE_LOG && out->format != log);
    if (out->format == AS_THE_LOG)
        out->format = log;
}
