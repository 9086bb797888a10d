/* SPDX-License-Identifier: MIT */
#include "routes/filing.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "http/negotiation.h"
#include "http/rooted_open.h"

/* Codings of siblings, the best first. */
static const struct {
    const char *coding, *ending;
} siblings[] = {{"br", ".br"}, {"zstd", ".zst"}, {"gzip", ".gz"}};
enum { SIBLINGS = sizeof siblings / sizeof *siblings };

/* --- the path --- */

static bool ends_with_slash(weir_bytes path)
{
    return path.len > 0 && path.data[path.len - 1] == '/';
}

int file_path_of(const struct file_settings *settings, weir_bytes asked, bool in_folder, char *out)
{
    weir_bytes below = asked;
    int err;

    while (ends_with_slash(below))
        below.len--;
    if (below.len >= PATH_MAX)
        return -ENOENT; /* no file has such a long name */
    if (below.len == 0 && !in_folder)
        return FILE_IS_FOLDER;
    if (below.len > 0) {
        err = rooted_open_path(below, settings->dot_files, out);
        if (err < 0)
            return err;
    }
    if (in_folder)
        (void)sprintf(out + (below.len > 0 ? strlen(out) : 0), "%s%s", below.len > 0 ? "/" : "",
                      settings->index);
    return 0;
}

/* Reports whether the client's path ends with a slash; asked: its end, behind that of the route. */
static bool is_in_folder(const weir_request *req, weir_bytes asked)
{
    return ends_with_slash(asked.len > 0 ? asked : weir_bytes_of(weir_request_path_written(req)));
}

/* --- siblings --- */

/* Finds a compressed sibling that the client prefers, and takes it in place of the file. */
static void prefer_sibling(const struct file_route *route, weir_request *req, const char *path,
                           struct found_file *found)
{
    struct negotiation_offer offers[SIBLINGS + 1], *identity = &offers[SIBLINGS];
    const size_t room = strlen(path) + FILE_CODING_BYTES_MAX;
    const struct negotiation_offer *best;
    char *name;

    for (size_t i = 0; i < SIBLINGS; i++)
        negotiation_offer_init(&offers[i], siblings[i].coding);
    negotiation_offer_init(identity, "identity");
    if (negotiation_read_request(req, "accept-encoding", offers, SIBLINGS + 1) == 0)
        return;
    name = weir_request_alloc(req, room);
    while (name != NULL && (best = negotiation_choose_coding(offers, SIBLINGS, identity)) != NULL) {
        const size_t i = (size_t)(best - offers);
        struct cached_file *sibling;

        (void)snprintf(name, room, "%s%s", path, siblings[i].ending);
        if (file_cache_get(route->cache, route->root.fd, name, &sibling) == 0) {
            file_cache_release(route->cache, found->file);
            found->file = sibling;
            found->coding = siblings[i].coding;
            return;
        }
        offers[i].weight = 0; /* whatever the reason: the file itself is good as well */
    }
}

/* --- the file --- */

/* Finds a file by its path. Returns: as file_cache_get(). */
static int find_path(const struct file_route *route, weir_request *req, const char *path,
                     struct found_file *out)
{
    const struct file_settings *settings = route->settings;
    int err = file_cache_get(route->cache, route->root.fd, path, &out->file);

    if (err < 0)
        return err;
    if (out->file->type == NULL)
        out->file->type = media_types_find(settings->types, path);
    out->type = out->file->type;
    if (settings->precompressed)
        prefer_sibling(route, req, path, out);
    return 0;
}

int file_find(const struct file_route *route, weir_request *req, struct found_file *out)
{
    const struct file_settings *settings = route->settings;
    const weir_bytes asked = weir_bytes_of(weir_request_param(req, "*"));
    const bool in_folder = is_in_folder(req, asked);
    char *path = weir_request_alloc(req, asked.len + strlen(settings->index) + 2);
    int err;

    *out = (struct found_file){0};
    if (path == NULL)
        return -ENOMEM;
    err = file_path_of(settings, asked, in_folder, path);
    if (err != 0)
        return err;
    err = find_path(route, req, path, out);
    if (err == -EISDIR)
        err = in_folder ? -ENOENT : FILE_IS_FOLDER; /* a folder may have the name of an index */
    out->is_fallback = err == -ENOENT && settings->fallback != NULL;
    if (out->is_fallback)
        err = find_path(route, req, settings->fallback, out);
    return err == -EISDIR ? -ENOENT : err;
}
