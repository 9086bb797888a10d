/* SPDX-License-Identifier: MIT */
#include "config/coding.h"

#include <string.h>

#include "config/value.h"

#define AT(member) .offset = offsetof(struct config_coding, member)
static void read_encodings(struct config_reader *reader, const struct tree_node *node, void *member)
{
    struct config_coding *settings = member;

    if (!node_is_list(reader, node, "compress_response.encodings"))
        return;
    settings->count = 0;
    for (const struct tree_node *item = node->first; item != NULL; item = item->next) {
        int e = 0;
        if (!node_is_text(reader, item, "compress_response.encodings"))
            continue;
        while (e < ENCODINGS && strcmp(encoding_names[e], item->text) != 0)
            e++;
        if (e == ENCODINGS) {
            fault_unknown(reader, item->place, "encoding", item->text, "compress_response.encodings",
                          encoding_names);
            continue;
        }
        for (size_t i = 0; i < settings->count; i++)
            if (settings->order[i] == e)
                config_fault(reader->faults, item->place,
                             "compress_response.encodings has '%s' twice, expected each once", item->text);
        if (settings->count < ENCODINGS)
            settings->order[settings->count++] = e;
    }
    if (node->count == 0)
        config_fault(reader->faults, node->place,
                     "compress_response.encodings is an empty list, expected gzip, br or zstd");
}

static const struct schema_key level_keys[ENCODINGS] = {
    {"gzip", SCHEMA_INT, AT(level[ENCODING_GZIP]), .fallback = "5", .min = 1, .max = 9},
    {"br", SCHEMA_INT, AT(level[ENCODING_BR]), .fallback = "4", .max = 11},
    {"zstd", SCHEMA_INT, AT(level[ENCODING_ZSTD]), .fallback = "3", .min = 1, .max = 19},
};
static const struct schema level_schema = {.name = "compress_response.levels", SCHEMA_KEYS(level_keys)};

static const struct schema_key keys[] = {
    {"encodings", SCHEMA_CUSTOM, .read = read_encodings},
    {"levels", SCHEMA_MAP, .map = &level_schema},
    {"min", SCHEMA_SIZE, AT(min_bytes), .fallback = "1KiB", .max = 1 << 30},
};
#undef AT
static const struct schema schema = {.name = "compress_response", SCHEMA_KEYS(keys)};

void coding_read(struct config_reader *reader, const struct tree_node *node, void *member)
{
    struct config_coding *settings = member;

    *settings =
        (struct config_coding){.order = {ENCODING_BR, ENCODING_ZSTD, ENCODING_GZIP}, .count = ENCODINGS};
    schema_defaults(reader, &schema, settings);
    if (!value_read_bool_or_map(reader, node, "compress_response", &settings->on))
        return;
    settings->on = true;
    schema_override(reader, &schema, node, settings);
}
