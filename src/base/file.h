/* SPDX-License-Identifier: MIT */
/* Files that are read whole, and what tells whether they have changed since.
 *
 * stat(2) is compared, which holds for files on every file system, mounted over or reached by links, while
 * inotify(7) misses some of them and may have no instance left.
 *
 * Threading: threads that may wait for a disk: no loop.
 */
#ifndef WEIR__BASE_FILE_H
#define WEIR__BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include <weir/error.h>

/* What tells whether a file has changed. */
struct weir__file_mark {
    struct stat stat;
    bool exists;
    bool unsettled; /* it changed so shortly before it was read that a further change may not show */
};

/* Whether the two are of the same state of a file, as far as it shows. */
bool weir__file_mark_is_same(const struct weir__file_mark *a, const struct weir__file_mark *b);

/* Whether a file may have changed since it was read. */
bool weir__file_has_changed(const char *path, const struct weir__file_mark *mark);

/* Reads a regular file, `most` bytes of it; the rest of a larger one is not read.
 * Owns:    the caller frees *text, which has a NUL behind its len bytes.
 * Returns: 0; -EISDIR a folder; -EINVAL something else that is no regular file; the errors of open(2) and
 *          read(2); -ENOMEM. *mark is set in any case, *text is NULL after a failure. */
int weir__file_read(const char *path, size_t most, struct weir__file_mark *mark, char **text,
                    size_t *len) WEIR_CHECKED;

#endif
