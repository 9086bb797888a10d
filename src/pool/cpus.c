/* SPDX-License-Identifier: MIT */
#include "pool/cpus.h"

#include <sched.h>
#include <stddef.h>
#include <stdio.h>

#include <weir/pool.h>

#include "core/cgroup.h"

enum { NUMBERS_BYTES = 64 };

static long quota_of(long quota, long period)
{
    return quota > 0 && period > 0 ? quota * 1000 / period : -1;
}

static long tighter(long a, long b)
{
    return a < 0 ? b : b < 0 ? a : a < b ? a : b;
}

/* "max 100000" does not begin with a number: no quota. */
static void see_v2(void *arg, const char *folder)
{
    long *tightest = arg, quota, period;
    char text[NUMBERS_BYTES];

    if (weir__cgroup_read(folder, "cpu.max", text, sizeof text) &&
        sscanf(text, "%ld %ld", &quota, &period) == 2)
        *tightest = tighter(*tightest, quota_of(quota, period));
}

static void see_v1(void *arg, const char *folder)
{
    long *tightest = arg, quota, period;
    char text[NUMBERS_BYTES], more[NUMBERS_BYTES];

    if (weir__cgroup_read(folder, "cpu.cfs_quota_us", text, sizeof text) &&
        weir__cgroup_read(folder, "cpu.cfs_period_us", more, sizeof more) &&
        sscanf(text, "%ld", &quota) == 1 && sscanf(more, "%ld", &period) == 1)
        *tightest = tighter(*tightest, quota_of(quota, period));
}

long weir__cpus_quota_milli(const char *root)
{
    long tightest = -1;

    weir__cgroup_each(root, NULL, see_v2, &tightest);
    weir__cgroup_each(root, "cpu", see_v1, &tightest);
    return tightest;
}

int weir__cpus_for_computing(int cpus, long quota_milli)
{
    int whole = (int)(quota_milli / 1000);

    if (quota_milli < 0 || quota_milli >= cpus * 1000L)
        return cpus;
    return whole > 1 ? whole - 1 : 1;
}

int weir_cpu_count(void)
{
    cpu_set_t set;
    int cpus = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;

    return weir__cpus_for_computing(cpus, weir__cpus_quota_milli(""));
}
