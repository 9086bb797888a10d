/* SPDX-License-Identifier: MIT */
/* cachestat(2) counts the pages that are there, also those whose bytes are still on their way. So one byte of
 * each 16 KiB is read as well, without waiting: readahead, which brings pages, begins with runs of that size.
 * To ask for every page would cost as much as copying it (1 MiB over loopback, 2026-11-30: sendfile alone
 * 129–145 µs; after cachestat and this 145–162; after each page 221–243; read and sent by 64 KiB 194–210).
 */
#include "io/cached.h"

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/guard_exempt.h"

#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

enum { PROBE_BYTES = 16 << 10 };

struct range {
    uint64_t offset, bytes;
};

struct counts {
    uint64_t cached, dirty, writeback, evicted, recently_evicted;
};

ssize_t weir__io_read_cached(int fd, void *data, size_t bytes, off_t offset)
{
    const struct iovec into = {data, bytes};
    ssize_t got;

    weir__guard_exempt_begin();
    got = preadv2(fd, &into, 1, offset, RWF_NOWAIT);
    weir__guard_exempt_end();
    return got >= 0 ? got : errno == EINTR ? -EAGAIN : -errno;
}

static uint64_t pages_of(off_t offset, size_t bytes)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), end = (uint64_t)offset + bytes;

    return (end + page - 1) / page - (uint64_t)offset / page;
}

/* Returns: 1; 0; -EOPNOTSUPP. */
static int are_counted(int fd, off_t offset, size_t bytes)
{
    const struct range range = {(uint64_t)offset, bytes};
    struct counts counts;

    if (syscall(SYS_cachestat, fd, &range, &counts, 0) < 0)
        return -EOPNOTSUPP; /* an old kernel, a filter of system calls, or a file of hugetlbfs */
    return counts.cached >= pages_of(offset, bytes);
}

/* Returns: 1; 0; < 0. */
static int is_read(int fd, off_t offset)
{
    char byte;
    ssize_t got = weir__io_read_cached(fd, &byte, 1, offset);

    return got >= 0 ? 1 : got == -EAGAIN ? 0 : (int)got; /* behind the end of the file there is nothing */
}

int weir__io_is_cached(int fd, off_t offset, size_t bytes)
{
    const off_t end = offset + (off_t)bytes;
    int here = are_counted(fd, offset, bytes);

    for (off_t at = offset; here == 1 && at < end; at = (at / PROBE_BYTES + 1) * PROBE_BYTES)
        here = is_read(fd, at);
    return here == 1 ? is_read(fd, end - 1) : here;
}
