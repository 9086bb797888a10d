/* SPDX-License-Identifier: MIT */
/* A part of a regular file as a source.
 *
 * To a socket the kernel sends what is in memory (sendfile); to other sinks it is copied, by pieces of 64
 * KiB, and so is what is small. A job of the blocking pool reads what is not in memory: into the kernel's
 * memory, from which it is sent then, or into the piece where the system does not tell what it has.
 *
 * A job whose disk was slow has the kernel begin with the bytes behind its own: they come while these are
 * sent.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <weir/pool.h>

#include "core/task.h"
#include "http/pump/pump_parts.h"
#include "net/cached.h"

enum {
    PIECE_BYTES = 64 << 10,
    FIRST_BYTES = 16 << 10,             /* of a large file: sent with a head */
    RUN_BYTES = WEIR__CACHED_RUN_BYTES, /* of a job's reads: no less, or the kernel's runs would be shorter */
    ROUND_BYTES = 256 << 10,
    ROUND_BYTES_WAITED = 1 << 20, /* once the socket has been waited for */
    BUDGET_BYTES = 512 << 10,     /* of a round, for each wait's worth of budget */
    AHEAD_BYTES = 1 << 20,
    SLOW_NS = 1000000,
};

static int bring(struct weir__splice_file *part);

int weir__pump_file_open(struct weir__pump_file *f, const weir_body_file *from)
{
    if (from->fd < 0 || from->offset > INT64_MAX || from->bytes > INT64_MAX - from->offset)
        return -EINVAL;
    *f = (struct weir__pump_file){
        .part = {.fd = from->fd, .offset = (off_t)from->offset, .bring = bring},
        .left = from->bytes,
    };
    return 0;
}

void weir__pump_file_close(struct weir__pump_file *f)
{
    free(f->piece);
}

uint64_t weir__pump_file_length(const struct weir__pump_file *f)
{
    return f->left + (f->piece_len - f->piece_at);
}

/* --- jobs --- */

/* What a job reads: into memory of the caller's, or only into that of the kernel. */
struct reading {
    int fd;
    off_t offset;
    size_t bytes;
    char *into; /* NULL: of the kernel alone */
    size_t got;
};

static int64_t clock_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* Reads until all is there, or the file ends. */
static int read_bytes(weir_job *job, struct reading *r, char *scratch)
{
    int err = 0;

    while (err == 0 && r->got < r->bytes) {
        size_t most = r->bytes - r->got;
        char *to = r->into != NULL ? r->into + r->got : scratch;
        ssize_t n = pread(r->fd, to, most < RUN_BYTES ? most : RUN_BYTES, r->offset + (off_t)r->got);

        if (n == 0)
            break;
        if (n > 0)
            r->got += (size_t)n;
        err = n < 0 && errno != EINTR ? -errno : weir_job_cancelled(job);
    }
    return err;
}

static int read_by_job(weir_job *job, void *arg)
{
    struct reading *r = arg;
    int64_t began_ns = clock_ns();
    char *scratch = r->into == NULL ? malloc(RUN_BYTES) : NULL;
    int err = r->into == NULL && scratch == NULL ? -ENOMEM : read_bytes(job, r, scratch);

    free(scratch);
    if (err == 0 && r->got == r->bytes && clock_ns() - began_ns > SLOW_NS)
        (void)readahead(r->fd, r->offset + (off_t)r->bytes, AHEAD_BYTES);
    return err;
}

/* Waits for its turn in the pool: an answer that has begun must not end because a pool is full. */
static int offload(struct reading *r)
{
    const weir_offload_options options = {.when_full = WEIR_WAIT};
    int err = weir_offload_with(weir_pool_blocking(), "reading a file", read_by_job, r, &options);

    return err == -EAGAIN ? -WEIR_EBUSY : err; /* no thread */
}

/* --- by copying --- */

/* How much the next piece has: of a large file the first has little, since most is sent without copying. */
static size_t piece_bytes(const struct weir__pump_file *f)
{
    uint64_t most = f->left <= PIECE_BYTES || f->piece != NULL ? PIECE_BYTES : FIRST_BYTES;

    return (size_t)(f->left < most ? f->left : most);
}

