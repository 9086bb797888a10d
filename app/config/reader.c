/* SPDX-License-Identifier: MIT */
#include "config/reader.h"

#include <stdio.h>
#include <string.h>

enum { LIST_BYTES = 200 };

/* --- names --- */

static void append(char *out, size_t room, const char *text)
{
    size_t used = strlen(out);

    snprintf(out + used, room - used, "%s", text);
}

const char *text_one_of(char *out, size_t room, const char *const *names)
{
    out[0] = '\0';
    for (size_t i = 0; names[i] != NULL; i++) {
        if (i > 0)
            append(out, room, names[i + 1] != NULL ? ", " : " or ");
        append(out, room, names[i]);
    }
    return out;
}

size_t count_names(const char *const *names)
{
    size_t n = 0;

    while (names[n] != NULL)
        n++;
    return n;
}

/* --- faults --- */

size_t faults_so_far(const struct config_reader *reader)
{
    return reader->faults->count + reader->faults->dropped;
}

void fault_unknown(struct config_reader *reader, struct config_place place, const char *what,
                   const char *name, const char *where, const char *const *names)
{
    const char *in = where != NULL ? " in " : "";
    const char *nearest = weir_text_nearest(name, names, count_names(names));
    char list[LIST_BYTES];

    if (where == NULL)
        where = "";
    if (nearest != NULL)
        config_fault(reader->faults, place, "unknown %s '%s'%s%s, did you mean '%s'?", what, name, in, where,
                     nearest);
    else
        config_fault(reader->faults, place, "unknown %s '%s'%s%s, expected %s", what, name, in, where,
                     text_one_of(list, sizeof list, names));
}

static const char *describe(const struct tree_node *node, char *out, size_t room)
{
    if (node->type == TREE_LIST)
        snprintf(out, room, "a list");
    else if (node->type == TREE_MAP)
        snprintf(out, room, "a mapping");
    else if (node->filled) /* its value may be a secret */
        snprintf(out, room, "'%.60s%s' (filled in from the environment)", node->written,
                 strlen(node->written) > 60 ? "…" : "");
    else if (node->length == 0)
        snprintf(out, room, "empty");
    else
        snprintf(out, room, "'%.60s%s'", node->text, node->length > 60 ? "…" : "");
    return out;
}

static void add_fault(struct config_reader *reader, const struct tree_node *node, struct config_place place,
                      const char *what, const char *expected)
{
    char found[120];

    if (!node->faulty)
        config_fault(reader->faults, place, "%s is %s, expected %s", what,
                     describe(node, found, sizeof found), expected);
}

void fault_value(struct config_reader *reader, const struct tree_node *node, const char *what,
                 const char *expected)
{
    add_fault(reader, node, node->place, what, expected);
}

void fault_in_text(struct config_reader *reader, const struct tree_node *node, const char *what,
                   const weir_text_fault *fault)
{
    add_fault(reader, node, tree_place_in(node, fault->at), what, fault->expected);
}

/* --- nodes --- */

static bool has_type(struct config_reader *reader, const struct tree_node *node, enum tree_type type,
                     const char *what, const char *expected)
{
    if (node->type == type && !node->faulty)
        return true;
    fault_value(reader, node, what, expected);
    return false;
}

bool node_is_map(struct config_reader *reader, const struct tree_node *node, const char *what)
{
    return has_type(reader, node, TREE_MAP, what, "a mapping, {key: value}");
}

bool node_is_list(struct config_reader *reader, const struct tree_node *node, const char *what)
{
    return has_type(reader, node, TREE_LIST, what, "a list, [a, b]");
}

bool node_is_text(struct config_reader *reader, const struct tree_node *node, const char *what)
{
    return has_type(reader, node, TREE_SCALAR, what, "text");
}

bool node_is_text_or(struct config_reader *reader, const struct tree_node *node, enum tree_type other,
                     const char *what, const char *expected)
{
    const enum tree_type type = node->type == other ? other : TREE_SCALAR;

    return has_type(reader, node, type, what, expected);
}

void *entries_take(struct config_reader *reader, const struct tree_node *node, const char *what, int most,
                   size_t entry_bytes)
{
    if (node->count <= (size_t)most)
        return config_take(reader->memory, (node->count + 1) * entry_bytes);
    config_fault(reader->faults, node->place, "%s has %zu entries, expected at most %d", what, node->count,
                 most);
    return NULL;
}

const char *path_beside_file(struct config_reader *reader, const char *path)
{
    const char *file = reader->faults->file, *slash = file != NULL ? strrchr(file, '/') : NULL;
    size_t folder, length;
    char *joined;

    if (*path == '/' || slash == NULL)
        return path;
    folder = (size_t)(slash + 1 - file);
    length = strlen(path);
    joined = config_take(reader->memory, folder + length + 1);
    if (joined == NULL)
        return NULL;
    memcpy(joined, file, folder);
    memcpy(joined + folder, path, length);
    return joined;
}
