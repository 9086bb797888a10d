/* SPDX-License-Identifier: MIT */
/* How many CPUs a cgroup leaves, in the shapes in which machines and containers show it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pool/cpus.h"
#include "support/files.h"

static const char v2_mount[] =
    "24 1 0:21 / /proc rw - proc proc rw\n"
    "31 24 0:27 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";

static void without_files_there_is_no_quota(void **state)
{
    (void)state;
    assert_int_equal(weir__cpus_quota_milli(files_root), -1);
    files_put("/proc/self/mountinfo", "nonsense\n31 24 0:27\n - cgroup2\n");
    files_put("/proc/self/cgroup", "0\n\n::\n");
    assert_int_equal(weir__cpus_quota_milli(files_root), -1);
}

static void version_2_is_read_up_to_the_top(void **state)
{
    (void)state;
    files_put("/proc/self/mountinfo", v2_mount);
    files_put("/proc/self/cgroup", "0::/system.slice/weir.service\n");
    files_put("/sys/fs/cgroup/system.slice/weir.service/cpu.max", "max 100000\n");
    assert_int_equal(weir__cpus_quota_milli(files_root), -1);
    files_put("/sys/fs/cgroup/system.slice/cpu.max", "250000 100000\n");
    assert_int_equal(weir__cpus_quota_milli(files_root), 2500);
    files_put("/sys/fs/cgroup/system.slice/weir.service/cpu.max", "150000 50000\n");
    assert_int_equal(weir__cpus_quota_milli(files_root), 2500); /* the tighter one, wherever it stands */
    files_put("/sys/fs/cgroup/system.slice/weir.service/cpu.max", "50000 50000\n");
    assert_int_equal(weir__cpus_quota_milli(files_root), 1000);
    files_put("/sys/fs/cgroup/cpu.max", "40000 100000\n");
    assert_int_equal(weir__cpus_quota_milli(files_root), 400);
}

static void in_a_container_what_is_mounted_is_ours(void **state)
{
    (void)state;
    files_put("/proc/self/mountinfo", v2_mount);
    files_put("/proc/self/cgroup", "0::/\n");
    files_put("/sys/fs/cgroup/cpu.max", "150000 100000\n");
    assert_int_equal(weir__cpus_quota_milli(files_root), 1500);
    files_put("/proc/self/cgroup", "0::/../../elsewhere\n");
    assert_int_equal(weir__cpus_quota_milli(files_root), 1500);
}

static const char v1_mount[] =
    "33 24 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
    "34 24 0:31 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n";

static void version_1_has_two_files_and_a_mount_of_its_own(void **state)
{
    (void)state;
    files_put("/proc/self/mountinfo", v1_mount);
    files_put("/proc/self/cgroup", "5:cpuset:/docker/abc\n4:cpu,cpuacct:/docker/abc/inner\n0::/\n");
    files_put("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
    files_put("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
    assert_int_equal(weir__cpus_quota_milli(files_root), -1);
    files_put("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "300000\n");
    assert_int_equal(weir__cpus_quota_milli(files_root), 3000);
    files_put("/sys/fs/cgroup/cpu,cpuacct/inner/cpu.cfs_quota_us", "75000\n");
    files_put("/sys/fs/cgroup/cpu,cpuacct/inner/cpu.cfs_period_us", "50000\n");
    assert_int_equal(weir__cpus_quota_milli(files_root), 1500);
}

static void of_a_quota_one_cpu_is_kept_for_the_loops(void **state)
{
    (void)state;
    assert_int_equal(weir__cpus_for_computing(4, -1), 4);
    assert_int_equal(weir__cpus_for_computing(4, 4000), 4);
    assert_int_equal(weir__cpus_for_computing(4, 9000), 4);
    assert_int_equal(weir__cpus_for_computing(8, 4000), 3);
    assert_int_equal(weir__cpus_for_computing(8, 2500), 1);
    assert_int_equal(weir__cpus_for_computing(8, 1500), 1);
    assert_int_equal(weir__cpus_for_computing(8, 200), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_files_there_is_no_quota, files_begin, files_end),
        cmocka_unit_test_setup_teardown(version_2_is_read_up_to_the_top, files_begin, files_end),
        cmocka_unit_test_setup_teardown(in_a_container_what_is_mounted_is_ours, files_begin, files_end),
        cmocka_unit_test_setup_teardown(version_1_has_two_files_and_a_mount_of_its_own, files_begin,
                                        files_end),
        cmocka_unit_test(of_a_quota_one_cpu_is_kept_for_the_loops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
