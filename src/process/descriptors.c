/* SPDX-License-Identifier: MIT */
/* A number that a descriptor shall have may be that of another one, which is still needed: so first all are
 * moved above the numbers that are wanted. Before, all that is not needed is closed, so that the table has
 * room however full it was. */
#include "process/descriptors.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "process/raw.h"

enum { STANDARD = 3, CLOSED_ONE_BY_ONE_MAX = 1 << 20 };

static int compare_fds(const void *a, const void *b)
{
    return ((const weir_process_fd *)a)->as - ((const weir_process_fd *)b)->as;
}

static int compare_numbers(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;

    return x < y ? -1 : x > y;
}

void weir__descriptors_prepare(struct weir__descriptors *d, const int standard[3], const weir_process_fd *fds,
                               size_t count)
{
    d->count = STANDARD + count;
    for (int i = 0; i < STANDARD; i++)
        d->fds[i] = (weir_process_fd){standard[i], i};
    for (size_t i = 0; i < count; i++)
        d->fds[STANDARD + i] = fds[i];
    qsort(d->fds, d->count, sizeof *d->fds, compare_fds);
    for (size_t i = 0; i < d->count; i++)
        d->sources[i] = d->fds[i].fd;
    qsort(d->sources, d->count, sizeof *d->sources, compare_numbers);
}

/* --- in the child --- */

/* Without close_range(2), which an old kernel or a filter refuses. */
WEIR__RAW static void close_one_by_one(unsigned first, unsigned last)
{
    struct {
        uint64_t soft, hard;
    } limit = {0};

    (void)syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit);
    if (limit.soft > CLOSED_ONE_BY_ONE_MAX)
        limit.soft = CLOSED_ONE_BY_ONE_MAX;
    for (; first <= last && first < limit.soft; first++)
        (void)syscall(SYS_close, first);
}

WEIR__RAW static void close_from_to(unsigned first, unsigned last)
{
    if (first <= last && syscall(SYS_close_range, first, last, 0) < 0)
        close_one_by_one(first, last);
}

WEIR__RAW static void close_but_sources(const struct weir__descriptors *d)
{
    unsigned next = 0;

    for (size_t i = 0; i < d->count; i++) {
        int fd = d->sources[i];

        if (fd < 0 || (i > 0 && fd == d->sources[i - 1]))
            continue;
        if (fd > 0)
            close_from_to(next, (unsigned)fd - 1);
        next = (unsigned)fd + 1;
    }
    close_from_to(next, UINT_MAX);
}

WEIR__RAW static void close_but_given(const struct weir__descriptors *d)
{
    unsigned next = 0;

    for (size_t i = 0; i < d->count; i++) {
        if (d->fds[i].as > 0)
            close_from_to(next, (unsigned)d->fds[i].as - 1);
        next = (unsigned)d->fds[i].as + 1;
    }
    close_from_to(next, UINT_MAX);
}

/* Returns: the number that a descriptor is moved to; < 0. */
WEIR__RAW static int move_above(int fd, int least)
{
    long moved = syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, least);

    return moved < 0 ? -errno : (int)moved;
}

/* A standard stream that this program does not have is /dev/null. */
WEIR__RAW static int move_all(struct weir__descriptors *d)
{
    int above = d->fds[d->count - 1].as + 1;
    long nothing = syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC);
    int moved_nothing = nothing < 0 ? -errno : move_above((int)nothing, above);

    if (moved_nothing < 0)
        return moved_nothing;
    for (size_t i = 0; i < d->count; i++) {
        int fd = d->fds[i].fd;
        int moved = fd == WEIR__DESCRIPTOR_NULL || fd == nothing ? -EBADF : move_above(fd, above);

        if (moved == -EBADF && d->fds[i].as < STANDARD)
            moved = moved_nothing;
        if (moved < 0)
            return moved;
        d->moved[i] = moved;
    }
    return 0;
}

WEIR__RAW int weir__descriptors_arrange(struct weir__descriptors *d)
{
    int err;

    close_but_sources(d);
    err = move_all(d);
    for (size_t i = 0; err == 0 && i < d->count; i++)
        if (syscall(SYS_dup3, d->moved[i], d->fds[i].as, 0) < 0)
            err = -errno;
    if (err == 0)
        close_but_given(d);
    return err;
}
