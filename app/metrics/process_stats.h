/* SPDX-License-Identifier: MIT */
/* What the kernel says of this process.
 *
 * Threading: any; reads a few small files of /proc, which does not block.
 */
#ifndef APP_METRICS_PROCESS_STATS_H
#define APP_METRICS_PROCESS_STATS_H

#include <stdbool.h>
#include <stdint.h>

struct process_stats {
    bool has_stat; /* else the next five are not known */
    double cpu_seconds;
    double started; /* seconds since 1970 */
    uint64_t virtual_bytes, resident_bytes;
    uint64_t threads;
    int64_t open_fds, max_fds; /* -1: not known */
};

void process_stats_read(struct process_stats *out);

/* The same of a line as in /proc/PID/stat; booted: when the system was, in seconds since 1970.
 * Returns: false when it can't be understood.
 */
bool process_stats_parse(const char *line, double booted, struct process_stats *out);

#endif
