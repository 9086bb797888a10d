/* SPDX-License-Identifier: MIT */
#include "routes/filing.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "config/header.h"
#include "http/rooted_open.h"
#include "routes/root_check.h"
#include "text/cache_control.h"

enum { DOT_FILES_MAX = 32, TYPES_MAX = 1000 };

struct draft {
    struct file_settings settings; /* first: the table below fills it */
    const struct tree_node *types;
};

static void read_cache_control(struct config_reader *reader, const struct tree_node *node, void *member)
{
    if (!header_value_check(reader, node, "file.cache_control"))
        return;
    if (cache_control_is_valid(node->text))
        *(const char **)member = node->text;
    else
        fault_value(reader, node, "file.cache_control",
                    "directives with commas between them, such as \"public, max-age=60\"");
}

static void read_index(struct config_reader *reader, const struct tree_node *node, void *member)
{
    if (!node_is_text(reader, node, "file.index"))
        return;
    if (node->length == 0 || node->length > NAME_MAX || strchr(node->text, '/') != NULL || *node->text == '.')
        fault_value(reader, node, "file.index", "the name of a file, such as index.html");
    else
        *(const char **)member = node->text;
}

/* Reports whether a path can be that of a file below the root: by its names it does not leave it, and they do
 * not end in a folder. */
static bool is_below(const char *path)
{
    size_t depth = 0;
    bool is_file = false;

    while (*path != '\0') {
        const weir_bytes name = {path, strcspn(path, "/")};

        is_file = name.len > 0 && !weir_bytes_equal(name, weir_bytes_of(".")) &&
                  !weir_bytes_equal(name, weir_bytes_of(".."));
        if (name.len > NAME_MAX || (weir_bytes_equal(name, weir_bytes_of("..")) && depth-- == 0))
            return false;
        depth += is_file;
        path += name.len;
        if (*path == '/' && *++path == '\0')
            return false;
    }
    return is_file;
}

/* A path that begins with a slash begins at the root, too. */
static void read_fallback(struct config_reader *reader, const struct tree_node *node, void *member)
{
    struct file_settings *settings = member;

    if (!node_is_text(reader, node, "file.fallback"))
        return;
    if (node->length >= PATH_MAX || !is_below(node->text + strspn(node->text, "/"))) {
        fault_value(reader, node, "file.fallback", "the path of a file below the root, such as index.html");
        return;
    }
    settings->fallback = node->text + strspn(node->text, "/");
    settings->fallback_place = node->place;
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
        if (*item->text != '.' || item->length > NAME_MAX || strchr(item->text, '/') != NULL ||
            strcmp(item->text, ".") == 0 || strcmp(item->text, "..") == 0)
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
    {"fallback", SCHEMA_CUSTOM, AT(settings), .read = read_fallback},
    {"cache_control", SCHEMA_CUSTOM, AT(settings.cache_control), .read = read_cache_control},
    {"types", SCHEMA_CUSTOM, AT(types), .read = schema_keep_node},
    {"dot_files", SCHEMA_CUSTOM, AT(settings.dot_files), .read = read_dot_files},
};
#undef AT
static const struct schema schema = {.name = "file", SCHEMA_KEYS(keys)};

/* --- types --- */

/* Case does not count in endings. */
static bool is_written_before(const struct tree_node *map, const struct tree_node *child)
{
    for (const struct tree_node *other = map->first; other != child; other = other->next)
        if (strcasecmp(other->key, child->key) == 0)
            return true;
    return false;
}

static void read_type(struct config_reader *reader, const struct tree_node *map, const struct tree_node *node,
                      struct media_types *types)
{
    const size_t length = strlen(node->key);

    if (length == 0 || length > MEDIA_ENDING_BYTES_MAX || strpbrk(node->key, "./") != NULL)
        config_fault(reader->faults, node->key_place,
                     "file.types has '%s', which is never an ending, expected what follows the last dot of a "
                     "file's name, such as gz of a.tar.gz: 1 to %d bytes without '.' and '/'",
                     node->key, MEDIA_ENDING_BYTES_MAX);
    else if (is_written_before(map, node))
        config_fault(reader->faults, node->key_place,
                     "file.types has '%s' twice, expected each ending once, whatever its case", node->key);
    else if (media_type_check(reader, node, "file.types"))
        media_types_set(types, node->key, node->text);
}

/* What is sent for any path must be asked for anew: the route may say that its files never change, because
 * their names do, and this name is that of none of them. */
static const char *cache_control_of_fallback(struct config_reader *reader, const char *route)
{
    char text[64];
    int length;

    if (cache_control_has(route, "no-cache") || cache_control_has(route, "no-store"))
        return route;
    length =
        snprintf(text, sizeof text, "no-cache%s%s", cache_control_has(route, "private") ? ", private" : "",
                 cache_control_has(route, "no-transform") ? ", no-transform" : "");
    return config_take_text(reader->memory, text, (size_t)length);
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
            read_type(reader, node, child, types);
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
    settings->varies = settings->precompressed || route->compress_response.on;
    settings->fallback_cache_control = cache_control_of_fallback(reader, settings->cache_control);
    settings->types = read_types(reader, draft->types);
    if (route->path != NULL && *route->path != '\0' && !ends_with_star(route->path))
        config_fault(reader->faults, node->place,
                     "file is written for path '%s', expected a path that ends with /*", route->path);
    return settings;
}

/* --- the check before a start --- */

/* Says why a fallback that is there is not sent; other reasons are those of the system. */
static const char *unsendable(int err)
{
    return err == -EXDEV   ? "it leads out of the root, or by an absolute link"
           : err == -ENXIO ? "it is neither a file nor a folder"
                           : weir_error_text(err);
}

static void check_fallback(const struct file_settings *settings, struct config_faults *faults,
                           struct config_faults *warnings)
{
    int root = rooted_open_root(settings->root), fd;
    const struct config_place place = settings->fallback_place;
    struct stat about;

    if (root < 0)
        return; /* there is a fault already */
    fd = rooted_open_why(root, settings->fallback, &about);
    if (fd >= 0)
        (void)close(fd);
    else if (fd == -EISDIR)
        config_fault(faults, place, "file.fallback is '%s', a folder below '%s', expected the path of a file",
                     settings->fallback, settings->root);
    else if (fd == -ENOENT)
        config_fault(
            warnings, place,
            "file.fallback is '%s', which does not exist below '%s': missing files are answered with "
            "404 until it does",
            settings->fallback, settings->root);
    else
        config_fault(warnings, place,
                     "file.fallback is '%s', which cannot be sent from below '%s' (%s): missing files are "
                     "answered with 404 until it can",
                     settings->fallback, settings->root, unsendable(fd));
    (void)close(root);
}

void file_check(const struct config_route *route, struct config_faults *faults,
                struct config_faults *warnings)
{
    const struct file_settings *settings = route->settings;

    root_check("file.root", settings->root, settings->root_place, faults, warnings);
    if (settings->fallback != NULL)
        check_fallback(settings, faults, warnings);
}