static int make_piece(struct weir__pump_file *f, size_t bytes)
{
    if (bytes > f->piece_room) {
        free(f->piece);
        f->piece = malloc(bytes);
        f->piece_room = f->piece != NULL ? bytes : 0;
    }
    return f->piece != NULL ? 0 : -ENOMEM;
}

static void note_piece(struct weir__pump_file *f, size_t bytes)
{
    f->piece_at = 0;
    f->piece_len = bytes;
    f->part.offset += (off_t)bytes;
    f->left -= bytes;
}

/* Reads what is in memory. Returns: 0; -EAGAIN it is not there; -WEIR_ETRUNCATED; < 0. */
static int fill_piece(struct weir__pump_file *f)
{
    const size_t bytes = piece_bytes(f);
    ssize_t got;
    int err;

    if (f->untold)
        return -EAGAIN;
    err = make_piece(f, bytes);
    if (err < 0)
        return err;
    got = weir__read_cached(f->part.fd, f->piece, bytes, f->part.offset);
    if (got == -EOPNOTSUPP)
        f->untold = true;
    if (got > 0)
        note_piece(f, (size_t)got);
    return got > 0 ? 0 : got == 0 ? -WEIR_ETRUNCATED : got == -EOPNOTSUPP ? -EAGAIN : (int)got;
}

int weir__pump_file_take(struct weir__pump_file *f, struct iovec *runs, uint64_t most)
{
    size_t here;
    int err = 0;

    if (most > 0 && f->left > 0 && f->piece_at == f->piece_len)
        err = fill_piece(f);
    here = f->piece_len - f->piece_at;
    if (here > most)
        here = (size_t)most;
    if (err < 0 || here == 0)
        return err == -EAGAIN ? 0 : err;
    runs[0] = (struct iovec){f->piece + f->piece_at, here};
    f->piece_at += here;
    return 1;
}

int weir__pump_file_await(struct weir__pump_file *f)
{
    struct reading r = {.fd = f->part.fd, .offset = f->part.offset, .bytes = piece_bytes(f)};
    int err = make_piece(f, r.bytes);

    if (err < 0)
        return err;
    r.into = f->piece;
    err = offload(&r);
    if (err < 0)
        return err;
    if (r.got == 0)
        return -WEIR_ETRUNCATED;
    note_piece(f, r.got);
    return 0;
}

/* --- without copying --- */

/* Has the part read into the kernel's memory, unless it is there. */
static int bring(struct weir__splice_file *part)
{
    struct reading r = {.fd = part->fd, .offset = part->offset, .bytes = part->bytes};
    int here = weir__is_cached(part->fd, part->offset, part->bytes);

    return here == 1 ? 0 : here < 0 ? here : offload(&r);
}

/* How much a round may have: it ends where a run of the kernel does. While the socket takes all, short calls
 * are cheaper: 1 MiB on 32 connections over loopback takes the server 107 µs in calls of 256 KiB, 165 in two,
 * and 200 in one (2026-11-30, a busy machine). Long calls are for the sockets that are full again and again.
 */
static uint64_t round_bytes(const struct weir__pump_file *f, const struct weir__splice *splice)
{
    return (splice->waited ? ROUND_BYTES_WAITED : ROUND_BYTES) - (uint64_t)f->part.offset % RUN_BYTES;
}

/* Spends budget though there may be nothing to wait for. Returns: 0; < 0. */
static int spend(uint64_t bytes)
{
    int err = 0;

    for (uint64_t spent = 0; err == 0 && spent < bytes; spent += BUDGET_BYTES)
        err = weir__wait_begin();
    return err;
}

ssize_t weir__pump_file_splice(struct weir__pump_file *f, struct weir__splice *splice, uint64_t most)
{
    uint64_t bytes = f->left < most ? f->left : most;
    uint64_t round = round_bytes(f, splice);
    int err;

    if (splice->copies || f->untold || f->piece_at < f->piece_len || bytes < WEIR__SPLICE_RUN_MIN)
        return -EAGAIN;
    f->part.bytes = (size_t)(bytes < round ? bytes : round);
    err = spend(f->part.bytes);
    if (err == 0)
        err = bring(&f->part);
    if (err == -EOPNOTSUPP) {
        f->untold = true;
        return -EAGAIN;
    }
    if (err < 0)
        return err;
    f->left -= f->part.bytes;
    splice->file = &f->part;
    return (ssize_t)f->part.bytes;
}
