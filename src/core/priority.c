/* SPDX-License-Identifier: MIT */
#include "core/priority.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { WORKER_NICER_BY = 7, NICEST = 19, LOOP_SLICE_NS = 100000 };

/* struct sched_attr of the kernel, whose header conflicts with libc's. */
struct scheduling {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t slice_ns, deadline_ns, period_ns;
};

/* Returns: false for a policy of real time or idle, which is left alone. */
static bool read_own(struct scheduling *attr)
{
    return syscall(SYS_sched_getattr, 0, attr, sizeof *attr, 0) == 0 && attr->size == sizeof *attr &&
           (attr->policy == SCHED_OTHER || attr->policy == SCHED_BATCH);
}

/* Kernels before 6.12 ignore the slice. */
static bool set_slice(uint64_t ns, uint64_t *before_ns)
{
    struct scheduling attr = {.size = sizeof attr};

    if (!read_own(&attr))
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
    struct scheduling attr = {.size = sizeof attr};

    if (!read_own(&attr))
        return;
    attr.slice_ns = 0;
    attr.nice = attr.nice + WORKER_NICER_BY < NICEST ? attr.nice + WORKER_NICER_BY : NICEST;
    (void)syscall(SYS_sched_setattr, 0, &attr, 0);
}

void weir__priority_find(struct weir__priority_found *found)
{
    struct scheduling attr = {.size = sizeof attr};

    found->known = read_own(&attr);
    found->nice = attr.nice;
    found->slice_ns = attr.slice_ns;
}

void weir__priority_put_back(const struct weir__priority_found *found)
{
    struct scheduling attr = {.size = sizeof attr};

    if (!found->known || !read_own(&attr))
        return;
    attr.nice = found->nice;
    attr.slice_ns = found->slice_ns;
    (void)syscall(SYS_sched_setattr, 0, &attr, 0);
}
