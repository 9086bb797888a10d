/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "metrics/process_stats.h"

static void a_line_of_the_kernel_is_understood(void **state)
{
    const double ticks = (double)sysconf(_SC_CLK_TCK);
    struct process_stats p = {0};

    (void)state;
    assert_true(process_stats_parse(
        "4242 (we) ir (x) S 1 4242 4242 0 -1 4194304 2500 0 12 0 150 50 7 8 20 0 5 0 3000 "
        "123456789 250 18446744073709551615 1 1 0 0 0 0 0 4096 16386",
        1000, &p));
    assert_true(p.cpu_seconds == 200 / ticks);
    assert_true(p.started == 1000 + 3000 / ticks);
    assert_int_equal(p.threads, 5);
    assert_int_equal(p.virtual_bytes, 123456789);
    assert_int_equal(p.resident_bytes, 250 * (uint64_t)sysconf(_SC_PAGESIZE));
    assert_false(process_stats_parse("", 0, &p));
    assert_false(process_stats_parse("4242 weir S 1 2", 0, &p));
    assert_false(process_stats_parse("4242 (weir) S 1 2", 0, &p));
}

static void this_process_is_as_it_is(void **state)
{
    struct process_stats before, after;
    int fd;

    (void)state;
    process_stats_read(&before);
    assert_true(before.has_stat);
    assert_true(before.open_fds >= 3);
    assert_true(before.resident_bytes > 100000 && before.resident_bytes < before.virtual_bytes);
    assert_true(before.threads >= 1);
    assert_true(before.started <= (double)time(NULL) + 1 && before.started > (double)time(NULL) - 3600);
    fd = open("/dev/null", O_RDONLY);
    process_stats_read(&after);
    assert_int_equal(after.open_fds, before.open_fds + 1);
    assert_true(after.cpu_seconds >= before.cpu_seconds);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_of_the_kernel_is_understood),
        cmocka_unit_test(this_process_is_as_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
