/* SPDX-License-Identifier: MIT */
/* Opening, reading and looking again at one file: what a job of the blocking pool does for the cache.
 *
 * Threading: any thread. Blocks.
 */
#ifndef APP_FILES_FILE_LOAD_H
#define APP_FILES_FILE_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* The calls of the system that a load makes. */
struct file_calls {
    int (*open)(int root, const char *path, struct stat *about); /* as rooted_open_why() */
    int (*stat)(int fd, struct stat *about);
    ssize_t (*read)(int fd, void *data, size_t bytes, off_t offset);
    int (*close)(int fd);
    /* Reports whether an open file is another than it was, as far as is known without asking a disk. The only
     * one that does not block. */
    bool (*has_changed)(int fd, const struct stat *was);
};

extern const struct file_calls file_calls_of_system;

enum { FILE_LOAD_CLOSES_MAX = 32, FILE_LOAD_TRIES = 3 };

/* One load. The caller fills the first part and frees content and closes fd of the second. */
struct file_load {
    const struct file_calls *calls;
    int root;
    const char *path;
    bool has_known; /* the file as it is known: if it is still that, it is not read again */
    struct stat known;
    uint64_t content_max;             /* a larger file is not read */
    int closes[FILE_LOAD_CLOSES_MAX]; /* descriptors that are no longer needed: closing may block as well */
    size_t close_count;

    int why;   /* it could not be opened, of rooted_open_why(), or read; else 0 */
    bool same; /* as `known`: nothing else is set */
    struct stat about;
    bool settled;  /* a later change will show in its time */
    char *content; /* NULL: it is read from fd */
    int fd;        /* -1: there is content */
};

/* Returns: 0; as rooted_open(); -ENOMEM, -EIO … nothing is to be freed then. */
int file_load_run(struct file_load *load) __attribute__((warn_unused_result));

#endif
