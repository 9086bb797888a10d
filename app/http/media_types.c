/* SPDX-License-Identifier: MIT */
#include "http/media_types.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <weir/buffer.h>

#include "text/media_type.h"

enum { BUCKETS = 1024, TYPE_BYTES_MAX = 127 /* of the system's */ };

struct entry {
    struct entry *next;
    const char *type;
    char ending[];
};

struct media_types {
    struct config_memory *memory;
    struct entry *buckets[BUCKETS];
};

/* Where the system has no table. */
static const char own_types[] = "application/json json map\n"
                                "application/manifest+json webmanifest\n"
                                "application/pdf pdf\n"
                                "application/wasm wasm\n"
                                "application/xml xml\n"
                                "application/zip zip\n"
                                "audio/mpeg mp3\n"
                                "audio/ogg ogg\n"
                                "audio/wav wav\n"
                                "font/woff woff\n"
                                "font/woff2 woff2\n"
                                "image/avif avif\n"
                                "image/gif gif\n"
                                "image/jpeg jpg jpeg\n"
                                "image/png png\n"
                                "image/svg+xml svg\n"
                                "image/vnd.microsoft.icon ico\n"
                                "image/webp webp\n"
                                "text/css css\n"
                                "text/csv csv\n"
                                "text/html html htm\n"
                                "text/javascript js mjs\n"
                                "text/markdown md\n"
                                "text/plain txt\n"
                                "video/mp4 mp4\n"
                                "video/webm webm\n";

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static size_t bucket_of(weir_bytes ending)
{
    size_t hash = 5381;

    for (size_t i = 0; i < ending.len; i++)
        hash = hash * 33 + lower(ending.data[i]);
    return hash % BUCKETS;
}

static struct entry *find(const struct media_types *types, weir_bytes ending)
{
    struct entry *entry = types->buckets[bucket_of(ending)];

    while (entry != NULL && !weir_bytes_equal_nocase(ending, weir_bytes_of(entry->ending)))
        entry = entry->next;
    return entry;
}

static void set(struct media_types *types, weir_bytes ending, const char *type)
{
    struct entry *entry = find(types, ending);
    size_t bucket;

    if (type == NULL || ending.len == 0 || ending.len > MEDIA_ENDING_BYTES_MAX)
        return;
    if (entry == NULL) {
        entry = config_take(types->memory, sizeof *entry + ending.len + 1);
        if (entry == NULL)
            return;
        memcpy(entry->ending, ending.data, ending.len);
        bucket = bucket_of(ending);
        entry->next = types->buckets[bucket];
        types->buckets[bucket] = entry;
    }
    entry->type = type;
}

void media_types_set(struct media_types *types, const char *ending, const char *type)
{
    set(types, weir_bytes_of(ending), type);
}

/* --- the form of mime.types --- */

static bool next_word(weir_bytes *line, weir_bytes *word)
{
    size_t skip = 0, length = 0;

    while (skip < line->len && strchr(" \t\r\v\f", line->data[skip]) != NULL)
        skip++;
    while (skip + length < line->len && strchr(" \t\r\v\f", line->data[skip + length]) == NULL)
        length++;
    *word = (weir_bytes){line->data + skip, length};
    *line = (weir_bytes){line->data + skip + length, line->len - skip - length};
    return length > 0 && *word->data != '#';
}

static const char *keep_type(struct media_types *types, weir_bytes word)
{
    const bool is_text = word.len > 5 && strncasecmp(word.data, "text/", 5) == 0;
    char text[160];
    int n = snprintf(text, sizeof text, "%.*s%s", (int)word.len, word.data, is_text ? "; charset=utf-8" : "");

    return config_take_text(types->memory, text, (size_t)n);
}

static void read_line(struct media_types *types, weir_bytes line)
{
    const char *type = NULL;
    weir_bytes name, ending;

    if (!next_word(&line, &name) || name.len > TYPE_BYTES_MAX || !media_type_is_plain(name))
        return;
    while (next_word(&line, &ending)) {
        if (type == NULL) /* most types have no endings */
            type = keep_type(types, name);
        set(types, ending, type);
    }
}

void media_types_read(struct media_types *types, const char *text, size_t length)
{
    while (length > 0) {
        const char *end = memchr(text, '\n', length);
        size_t line = end != NULL ? (size_t)(end - text) : length;
        size_t taken = line + (end != NULL);

        read_line(types, (weir_bytes){text, line});
        text += taken;
        length -= taken;
    }
}

static void read_file(struct media_types *types, const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = file != NULL ? malloc(MEDIA_TYPES_FILE_BYTES_MAX) : NULL;

    if (text != NULL)
        media_types_read(types, text, fread(text, 1, MEDIA_TYPES_FILE_BYTES_MAX, file));
    free(text);
    if (file != NULL)
        (void)fclose(file);
}

struct media_types *media_types_open(struct config_memory *memory, const char *file)
{
    struct media_types *types = config_take(memory, sizeof *types);

    if (types == NULL)
        return NULL;
    types->memory = memory;
    media_types_read(types, own_types, sizeof own_types - 1);
    read_file(types, file);
    return config_memory_failed(memory) ? NULL : types;
}

/* --- finding --- */

const char *media_types_find(const struct media_types *types, const char *path)
{
    const char *name = strrchr(path, '/'), *dot;
    const struct entry *entry;

    name = name != NULL ? name + 1 : path;
    dot = strrchr(name, '.');
    if (dot == NULL || strlen(dot + 1) > MEDIA_ENDING_BYTES_MAX)
        return MEDIA_TYPE_UNKNOWN;
    entry = find(types, weir_bytes_of(dot + 1));
    return entry != NULL ? entry->type : MEDIA_TYPE_UNKNOWN;
}
