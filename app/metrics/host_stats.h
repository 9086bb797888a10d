/* SPDX-License-Identifier: MIT */
/* The CPU time that the machine has for this process: how its CPUs are used, how long tasks wait for one, and
 * the quota of the cgroup.
 *
 * Threading: any thread; reading takes some system calls, none of which waits.
 */
#ifndef APP_METRICS_HOST_STATS_H
#define APP_METRICS_HOST_STATS_H

#include <stdbool.h>
#include <stdint.h>

enum { HOST_CGROUP_BYTES = 256 };

/* Sums since the machine, or the cgroup, began; 0 where the kernel keeps none. */
struct host_stats {
    uint64_t all_us, busy_us, stolen_us; /* of all CPUs: in all; in use; given away by a hypervisor */
    uint64_t own_us;                     /* of this process on a CPU */
    uint64_t pressed_us;                 /* in which some task waited for a CPU */
    bool has_pressure;
    double quota_cpus;                    /* the smallest of its cgroups' quotas; 0: none has one */
    char quota_cgroup[HOST_CGROUP_BYTES]; /* the path of that cgroup */
    uint64_t periods, used_up;            /* of that cgroup: all, and those in which it was stopped */
    uint64_t stopped_us;                  /* of that cgroup: for how long */
};

/* The paths of the files that are read. */
struct host_files {
    const char *stat, *pressure, *cgroup, *mounted_at; /* /proc/…, /sys/fs/cgroup */
};

void host_stats_read(struct host_stats *out);
void host_stats_read_files(struct host_stats *out, const struct host_files *files);

#endif
