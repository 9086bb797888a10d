/* SPDX-License-Identifier: MIT */
/* The names that a cache knows: a table, and their order by last use.
 *
 * Threading: as a cache.
 */
#ifndef APP_FILES_FILE_NAMES_H
#define APP_FILES_FILE_NAMES_H

#include <weir/sync.h>

#include "files/file_versions.h"

struct file_name {
    struct file_name *next;          /* in its bucket */
    struct file_name *newer, *older; /* by last use: a ring with the list's head */
    struct file_version *version;    /* NULL: there is no file, or nothing is known */
    uint64_t hash;
    int64_t asked_ns;
    int64_t looked_ns; /* the last look with an outcome began then */
    uint64_t looks;    /* with an outcome */
    int root;
    int result;     /* 0; -ENOENT, -EISDIR: there is no file */
    int failure;    /* why the last look had no outcome; 0: it had one */
    unsigned users; /* tasks that look, or wait for a look */
    bool known;
    bool looking;
    weir_event looked;
    char path[];
};

struct file_names {
    struct file_name **buckets;
    size_t bucket_count, count;
    size_t path_bytes; /* of all paths */
    uint64_t seed;     /* clients choose the paths */
    struct file_name *newest, *oldest;
};

/* Makes the table, for so many names. Returns: 0; -ENOMEM. */
int file_names_init(struct file_names *names, size_t most) __attribute__((warn_unused_result));

/* Finds a name, or adds it, and makes it the newest. Returns: NULL: no memory. */
struct file_name *file_names_find(struct file_names *names, int root, const char *path);

/* Removes a name, which has no users, and frees it. Its version is the caller's. */
void file_names_remove(struct file_names *names, struct file_name *name);

#endif
