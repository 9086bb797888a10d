/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/heartbeat.h"

/* A loop with two tasks, on a clock of our own. */
struct fixture {
    struct weir__heartbeat heartbeat;
    int64_t now_ns;
    _Atomic uint32_t loop, a, b;
};

static void open_fixture(struct fixture *f)
{
    f->loop = 1;
    f->a = f->b = 0;
    f->now_ns = 1000;
    weir__heartbeat_init(&f->heartbeat, &f->loop, &f->now_ns);
}

/* A slice of runner begins, and takes so long. Returns: whether its beginning was stamped. */
static bool slice(struct fixture *f, _Atomic uint32_t *runner, int64_t ns)
{
    bool due;

    weir__heartbeat_run(runner);
    due = weir__heartbeat_is_stamp_due(&f->heartbeat);
    if (due)
        weir__heartbeat_stamp(&f->heartbeat, runner, weir__heartbeat_ticks(&f->heartbeat));
    f->now_ns += ns;
    return due;
}

/* A turn of n slices, each so long. Returns: how many were stamped. */
static int turn(struct fixture *f, int n, int64_t ns)
{
    int stamped = 0;

    for (int i = 0; i < n; i++)
        stamped += slice(f, i % 2 == 0 ? &f->a : &f->b, ns);
    return stamped;
}

static void a_slice_has_a_beginning(void **state)
{
    struct fixture f;
    struct weir__heartbeat_view view;

    (void)state;
    open_fixture(&f);
    view = weir__heartbeat_look(&f.heartbeat, &f.loop);
    assert_true(view.exact);
    assert_int_equal(view.began, 1000);
    f.now_ns = 2000;
    assert_true(slice(&f, &f.a, 500));
    view = weir__heartbeat_look(&f.heartbeat, &f.a);
    assert_true(view.exact);
    assert_int_equal(view.began, 2000);
    assert_int_equal(view.run, 1);
    assert_false(weir__heartbeat_look(&f.heartbeat, &f.b).exact);
    assert_false(weir__heartbeat_look(&f.heartbeat, &f.loop).exact);
}

static void a_slice_that_was_not_stamped_is_not_taken_for_one_that_was(void **state)
{
    struct fixture f;
    struct weir__heartbeat_view view;

    (void)state;
    open_fixture(&f);
    (void)slice(&f, &f.a, 10);
    weir__heartbeat_run(&f.a); /* goes on without a stamp: alone in its batch */
    view = weir__heartbeat_look(&f.heartbeat, &f.a);
    assert_false(view.exact);
    assert_int_equal(view.began, 1000);
}

static void every_slice_is_stamped_where_they_are_long(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    for (int i = 0; i < 100; i++)
        assert_int_equal(turn(&f, 10, 5000), 10);
}

static void few_are_where_they_are_short(void **state)
{
    struct fixture f;
    int stamped = 0;

    (void)state;
    open_fixture(&f);
    for (int i = 0; i < 1000; i++)
        (void)turn(&f, 3, 20);
    for (int i = 0; i < 1000; i++)
        stamped += turn(&f, 3, 20);
    assert_in_range(stamped, 3000 / WEIR__HEARTBEAT_STRIDE - 1, 3000 / WEIR__HEARTBEAT_STRIDE + 1);
    /* and all again when they become long */
    for (int i = 0; i < 200; i++)
        (void)turn(&f, 3, 2000);
    assert_int_equal(turn(&f, 3, 2000), 3);
}

static void all_are_for_who_needs_them(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    for (int i = 0; i < 1000; i++)
        (void)turn(&f, 3, 20);
    (void)turn(&f, 3, 20);
    weir__heartbeat_need(&f.heartbeat, true);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(turn(&f, 3, 20), 3);
    weir__heartbeat_need(&f.heartbeat, false);
    for (int i = 0; i < 1000; i++)
        (void)turn(&f, 3, 20);
    assert_true(turn(&f, 3, 20) <= 1);
}

/* A turn of few slices ends before so many have passed that the next would be stamped. */
static void all_are_again_for_who_sleeps_between_them(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    for (int i = 0; i < 1000; i++)
        (void)turn(&f, 3, 20);
    assert_true(turn(&f, 3, 20) <= 1);
    for (int i = 0; i < 2; i++) {
        weir__heartbeat_sleep(&f.heartbeat);
        f.now_ns += 1000000;
        weir__heartbeat_wake(&f.heartbeat);
        (void)turn(&f, 3, 20);
    }
    assert_int_equal(turn(&f, 3, 20), 3);
}

static void sleep_is_seen_and_what_follows_begins_anew(void **state)
{
    struct fixture f;
    struct weir__heartbeat_view view;

    (void)state;
    open_fixture(&f);
    assert_false(weir__heartbeat_look(&f.heartbeat, &f.loop).asleep);
    assert_int_equal(weir__heartbeat_sleep_total(&f.heartbeat), 0);
    weir__heartbeat_sleep(&f.heartbeat);
    assert_true(weir__heartbeat_look(&f.heartbeat, &f.loop).asleep);
    f.now_ns += 400000000;
    assert_int_equal(weir__heartbeat_sleep_total(&f.heartbeat), 400000000);
    f.now_ns += 600000000;
    weir__heartbeat_wake(&f.heartbeat);
    view = weir__heartbeat_look(&f.heartbeat, &f.loop);
    assert_false(view.asleep);
    assert_true(view.exact);
    assert_int_equal(view.began, f.now_ns);
    assert_int_equal(view.run, 2);
    f.now_ns += 1000000000; /* awake */
    assert_int_equal(weir__heartbeat_sleep_total(&f.heartbeat), 1000000000);
    weir__heartbeat_sleep(&f.heartbeat);
    f.now_ns += 5;
    assert_int_equal(weir__heartbeat_sleep_total(&f.heartbeat), 1000000005);
    weir__heartbeat_wake(&f.heartbeat);
    assert_int_equal(weir__heartbeat_sleep_total(&f.heartbeat), 1000000005);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slice_has_a_beginning),
        cmocka_unit_test(a_slice_that_was_not_stamped_is_not_taken_for_one_that_was),
        cmocka_unit_test(every_slice_is_stamped_where_they_are_long),
        cmocka_unit_test(few_are_where_they_are_short),
        cmocka_unit_test(all_are_for_who_needs_them),
        cmocka_unit_test(all_are_again_for_who_sleeps_between_them),
        cmocka_unit_test(sleep_is_seen_and_what_follows_begins_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
