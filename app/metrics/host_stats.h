/* SPDX-License-Identifier: MIT */
/* What the machine has for this process: its CPUs' time, who waits for them, and the quota of its cgroup.
 *
 * Threading: any thread; reading takes a few system calls, none of which waits.
 */
#ifndef APP_METRICS_HOST_STATS_H
#define APP_METRICS_HOST_STATS_H

#include <stdbool.h>
#include <stdint.h>

enum { HOST_CGROUP_BYTES = 256 };

/* Sums since the machine, or the cgroup, began; 0 where there are no books of it. */
struct host_stats {
    uint64_t all_us, busy_us, stolen_us; /* of all CPUs together: there was; in use; a hypervisor gave away */
    uint64_t own_us;                     /* on a CPU, of this process */
    uint64_t pressed_us;                 /* in which some task waited for a CPU */
    bool has_pressure;
    double quota_cpus;                    /* the tightest of the cgroups it is in; 0: none has one */
    char quota_cgroup[HOST_CGROUP_BYTES]; /* its path */
    uint64_t periods, used_up,
        stopped_us; /* of that cgroup: in how many of them it was stopped, and how long */
};

/* Where the files are. */
struct host_files {
    const char *stat, *pressure, *cgroup, *mounted_at; /* /proc/…, /sys/fs/cgroup */
};

void host_stats_read(struct host_stats *out);
void host_stats_read_files(struct host_stats *out, const struct host_files *files);

#endif
