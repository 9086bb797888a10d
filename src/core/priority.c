/* SPDX-License-Identifier: MIT */
#include "core/priority.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { WORKER_NICER_BY = 7, NICEST = 19, LOOP_SLICE_NS = 100000 };

bool weir__priority_read(struct weir__scheduling *out)
{
    *out = (struct weir__scheduling){.size = sizeof *out};
    return syscall(SYS_sched_getattr, 0, out, sizeof *out, 0) == 0 && out->size == sizeof *out &&
           (out->policy == SCHED_OTHER || out->policy == SCHED_BATCH);
}

/* Kernels before 6.12 ignore the slice. */
static bool set_slice(uint64_t ns, uint64_t *before_ns)
{
    struct weir__scheduling attr;

    if (!weir__priority_read(&attr))
        return false;
    if (before_ns != NULL)
        *before_ns = attr.slice_ns;
    attr.slice_ns = ns;
    return syscall(SYS_sched_setattr, 0, &attr, 0) == 0;
}

void weir__priority_of_loop(struct weir__priority *before)
{
    before->changed = set_slice(LOOP_SLICE_NS, &before->slice_ns);
}

void weir__priority_restore(const struct weir__priority *before)
{
    if (before->changed)
        (void)set_slice(before->slice_ns, NULL);
}

/* A thread inherits the attributes of the loop that made it. */
void weir__priority_of_worker(void)
{
    struct weir__scheduling attr;

    if (!weir__priority_read(&attr))
        return;
    attr.slice_ns = 0;
    attr.nice = attr.nice + WORKER_NICER_BY < NICEST ? attr.nice + WORKER_NICER_BY : NICEST;
    (void)syscall(SYS_sched_setattr, 0, &attr, 0);
}
