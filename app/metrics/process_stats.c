/* SPDX-License-Identifier: MIT */
#include "metrics/process_stats.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "text/proc_file.h"

bool process_stats_parse(const char *line, double booted, struct process_stats *out)
{
    const char *rest = strrchr(line, ')'); /* ends the name, in which anything may stand */
    const double ticks = (double)sysconf(_SC_CLK_TCK);
    unsigned long long user, kernel, start, virtual_bytes;
    long long threads, pages;

    if (rest == NULL ||
        sscanf(rest + 1,
               " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %lld %*d %llu "
               "%llu %lld",
               &user, &kernel, &threads, &start, &virtual_bytes, &pages) != 6)
        return false;
    out->cpu_seconds = (double)(user + kernel) / ticks;
    out->started = booted + (double)start / ticks;
    out->virtual_bytes = virtual_bytes;
    out->resident_bytes = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
    out->threads = (uint64_t)threads;
    return true;
}

static double booted(void)
{
    struct timespec wall, since;

    (void)clock_gettime(CLOCK_REALTIME, &wall);
    (void)clock_gettime(CLOCK_BOOTTIME, &since);
    return (double)(wall.tv_sec - since.tv_sec) + (double)(wall.tv_nsec - since.tv_nsec) / 1e9;
}

static int64_t count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int64_t count = -1; /* the directory's own is not counted */

    if (dir == NULL)
        return -1;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

/* Since Linux 6.2 the size of the directory is the number of descriptors; before, it is 0 and they are
 * counted. */
static int64_t open_fds(void)
{
    struct stat stat;
    int64_t count = lstat("/proc/self/fd", &stat) == 0 ? stat.st_size : 0;

    return count > 0 ? count : count_fds();
}

void process_stats_read(struct process_stats *out)
{
    char line[1024];
    struct rlimit limit;

    *out = (struct process_stats){0};
    out->has_stat =
        proc_file_read("/proc/self/stat", line, sizeof line) > 0 && process_stats_parse(line, booted(), out);
    out->open_fds = open_fds();
    out->max_fds = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY
                       ? (int64_t)limit.rlim_cur
                       : -1;
}
