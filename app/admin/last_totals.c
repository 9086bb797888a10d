/* SPDX-License-Identifier: MIT */
#include "admin/last_totals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weir/pool.h>

#include "metrics/cells_left.h"
#include "metrics/totals.h"

enum { PATH_BYTES = 256, PIECE_BYTES = 16 << 10 };
static const char scheme[] = "unix:";

/* Returns: NULL: it has none. */
static const char *path_of(char path[PATH_BYTES], const char *address, pid_t pid, const char *ending)
{
    const char *at = strncmp(address, scheme, strlen(scheme)) == 0 ? address + strlen(scheme) : NULL;

    if (at == NULL || snprintf(path, PATH_BYTES, "%s.%d%s", at, (int)pid, ending) >= PATH_BYTES)
        return NULL;
    return path;
}

static bool write_all(int fd, weir_bytes bytes)
{
    while (bytes.len > 0) {
        const ssize_t n = write(fd, bytes.data, bytes.len);
        if (n < 0 && errno != EINTR)
            return false;
        bytes.data += n > 0 ? n : 0;
        bytes.len -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

static void leave(const char *address, weir_bytes totals)
{
    char path[PATH_BYTES], whole[PATH_BYTES];
    bool written;
    int fd;

    if (path_of(path, address, getpid(), ".part") == NULL ||
        path_of(whole, address, getpid(), ".totals") == NULL)
        return;
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return;
    written = write_all(fd, totals);
    close(fd);
    if (!written || rename(path, whole) < 0)
        (void)unlink(path);
}

static int read_all(int fd, weir_buffer *out)
{
    for (;;) {
        char *room = weir_buffer_reserve(out, PIECE_BYTES);
        const ssize_t n = room != NULL ? read(fd, room, PIECE_BYTES) : -1;
        if (room == NULL)
            return -WEIR_ETOOLARGE;
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            return 0;
        weir_buffer_commit(out, n > 0 ? (size_t)n : 0);
    }
}

static int take(const char *address, pid_t pid, weir_buffer *out)
{
    char path[PATH_BYTES];
    int fd, err;

    if (path_of(path, address, pid, ".totals") == NULL)
        return -EINVAL;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    err = read_all(fd, out);
    close(fd);
    (void)unlink(path);
    return err;
}

static int take_counts(int counts, weir_buffer *out)
{
    struct text_out text;
    int err;

    text_out_init(&text, TOTALS_BYTES_MAX);
    err = cells_left_write(counts, &text);
    weir_buffer_free(out);
    *out = text.text;
    return err;
}

/* --- on the blocking pool --- */

struct passing {
    const char *address;
    pid_t pid;
    weir_bytes totals;
    int counts;
    weir_buffer *out;
};

static int leave_job(weir_job *job, void *arg)
{
    const struct passing *p = arg;

    (void)job;
    leave(p->address, p->totals);
    return 0;
}

static int take_job(weir_job *job, void *arg)
{
    const struct passing *p = arg;
    int err;

    (void)job;
    err = take(p->address, p->pid, p->out);
    return err < 0 && p->counts >= 0 ? take_counts(p->counts, p->out) : err;
}

void last_totals_leave(const char *address, weir_bytes totals)
{
    struct passing p = {.address = address, .totals = totals};

    (void)weir_offload(weir_pool_blocking(), "last totals", leave_job, &p);
}

int last_totals_take(const char *address, pid_t pid, int counts, weir_buffer *out)
{
    struct passing p = {.address = address, .pid = pid, .counts = counts, .out = out};

    return weir_offload(weir_pool_blocking(), "last totals", take_job, &p);
}
