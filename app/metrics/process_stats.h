/* SPDX-License-Identifier: MIT */
/* The figures of this process in /proc.
 *
 * Threading: any thread; reading takes some system calls, none of which waits.
 */
#ifndef APP_METRICS_PROCESS_STATS_H
#define APP_METRICS_PROCESS_STATS_H

#include <stdbool.h>
#include <stdint.h>

struct process_stats {
    bool has_stat; /* whether the five figures that follow are known */
    double cpu_seconds;
    double started; /* seconds since 1970 */
    uint64_t virtual_bytes, resident_bytes;
    uint64_t threads;
    int64_t open_fds, max_fds; /* -1: not known */
};

void process_stats_read(struct process_stats *out);

/* Reads a line as in /proc/PID/stat. booted: when the system booted, in seconds since 1970.
 * Returns: false when the line is malformed.
 */
bool process_stats_parse(const char *line, double booted, struct process_stats *out);

#endif
