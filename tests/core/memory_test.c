/* SPDX-License-Identifier: MIT */
/* How much memory there is, in the shapes in which machines and containers show it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <unistd.h>

#include <weir/memory.h>

#include "support/files.h"

#define MIB (UINT64_C(1) << 20)

static weir_memory_stats look(void)
{
    weir_memory_stats use;
    weir_memory *memory;

    assert_int_equal(weir_memory_open(files_root, &memory), 0);
    weir_memory_stats_get(memory, &use);
    weir_memory_close(memory);
    return use;
}

static void without_files_there_is_no_limit(void **state)
{
    (void)state;
    assert_int_equal(look().limit_bytes, 0);
    files_put("/proc/self/mountinfo", "nonsense\n31 24 0:27\n - cgroup2\n");
    files_put("/proc/self/cgroup", "0\n\n::\n");
    files_put("/proc/self/statm", "x\n");
    files_put("/proc/meminfo", "\n\nMemAvailable\n");
    assert_int_equal(look().limit_bytes, 0);
}

static void version_2_is_read_up_to_the_top(void **state)
{
    weir_memory_stats use;

    (void)state;
    files_put("/proc/self/mountinfo", "31 24 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    files_put("/proc/self/cgroup", "0::/slice/weir\n");
    files_put("/sys/fs/cgroup/slice/weir/memory.max", "max\n");
    files_put("/sys/fs/cgroup/slice/weir/memory.current", "31457280\n");
    assert_int_equal(look().limit_bytes, 0);
    files_put("/sys/fs/cgroup/slice/weir/memory.max", "33554432\n");
    files_put("/sys/fs/cgroup/slice/weir/memory.stat",
              "anon 1\nworkingset_inactive_file 9\ninactive_file 10485760\n");
    use = look();
    assert_int_equal(use.limit_bytes, 32 * MIB);
    assert_int_equal(use.used_bytes, 20 * MIB); /* file pages are the kernel's to take */
    assert_string_equal(use.limit_of, "cgroup");
    files_put("/sys/fs/cgroup/slice/weir/memory.high", "25165824\n");
    assert_int_equal(look().limit_bytes, 24 * MIB);
    files_put("/sys/fs/cgroup/slice/memory.max", "104857600\n"); /* larger, but full */
    files_put("/sys/fs/cgroup/slice/memory.current", "209715200\n");
    use = look();
    assert_int_equal(use.limit_bytes, 100 * MIB);
    assert_int_equal(use.used_bytes, 100 * MIB);
}

static void version_1_has_other_names(void **state)
{
    weir_memory_stats use;

    (void)state;
    files_put("/proc/self/mountinfo",
              "33 24 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
              "34 24 0:31 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
    files_put("/proc/self/cgroup", "5:cpu:/docker/abc\n4:memory:/docker/abc\n0::/\n");
    files_put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    files_put("/sys/fs/cgroup/memory/memory.usage_in_bytes", "4194304\n");
    assert_int_equal(look().limit_bytes, 0);
    files_put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "33554432\n");
    files_put("/sys/fs/cgroup/memory/memory.stat", "inactive_file 7\ntotal_inactive_file 1048576\n");
    use = look();
    assert_int_equal(use.limit_bytes, 32 * MIB);
    assert_int_equal(use.used_bytes, 3 * MIB);
}

static void a_machine_gives_what_is_available(void **state)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    weir_memory_stats use;

    (void)state;
    files_put("/proc/self/statm", "1000 256 10 1 0 1 0\n");
    files_put("/proc/meminfo", "MemTotal:  2000 kB\nMemFree: 10 kB\nMemAvailable:    1024 kB\n");
    use = look();
    assert_int_equal(use.resident_bytes, 256 * page);
    assert_int_equal(use.limit_bytes, MIB + 256 * page);
    assert_int_equal(use.used_bytes, 256 * page);
    assert_string_equal(use.limit_of, "machine");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_files_there_is_no_limit, files_begin, files_end),
        cmocka_unit_test_setup_teardown(version_2_is_read_up_to_the_top, files_begin, files_end),
        cmocka_unit_test_setup_teardown(version_1_has_other_names, files_begin, files_end),
        cmocka_unit_test_setup_teardown(a_machine_gives_what_is_available, files_begin, files_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
