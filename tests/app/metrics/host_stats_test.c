/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "metrics/host_stats.h"

static char root[] = "/tmp/host-stats-XXXXXX";

static const char *at(const char *name)
{
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", root, name);
    return path;
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(at(name), "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static struct host_stats read_all(void)
{
    struct host_stats stats;

    host_stats_read_files(&stats, &(struct host_files){at("stat"), at("pressure"), at("cgroup"), root});
    return stats;
}

static int begin(void **state)
{
    (void)state;
    strcpy(root + sizeof root - 7, "XXXXXX");
    return mkdtemp(root) != NULL ? 0 : -1;
}

static int end(void **state)
{
    char command[64];

    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", root);
    return system(command);
}

static void without_books_all_is_0(void **state)
{
    struct host_stats stats = read_all();

    (void)state;
    assert_int_equal(stats.all_us + stats.stolen_us + stats.pressed_us + stats.periods, 0);
    assert_false(stats.has_pressure);
    assert_true(stats.quota_cpus <= 0);
}

static void the_machine_is_read(void **state)
{
    const uint64_t tick_us = 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);
    struct host_stats stats;

    (void)state;
    put("stat", "cpu  100 20 30 400 50 6 7 80 9 0\ncpu0 1 2 3 4\n");
    put("pressure", "some avg10=1.00 avg60=2.00 avg300=3.00 total=12345\nfull avg10=0.00 total=1\n");
    stats = read_all();
    assert_int_equal(stats.busy_us, 163 * tick_us);
    assert_int_equal(stats.stolen_us, 80 * tick_us);
    assert_int_equal(stats.all_us, 693 * tick_us);
    assert_true(stats.has_pressure);
    assert_int_equal(stats.pressed_us, 12345);
    put("pressure", "nothing of the kind\n");
    assert_false(read_all().has_pressure);
}

static void the_tightest_quota_counts(void **state)
{
    struct host_stats stats;

    (void)state;
    put("cgroup", "0::/a/b\n");
    assert_int_equal(mkdir(at("a"), 0700) + mkdir(at("a/b"), 0700), 0);
    put("a/b/cpu.max", "max 100000\n");
    put("a/b/cpu.stat", "nr_periods 1\n");
    assert_true(read_all().quota_cpus <= 0);
    put("a/cpu.max", "50000 100000\n");
    put("a/cpu.stat", "usage_usec 9\nnr_periods 70\nnr_throttled 30\nthrottled_usec 800000\n");
    stats = read_all();
    assert_true(stats.quota_cpus > 0.49 && stats.quota_cpus < 0.51);
    assert_string_equal(stats.quota_cgroup, "/a");
    assert_int_equal(stats.periods, 70);
    assert_int_equal(stats.used_up, 30);
    assert_int_equal(stats.stopped_us, 800000);
    put("a/b/cpu.max", "200000 100000\n");
    assert_string_equal(read_all().quota_cgroup, "/a");
    put("a/b/cpu.max", "20000 100000\n");
    assert_string_equal(read_all().quota_cgroup, "/a/b");
}

static void the_older_kind_of_cgroup_is_read(void **state)
{
    struct host_stats stats;

    (void)state;
    put("cgroup", "5:memory:/x\n4:cpu,cpuacct:/c\n");
    assert_int_equal(mkdir(at("cpu,cpuacct"), 0700) + mkdir(at("cpu,cpuacct/c"), 0700), 0);
    put("cpu,cpuacct/c/cpu.cfs_quota_us", "-1\n");
    put("cpu,cpuacct/c/cpu.cfs_period_us", "100000\n");
    put("cpu,cpuacct/c/cpu.stat", "nr_periods 10\nnr_throttled 5\nthrottled_time 2000000000\n");
    assert_true(read_all().quota_cpus <= 0);
    put("cpu,cpuacct/c/cpu.cfs_quota_us", "150000\n");
    stats = read_all();
    assert_true(stats.quota_cpus > 1.49 && stats.quota_cpus < 1.51);
    assert_int_equal(stats.stopped_us, 2000000);
}

static void this_machine_has_cpus(void **state)
{
    struct host_stats stats;

    (void)state;
    host_stats_read(&stats);
    assert_true(stats.all_us > 0 && stats.busy_us > 0 && stats.own_us <= stats.busy_us + 1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_books_all_is_0, begin, end),
        cmocka_unit_test_setup_teardown(the_machine_is_read, begin, end),
        cmocka_unit_test_setup_teardown(the_tightest_quota_counts, begin, end),
        cmocka_unit_test_setup_teardown(the_older_kind_of_cgroup_is_read, begin, end),
        cmocka_unit_test(this_machine_has_cpus),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
