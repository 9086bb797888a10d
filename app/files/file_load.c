/* SPDX-License-Identifier: MIT */
#include "files/file_load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "http/rooted_open.h"

enum { SETTLED_S = 2 }; /* the coarsest times that file systems keep */

static bool is_same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           is_same_time(a->st_mtim, b->st_mtim) && is_same_time(a->st_ctim, b->st_ctim);
}

static bool has_changed(int fd, const struct stat *was)
{
    struct statx x;
    struct stat is;

    if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &x) < 0)
        return false; /* a look will tell */
    is = (struct stat){
        .st_dev = makedev(x.stx_dev_major, x.stx_dev_minor),
        .st_ino = x.stx_ino,
        .st_size = (off_t)x.stx_size,
        .st_mtim = {x.stx_mtime.tv_sec, x.stx_mtime.tv_nsec},
        .st_ctim = {x.stx_ctime.tv_sec, x.stx_ctime.tv_nsec},
    };
    return !is_same(was, &is);
}

const struct file_calls file_calls_of_system = {rooted_open_why, fstat, pread, close, has_changed};

/* Reports whether a write since the load began has changed the time of the file. Times are kept coarsely, and
 * two writes may have the same. */
static bool is_settled(const struct stat *about, time_t began)
{
    return began - about->st_ctim.tv_sec > SETTLED_S;
}

/* Reads the bytes of a file and looks whether it ends there. Returns: 1; 0 it is shorter or longer; < 0. */
static int read_whole(struct file_load *load, size_t bytes)
{
    size_t at = 0;
    char beyond;
    ssize_t got;

    while (at < bytes) {
        got = load->calls->read(load->fd, load->content + at, bytes - at, (off_t)at);
        if (got < 0 && errno != EINTR)
            return -errno;
        if (got == 0)
            return 0;
        at += got > 0 ? (size_t)got : 0;
    }
    do
        got = load->calls->read(load->fd, &beyond, 1, (off_t)bytes);
    while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got == 0;
}

static void drop_content(struct file_load *load)
{
    free(load->content);
    load->content = NULL;
}

/* Reads what stands in the file between two looks at it that find the same. Returns: 1; 0 it changed; < 0. */
static int read_once(struct file_load *load)
{
    const size_t bytes = (size_t)load->about.st_size;
    struct stat after;
    int result;

    load->content = malloc(bytes + 1); /* never of no bytes */
    if (load->content == NULL)
        return -ENOMEM;
    result = read_whole(load, bytes);
    if (result >= 0 && load->calls->stat(load->fd, &after) < 0)
        result = -errno;
    if (result >= 0 && !is_same(&load->about, &after)) {
        load->about = after;
        result = 0;
    }
    if (result <= 0)
        drop_content(load);
    return result;
}

static bool is_small(const struct file_load *load)
{
    return (uint64_t)load->about.st_size <= load->content_max;
}

static int read_content(struct file_load *load)
{
    int result = 0;

    for (int tries = 0; result == 0 && tries < FILE_LOAD_TRIES && is_small(load); tries++)
        result = read_once(load);
    return result < 0 ? result : 0;
}

static void close_file(struct file_load *load)
{
    if (load->fd >= 0)
        (void)load->calls->close(load->fd);
    load->fd = -1;
}

static void close_old(struct file_load *load)
{
    for (size_t i = 0; i < load->close_count; i++)
        (void)load->calls->close(load->closes[i]);
    load->close_count = 0;
}

int file_load_run(struct file_load *load)
{
    const time_t began = time(NULL);
    int err;

    close_old(load);
    load->content = NULL;
    load->same = load->settled = false;
    load->fd = load->calls->open(load->root, load->path, &load->about);
    load->why = load->fd < 0 ? load->fd : 0;
    if (load->fd < 0)
        return rooted_open_outcome(load->fd);
    load->same = load->has_known && is_same(&load->known, &load->about);
    err = load->same ? 0 : read_content(load);
    load->why = err;
    load->settled = is_settled(&load->about, began);
    if (err < 0 || load->same || load->content != NULL)
        close_file(load);
    return err;
}
