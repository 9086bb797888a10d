/* SPDX-License-Identifier: MIT */
#include "metrics/host_stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "text/proc_file.h"

enum { TEXT_BYTES = 4096, PATH_BYTES = 512 };

/* Returns: the number behind "key " at the beginning of a line; 0: no line has it. */
static uint64_t line_number(const char *text, const char *key)
{
    const size_t length = strlen(key);

    for (const char *at = text; at != NULL && *at; at = strchr(at, '\n'), at = at != NULL ? at + 1 : NULL)
        if (strncmp(at, key, length) == 0 && at[length] == ' ')
            return strtoull(at + length + 1, NULL, 10);
    return 0;
}

/* --- the machine --- */

/* Reads "cpu user nice system idle iowait irq softirq steal guest guest_nice", in ticks; user includes guest.
 */
static void read_cpus(const char *path, struct host_stats *out)
{
    char text[TEXT_BYTES];
    unsigned long long t[8] = {0};
    const uint64_t tick_us = 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);

    if (proc_file_read(path, text, TEXT_BYTES) == 0 ||
        sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1], &t[2], &t[3], &t[4], &t[5],
               &t[6], &t[7]) < 4)
        return;
    out->busy_us = (t[0] + t[1] + t[2] + t[5] + t[6]) * tick_us;
    out->stolen_us = t[7] * tick_us;
    out->all_us = out->busy_us + out->stolen_us + (t[3] + t[4]) * tick_us;
}

static void read_pressure(const char *path, struct host_stats *out)
{
    char text[TEXT_BYTES];
    const char *total = proc_file_read(path, text, TEXT_BYTES) > 0 && strncmp(text, "some ", 5) == 0
                            ? strstr(text, "total=")
                            : NULL;

    if (total == NULL)
        return;
    out->has_pressure = true;
    out->pressed_us = strtoull(total + strlen("total="), NULL, 10);
}

static void read_own(struct host_stats *out)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) == 0)
        out->own_us = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
                      (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* --- the quota --- */

static bool read_member(const char *directory, const char *name, char text[TEXT_BYTES])
{
    char path[PATH_BYTES + 64];
    const int n = snprintf(path, sizeof path, "%s/%s", directory, name);

    return n < (int)sizeof path && proc_file_read(path, text, TEXT_BYTES) > 0;
}

/* Reads "50000 100000" of v2, where "max" is no quota; of v1 two files, where -1 is none.
 * Returns: CPUs; 0: there is no quota.
 */
static double quota_of(const char *directory)
{
    char text[TEXT_BYTES];
    double quota = 0, period = 0;

    if (read_member(directory, "cpu.max", text))
        return sscanf(text, "%lf %lf", &quota, &period) == 2 && period > 0 ? quota / period : 0;
    if (read_member(directory, "cpu.cfs_quota_us", text))
        quota = strtod(text, NULL);
    if (read_member(directory, "cpu.cfs_period_us", text))
        period = strtod(text, NULL);
    return quota > 0 && period > 0 ? quota / period : 0;
}

static void read_cgroup(const char *directory, const char *path, struct host_stats *out)
{
    char text[TEXT_BYTES];
    const double quota = quota_of(directory);

    if (quota <= 0 || (out->quota_cpus > 0 && quota >= out->quota_cpus))
        return;
    out->quota_cpus = quota;
    snprintf(out->quota_cgroup, sizeof out->quota_cgroup, "%s", path);
    if (!read_member(directory, "cpu.stat", text))
        return;
    out->periods = line_number(text, "nr_periods");
    out->used_up = line_number(text, "nr_throttled");
    out->stopped_us = line_number(text, "throttled_usec");
    if (out->stopped_us == 0)
        out->stopped_us = line_number(text, "throttled_time") / 1000;
}

/* Reads this cgroup and those above it. */
static void read_cgroups(const char *mounted_at, const char *controllers, char *path, struct host_stats *out)
{
    char directory[PATH_BYTES];

    for (;;) {
        const int n = snprintf(directory, sizeof directory, "%s%s%s%s", mounted_at, *controllers ? "/" : "",
                               controllers, strcmp(path, "/") == 0 ? "" : path);
        char *up;
        if (n < (int)sizeof directory)
            read_cgroup(directory, path, out);
        up = strrchr(path, '/');
        if (up == NULL || path[1] == '\0')
            return;
        up[up == path] = '\0';
    }
}

static bool has_cpu(const char *controllers)
{
    for (const char *at = controllers; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, "cpu", 3) == 0 && (at[3] == ',' || at[3] == '\0'))
            return true;
    }
    return false;
}

/* Reads the lines of /proc/self/cgroup: "4:cpu,cpuacct:/a/b", and "0::/a/b" of v2. */
static void read_quota(const char *list, const char *mounted_at, struct host_stats *out)
{
    char text[TEXT_BYTES], *rest = text, *line;

    if (proc_file_read(list, text, TEXT_BYTES) == 0)
        return;
    while ((line = strsep(&rest, "\n")) != NULL) {
        char *controllers = strchr(line, ':');
        char *path = controllers != NULL ? strchr(++controllers, ':') : NULL;
        if (path == NULL || path[1] != '/')
            continue;
        *path++ = '\0';
        if (*controllers == '\0' || has_cpu(controllers))
            read_cgroups(mounted_at, controllers, path, out);
    }
}

/* --- the whole --- */

void host_stats_read_files(struct host_stats *out, const struct host_files *files)
{
    *out = (struct host_stats){0};
    read_cpus(files->stat, out);
    read_pressure(files->pressure, out);
    read_own(out);
    read_quota(files->cgroup, files->mounted_at, out);
}

void host_stats_read(struct host_stats *out)
{
    static const struct host_files files = {"/proc/stat", "/proc/pressure/cpu", "/proc/self/cgroup",
                                            "/sys/fs/cgroup"};

    host_stats_read_files(out, &files);
}
