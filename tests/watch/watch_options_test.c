/* SPDX-License-Identifier: MIT */
/* The options of the watch, and its signal. */
#include <signal.h>

#include "watch/watch_rig.h"

/* --- options --- */

static int blocks_for_a_while(void *arg)
{
    struct timespec t = {.tv_nsec = 50000000};

    (void)arg;
    return nanosleep(&t, NULL);
}

static void it_can_be_turned_off(void **state)
{
    struct rig r = {0};
    weir_options options = {
        .io = WEIR_IO_EPOLL, .stall_after = weir_ms(-1), .on_stall = on_stall, .on_stall_arg = &r};

    (void)state;
    assert_int_equal(weir_run(&options, blocks_for_a_while, &r), 0);
    assert_int_equal(atomic_load(&r.all), 0);
    options.stall_then = (enum weir_stall_then)2;
    assert_int_equal(weir_run(&options, blocks_for_a_while, &r), -EINVAL);
}

static int sees_none_before_its_time(void *arg)
{
    struct rig *r = arg;

    assert_int_equal(blocks_for_a_while(r), 0);
    assert_int_equal(weir_sleep(weir_ms(30)), 0);
    return 0;
}

static void the_threshold_is_the_programs(void **state)
{
    struct rig r = {0};
    weir_options options = {
        .io = WEIR_IO_EPOLL, .stall_after = weir_seconds(20), .on_stall = on_stall, .on_stall_arg = &r};

    (void)state;
    assert_int_equal(weir_run(&options, sees_none_before_its_time, &r), 0);
    assert_int_equal(atomic_load(&r.all), 0);
}

/* --- the signal --- */

static atomic_int others;

static void other(int number)
{
    (void)number;
    atomic_fetch_add(&others, 1);
}

static int raises(void *arg)
{
    assert_int_equal(raise(SIGURG), 0);
    return sees_blocked(arg);
}

static void a_signal_that_is_not_its_own_goes_to_whose_it_is(void **state)
{
    struct sigaction action = {.sa_handler = other}, before, after;

    (void)state;
    assert_int_equal(sigaction(SIGURG, &action, &before), 0);
    atomic_store(&others, 0);
    run_watched(WEIR_STALL_BLOCKED, 1, raises);
    assert_int_equal(sigaction(SIGURG, &before, &after), 0);
    assert_ptr_equal(after.sa_handler, other);
    assert_true(atomic_load(&others) >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_can_be_turned_off),
        cmocka_unit_test(the_threshold_is_the_programs),
        cmocka_unit_test(a_signal_that_is_not_its_own_goes_to_whose_it_is),
    };

#if defined(__SANITIZE_THREAD__)
    printf("1..1\nok 1 # SKIP under TSan: its threads change what is measured\n");
    if (getenv("WEIR_TEST_ALL") == NULL)
        return 0;
#endif
    return cmocka_run_group_tests(tests, NULL, NULL);
}
