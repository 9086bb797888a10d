/* SPDX-License-Identifier: MIT */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { SETTLED_AFTER_S = 2, ROOM_LEAST = 4096 };

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

bool weir__file_mark_is_same(const struct weir__file_mark *a, const struct weir__file_mark *b)
{
    return a->exists == b->exists && (!a->exists || is_same(&a->stat, &b->stat));
}

bool weir__file_has_changed(const char *path, const struct weir__file_mark *mark)
{
    struct stat now;
    bool exists = path[0] != '\0' && stat(path, &now) == 0;

    if (exists != mark->exists || mark->unsettled)
        return true;
    return exists && !is_same(&now, &mark->stat);
}

/* Returns: a descriptor of a regular file; < 0. */
static int open_file(const char *path, struct weir__file_mark *mark)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err = 0;
    struct timespec now;

    /* A file that exists and cannot be read has a mark, too: else each look would find a change. */
    *mark = (struct weir__file_mark){0};
    if (fd < 0)
        err = -errno;
    mark->exists = fd >= 0 ? fstat(fd, &mark->stat) == 0 : stat(path, &mark->stat) == 0;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    mark->unsettled = mark->exists && now.tv_sec - mark->stat.st_mtim.tv_sec < SETTLED_AFTER_S;
    if (fd < 0)
        return err;
    if (mark->exists && S_ISREG(mark->stat.st_mode))
        return fd;
    err = mark->exists && S_ISDIR(mark->stat.st_mode) ? -EISDIR : -EINVAL;
    close(fd);
    return err;
}

/* Reads from a descriptor until its end, at most so much. The text has room for a NUL more. */
static int read_all(int fd, size_t most, char **text, size_t *room, size_t *len)
{
    ssize_t got = 1;

    while (got > 0 && *len < most) {
        size_t want = (*room - 1 < most ? *room - 1 : most) - *len;

        if (want == 0) {
            char *larger = realloc(*text, 2 * *room);

            if (larger == NULL)
                return -ENOMEM;
            *text = larger;
            *room *= 2;
            continue;
        }
        got = read(fd, *text + *len, want);
        if (got < 0 && errno != EINTR)
            return -errno;
        *len += got > 0 ? (size_t)got : 0;
        got = got < 0 ? 1 : got;
    }
    (*text)[*len] = '\0';
    return 0;
}

int weir__file_read(const char *path, size_t most, struct weir__file_mark *mark, char **text, size_t *len)
{
    int fd = open_file(path, mark), err;
    size_t room;

    *text = NULL;
    *len = 0;
    if (fd < 0)
        return fd;
    room = mark->stat.st_size > 0 && (size_t)mark->stat.st_size < most ? (size_t)mark->stat.st_size + 2
                                                                       : ROOM_LEAST;
    *text = malloc(room);
    err = *text != NULL ? read_all(fd, most, text, &room, len) : -ENOMEM;
    close(fd);
    if (err < 0) {
        free(*text);
        *text = NULL;
    }
    return err;
}
