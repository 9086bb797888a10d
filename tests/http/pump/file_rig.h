/* SPDX-License-Identifier: MIT */
/* A disk for the tests of files as sources of pumps: a temporary file, and calls of the C library that are
 * slow, fail or read little. To be included by one file of a test that is linked with the options in
 * tests/meson.build.
 *
 * Threading: settings are changed while no job runs; jobs count with atomics.
 */
#ifndef TEST_HTTP_PUMP_FILE_RIG_H
#define TEST_HTTP_PUMP_FILE_RIG_H

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "http/pump/pump_rig.h"
#include "support/torture.h"

enum disk_memory {
    DISK_WARM,   /* all is in memory */
    DISK_COLD,   /* nothing is, before a job has read it */
    DISK_UNTOLD, /* the file system doesn't tell */
};

enum { RUN_BYTES = 128 << 10 }; /* of the kernel's reading ahead */

static atomic_int disk_fd; /* read by the watch's own reads, too */

static struct {
    enum disk_memory memory;
    size_t read_most;    /* a job's call reads at most so much; 0: what it asks for */
    off_t fails_at;      /* a job's read from there on fails with EIO; 0: none */
    void (*reads)(void); /* called by each read of a job; or NULL */
    atomic_llong coming; /* the kernel reads a run from here, until a job has waited for it; 0: none */
    atomic_int jobs_reads, loop_reads;
    atomic_llong read_until; /* by jobs: that is in memory then */
} disk;

/* How much the loop may read from there on. */
static inline int64_t in_memory(off_t offset)
{
    int64_t coming = atomic_load(&disk.coming);

    if (disk.memory == DISK_COLD)
        return atomic_load(&disk.read_until) - offset;
    if (coming == 0 || offset >= coming + RUN_BYTES)
        return INT64_MAX;
    return coming - offset;
}

/* NOLINTBEGIN: these names are the linker's */
ssize_t __real_preadv64v2(int fd, const struct iovec *pieces, int count, off_t offset, int flags);
ssize_t __real_pread64(int fd, void *data, size_t bytes, off_t offset);
ssize_t __wrap_preadv64v2(int fd, const struct iovec *pieces, int count, off_t offset, int flags);
ssize_t __wrap_pread64(int fd, void *data, size_t bytes, off_t offset);

/* The loop reads what is in memory, perhaps into the same memory over and over. */
ssize_t __wrap_preadv64v2(int fd, const struct iovec *pieces, int count, off_t offset, int flags)
{
    struct iovec here[64];
    int64_t left = in_memory(offset);
    int n = 0;

    assert_int_equal(flags, RWF_NOWAIT);
    atomic_fetch_add(&disk.loop_reads, 1);
    if (disk.memory == DISK_UNTOLD || left <= 0) {
        errno = disk.memory == DISK_UNTOLD ? EOPNOTSUPP : EAGAIN;
        return -1;
    }
    for (; n < count && n < 64 && left > 0; n++) {
        here[n] = pieces[n];
        if ((int64_t)here[n].iov_len > left)
            here[n].iov_len = (size_t)left;
        left -= (int64_t)here[n].iov_len;
    }
    return __real_preadv64v2(fd, here, n, offset, 0); /* a busy machine may have dropped it */
}

ssize_t __wrap_pread64(int fd, void *data, size_t bytes, off_t offset)
{
    ssize_t got;

    if (fd != disk_fd) /* the watch reads files, too */
        return __real_pread64(fd, data, bytes, offset);
    atomic_fetch_add(&disk.jobs_reads, 1);
    if (disk.reads != NULL)
        disk.reads();
    if (disk.fails_at > 0 && offset >= disk.fails_at) {
        errno = EIO;
        return -1;
    }
    if (disk.fails_at > 0 && (off_t)bytes > disk.fails_at - offset)
        bytes = (size_t)(disk.fails_at - offset);
    got = __real_pread64(fd, data, disk.read_most > 0 && bytes > disk.read_most ? disk.read_most : bytes,
                         offset);
    if (got > 0 && offset + got > atomic_load(&disk.coming))
        atomic_store(&disk.coming, 0);
    if (got > 0 && offset + got > atomic_load(&disk.read_until))
        atomic_store(&disk.read_until, offset + got);
    return got;
}
/* NOLINTEND */

static inline void disk_close(void)
{
    if (disk_fd > 0)
        close(disk_fd);
    disk_fd = 0;
}

/* Empties the disk, and writes a file: so many bytes of a pattern behind `offset` other ones. */
static inline void disk_write(off_t offset, size_t bytes)
{
    char path[] = "/tmp/pumped-XXXXXX", *data = malloc(bytes + 1);

    disk_close();
    memset(&disk, 0, sizeof disk);
    disk_fd = mkstemp(path);
    assert_true(disk_fd > 0);
    assert_int_equal(unlink(path), 0);
    fill_bytes(data, 0, bytes);
    assert_int_equal(pwrite(disk_fd, data, bytes, offset), bytes);
    free(data);
}

#endif
