/* SPDX-License-Identifier: MIT */
/* file: the files of a folder.
 *
 * Threading: a route's state belongs to its loop; settings are shared and never written again.
 *
 *     file.c           the route: methods, redirects of folders, what is not there
 *     file_settings.c  the configuration
 *     file_find.c      which file a request is for: index, fallback, compressed siblings
 *     file_answer.c    conditions, ranges, headers and the body
 */
#ifndef APP_ROUTES_FILING_H
#define APP_ROUTES_FILING_H

#include <stdbool.h>

#include <weir/http_server.h>

#include "config/route_kind.h"
#include "files/file_cache.h"
#include "http/media_types.h"
#include "routes/kept_root.h"

struct file_settings {
    const char *root;
    struct config_place root_place;
    const char *index;    /* the name of the file that a folder is answered with */
    bool precompressed;   /* siblings .br, .zst and .gz may be sent */
    bool varies;          /* by Accept-Encoding: there are siblings, or answers are compressed */
    const char *fallback; /* the path of what is sent for missing files; NULL: 404 */
    struct config_place fallback_place;
    const char *cache_control; /* NULL: no such header */
    const char *fallback_cache_control;
    const char *const *dot_files; /* names with a dot that may be asked for, ended by NULL; NULL: none */
    const struct media_types *types;
};

/* Reads and checks the settings, as a route_kind does. */
const void *file_configure(struct config_reader *reader, const struct tree_node *node,
                           const struct config_route *route);
void file_check(const struct config_route *route, struct config_faults *faults,
                struct config_faults *warnings);

/* A route on a loop. */
struct file_route {
    const struct file_settings *settings;
    struct file_cache *cache;
    struct kept_root root;
};

/* What a request is answered with. */
struct found_file {
    struct cached_file *file;
    const char *type;
    const char *coding; /* of a sibling; NULL: the file itself */
    bool is_fallback;
};

enum { FILE_IS_FOLDER = 1, FILE_CODING_BYTES_MAX = 5 /* ".zst" */ };

/* Makes the path, below the root, of what a client asks for. in_folder: the client's path ends with a slash.
 * Owns:    out has room for asked, the index, and two bytes.
 * Returns: 0; FILE_IS_FOLDER the root without its slash; as rooted_open_path().
 */
WEIR_CHECKED int file_path_of(const struct file_settings *settings, weir_bytes asked, bool in_folder,
                              char *out);

/* Finds the file for a request.
 * Owns:    the caller releases out->file.
 * Returns: 0; FILE_IS_FOLDER a folder was asked for without its slash; -ENOENT; as file_cache_get().
 * Cancel:  ends the wait.
 * Where:   task. May wait.
 */
WEIR_CHECKED int file_find(const struct file_route *route, weir_request *req, struct found_file *out);

/* Answers with a file, or part of it, or that the client has it already.
 * Returns: as a weir_handler; -WEIR_ETRUNCATED the file became shorter meanwhile.
 * Where:   task. Waits.
 */
WEIR_CHECKED int file_answer(const struct file_settings *settings, weir_request *req, weir_response *res,
                             const struct found_file *found);

#endif
