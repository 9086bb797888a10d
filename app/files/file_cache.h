/* SPDX-License-Identifier: MIT */
/* The files that routes answer with, kept open or in memory.
 *
 * Threading: a cache belongs to one loop, and so needs no lock: to find a file takes 56 ns, a lock and a
 * count that loops share would add 32 (2026-11-30), and a task can't wait for the look of another loop. So
 * each loop has its copy of a file that all are asked for, within its part of the limits.
 *
 * A small file is kept whole, a larger one as an open descriptor, and a name below which there is no file as
 * that. Files are opened, read, looked at again and closed by jobs of the blocking pool, never by the loop.
 * What is known of a name is at most FILE_CACHE_STALE_MS old: when half of that has passed, one request looks
 * again, while others get what is known; after all of it, they wait for that look. So they do at once when an
 * open file has changed, as far as the system knows that without asking a disk.
 *
 * A cached file is one version of it: facts and content are of one descriptor, and do not change. A file
 * whose content changes while it is read has no content here: it is sent from its descriptor, by
 * weir_respond_pump().
 *
 *     file_cache.c  names, versions, and what is thrown out
 *     file_load.c   what a job does
 *     file_unsent.c the log of files that are there and are not sent
 */
#ifndef APP_FILES_FILE_CACHE_H
#define APP_FILES_FILE_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#include "files/cached_file.h"

struct file_calls; /* file_load.h: for tests */

enum {
    FILE_CACHE_STALE_MS = 1000,
    FILE_CACHE_IDLE_MS = 60000,        /* a name that nobody asks for is forgotten */
    FILE_CACHE_CONTENT_MAX = 64 << 10, /* a larger file is not kept in memory */
    FILE_CACHE_BYTES = 32 << 20,       /* in memory, of a process */
};

/* A zero field means its default, given in brackets. */
struct file_cache_options {
    uint64_t content_bytes; /* in memory at most [32 MiB divided by the loops of this process] */
    size_t names;           /* that are known at most, of 256 bytes on average [4096] */
    size_t descriptors;     /* that are open at most [a quarter of RLIMIT_NOFILE divided by the loops; 16 to
                               4096] */
    const struct file_calls *calls; /* [those of the system] */
};

struct file_cache;

/* Makes an empty cache for the calling loop.
 * Owns:    the caller closes it after it has released all files. options are copied.
 * Returns: 0; -ENOMEM.
 */
WEIR_CHECKED int file_cache_open(const struct file_cache_options *options, struct file_cache **out);
void file_cache_close(struct file_cache *cache);

/* Finds a regular file below a root, by rooted_open().
 * Takes:   root: a descriptor of rooted_open_root(), which tells this root from others. path: as
 * rooted_open_path() made it.
 * Owns:    the caller releases *out.
 * Returns: 0; -ENOENT; -EISDIR it is a folder; -WEIR_EBUSY and others of weir_offload(): the pool refuses the
 * look; -EMFILE, -ENFILE, -ENOMEM, -EIO … *out is NULL then.
 * Cancel:  ends the wait.
 * Where:   task. Waits, if the name is not known.
 */
WEIR_CHECKED int file_cache_get(struct file_cache *cache, int root, const char *path,
                                struct cached_file **out);

/* Gives a file back. NULL is harmless. Does not wait. */
void file_cache_release(struct file_cache *cache, struct cached_file *file);

/* Logs that a file was not sent to its end; err: of weir_respond_pump(). Says nothing of what a client
 * causes.
 */
void file_cache_tell_cut(struct file_cache *cache, const char *path, int err);

/* Forgets what is known below a root: its descriptor is another folder now. A look that is under way may have
 * begun in the folder before; what it finds is known as long as any look is. Does not wait. */
void file_cache_forget(struct file_cache *cache, int root);

#endif
