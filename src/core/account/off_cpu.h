/* SPDX-License-Identifier: MIT */
/* The time a thread had work to do and was off the CPU, by the figures of the kernel's scheduler; and how
 * much of it because a cgroup had used up its quota.
 *
 * Threading: one thread at a time; not only the one that is measured.
 */
#ifndef WEIR__CORE_ACCOUNT_OFF_CPU_H
#define WEIR__CORE_ACCOUNT_OFF_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { WEIR__OFF_CPU_LEVELS = 4 };

struct weir__off_cpu {
    int schedstat;                      /* -1: the kernel has no such figures */
    int cpu_stat[WEIR__OFF_CPU_LEVELS]; /* of the thread's cgroup and those above it that can have a quota */
    int levels;
    uint64_t delay_ns, throttled_ns; /* at the last reading */
};

/* The time since the reading before. */
struct weir__off_cpu_time {
    uint64_t starved_ns, throttled_ns;
};

/* The paths of the files. */
struct weir__off_cpu_files {
    const char *schedstat;  /* of the thread */
    const char *cgroup;     /* /proc/self/cgroup */
    const char *mounted_at; /* /sys/fs/cgroup */
};

/* Opens the files and reads them once. What can't be opened counts as 0. */
void weir__off_cpu_open(struct weir__off_cpu *o, pid_t thread);
void weir__off_cpu_open_files(struct weir__off_cpu *o, const struct weir__off_cpu_files *files);
void weir__off_cpu_close(struct weir__off_cpu *o);

/* Reads the figures: one to a few system calls. Both times are 0 when there are no figures. */
struct weir__off_cpu_time weir__off_cpu_look(struct weir__off_cpu *o);

#endif
