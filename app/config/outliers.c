/* SPDX-License-Identifier: MIT */
#include "config/outliers.h"

#include <stddef.h>

#include "config/schema.h"
#include "config/value.h"

enum { KEEP_MAX = 10000 };

static void read_path(struct config_reader *reader, const struct tree_node *node, void *member)
{
    struct config_outliers *out =
        (struct config_outliers *)((char *)member - offsetof(struct config_outliers, path));
    const char *path = NULL;

    value_read_text(reader, node, "outliers.path", false, &path);
    if (path != NULL)
        out->path = path_beside_file(reader, path);
    out->path_place = node->place;
}

#define AT(member) .offset = offsetof(struct config_outliers, member)
static const struct schema_key keys[] = {
    {"keep", SCHEMA_INT, AT(keep), .fallback = "100", .min = 1, .max = KEEP_MAX},
    {"path", SCHEMA_CUSTOM, AT(path), .read = read_path},
    {"disk", SCHEMA_SIZE, AT(disk_bytes), .fallback = "64MiB", .min = 1 << 20},
};
#undef AT
static const struct schema schema = {.name = "outliers", SCHEMA_KEYS(keys)};

void outliers_read(struct config_reader *reader, const struct tree_node *node, struct config_outliers *out)
{
    const struct tree_node *disk;
    bool on = true;

    schema_defaults(reader, &schema, out);
    if (node == NULL)
        return;
    if (value_read_bool_or_map(reader, node, "outliers", &on) && schema_read(reader, &schema, node, out) &&
        out->path == NULL && (disk = tree_find(node, "disk")) != NULL)
        config_fault(reader->faults, disk->key_place,
                     "outliers.disk is written without outliers.path, expected both");
    if (!on)
        out->keep = 0;
}
