/* SPDX-License-Identifier: MIT */
#include "routes/filing.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <weir/http_text.h>

#include "config/header.h"
#include "config/value.h"
#include "http/rooted_open.h"
#include "routes/root_check.h"

enum { DOT_FILES_MAX = 32, TYPES_MAX = 1000 };

struct draft {
    struct file_settings settings; /* first: the table below fills it */
    const struct tree_node *types;
};

static void read_cache_control(struct config_reader *reader, const struct tree_node *node, void *member)
{
    if (header_value_check(reader, node, "file.cache_control"))
        value_read_text(reader, node, "file.cache_control", false, member);
}

static void read_index(struct config_reader *reader, const struct tree_node *node, void *member)
{
    if (!node_is_text(reader, node, "file.index"))
        return;
    if (node->length == 0 || strchr(node->text, '/') != NULL || *node->text == '.')
        fault_value(reader, node, "file.index", "the name of a file, such as index.html");
    else
        *(const char **)member = node->text;
}

static void read_dot_files(struct config_reader *reader, const struct tree_node *node, void *member)
{
    const char **names;
    size_t count = 0;

    if (!node_is_list(reader, node, "file.dot_files"))
        return;
    names = entries_take(reader, node, "file.dot_files", DOT_FILES_MAX, sizeof *names);
    if (names == NULL)
        return;
    for (const struct tree_node *item = node->first; item != NULL; item = item->next) {
        if (!node_is_text(reader, item, "file.dot_files"))
            continue;
        if (*item->text != '.' || strchr(item->text, '/') != NULL || strcmp(item->text, ".") == 0 ||
            strcmp(item->text, "..") == 0)
            fault_value(reader, item, "file.dot_files", "a name that begins with a dot, such as .well-known");
        else
            names[count++] = item->text;
    }
    *(const char *const **)member = names;
}

#define AT(member) .offset = offsetof(struct draft, member)
static const struct schema_key keys[] = {
    {"root", SCHEMA_STRING, AT(settings.root), .required = "a folder of files"},
    {"index", SCHEMA_CUSTOM, AT(settings.index), .fallback = "index.html", .read = read_index},
    {"precompressed", SCHEMA_BOOL, AT(settings.precompressed), .fallback = "false"},
    {"fallback", SCHEMA_STRING, AT(settings.fallback)},
    {"cache_control", SCHEMA_CUSTOM, AT(settings.cache_control), .read = read_cache_control},
    {"types", SCHEMA_CUSTOM, AT(types), .read = schema_keep_node},
    {"dot_files", SCHEMA_CUSTOM, AT(settings.dot_files), .read = read_dot_files},
};
#undef AT
static const struct schema schema = {.name = "file", SCHEMA_KEYS(keys)};

/* --- types --- */

static bool is_media_type(const char *text)
{
    const size_t length = strcspn(text, "; \t");
    const char *slash = memchr(text, '/', length);
    const size_t before = slash != NULL ? (size_t)(slash - text) : 0;

    return slash != NULL && weir_token_is_valid((weir_bytes){text, before}) &&
           weir_token_is_valid((weir_bytes){slash + 1, length - before - 1});
}

static void read_type(struct config_reader *reader, const struct tree_node *node, struct media_types *types)
{
    if (!header_value_check(reader, node, "file.types"))
        return;
    if (!is_media_type(node->text))
        fault_value(reader, node, "file.types", "a media type, such as text/plain");
    else if (*node->key == '.' || strchr(node->key, '/') != NULL ||
             strlen(node->key) > MEDIA_ENDING_BYTES_MAX)
        config_fault(reader->faults, node->key_place,
                     "file.types has '%s', expected what follows the last dot of a file's name, such as md",
                     node->key);
    else
        media_types_set(types, node->key, node->text);
}

static const struct media_types *read_types(struct config_reader *reader, const struct tree_node *node)
{
    struct media_types *types = media_types_open(reader->memory, MEDIA_TYPES_OF_SYSTEM);

    if (types == NULL || node == NULL || !node_is_map(reader, node, "file.types"))
        return types;
    if (node->count > TYPES_MAX)
        config_fault(reader->faults, node->place, "file.types has %zu entries, expected at most %d",
                     node->count, TYPES_MAX);
    else
        for (const struct tree_node *child = node->first; child != NULL; child = child->next)
            read_type(reader, child, types);
    return types;
}

/* --- all of it --- */

static bool ends_with_star(const char *path)
{
    const size_t length = strlen(path);

    return length >= 2 && strcmp(path + length - 2, "/*") == 0;
}

const void *file_configure(struct config_reader *reader, const struct tree_node *node,
                           const struct config_route *route)
{
    struct draft *draft = config_take(reader->memory, sizeof *draft);
    struct file_settings *settings;

    if (draft == NULL || !schema_read(reader, &schema, node, draft))
        return NULL;
    settings = &draft->settings;
    if (settings->root != NULL) {
        settings->root_place = tree_find(node, "root")->place;
        settings->root = path_beside_file(reader, settings->root);
    }
    if (settings->fallback != NULL) {
        settings->fallback_place = tree_find(node, "fallback")->place;
        settings->fallback += strspn(settings->fallback, "/");
    }
    settings->varies = settings->precompressed || route->compress_response.on;
    settings->types = read_types(reader, draft->types);
    if (route->path != NULL && *route->path != '\0' && !ends_with_star(route->path))
        config_fault(reader->faults, node->place,
                     "file is written for path '%s', expected a path that ends with /*", route->path);
    return settings;
}

/* --- the check before a start --- */

static void check_fallback(const struct file_settings *settings, struct config_faults *warnings)
{
    int root = rooted_open_root(settings->root), fd;
    struct stat about;

    if (root < 0)
        return; /* there is a fault already */
    fd = rooted_open(root, settings->fallback, &about);
    if (fd < 0)
        config_fault(
            warnings, settings->fallback_place,
            "file.fallback is '%s', which cannot be opened below '%s' (%s): missing files are answered "
            "with 404 until it is there",
            settings->fallback, settings->root, weir_error_text(fd));
    else
        (void)close(fd);
    (void)close(root);
}

void file_check(const struct config_route *route, struct config_faults *faults,
                struct config_faults *warnings)
{
    const struct file_settings *settings = route->settings;

    root_check("file.root", settings->root, settings->root_place, faults, warnings);
    if (settings->fallback != NULL)
        check_fallback(settings, warnings);
}
