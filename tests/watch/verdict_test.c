/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "watch/verdict.h"

#define MS INT64_C(1000000)

/* The life of a thread, piece by piece, with looks in between. */
struct life {
    struct weir__evidence evidence;
};

enum { CPU, OFF, STARVED, THROTTLED };

static void live(struct life *l, int what, int64_t ns)
{
    l->evidence.at_ns += ns;
    if (what == CPU)
        l->evidence.cpu_ns += ns;
    else if (what == STARVED)
        l->evidence.starved_ns += ns;
    else if (what == THROTTLED)
        l->evidence.throttled_ns += ns;
}

struct piece {
    int what;
    int64_t ms;
};

/* gap: the time before the slice, since the last look. Then the slice: before and after the first look. */
static enum weir__verdict verdict(struct piece gap, struct piece early, struct piece late, bool running,
                                  bool blocked)
{
    struct life l = {
        .evidence = {.at_ns = 5000 * MS, .cpu_ns = 700 * MS, .starved_ns = 30 * MS, .throttled_ns = 4 * MS}};
    struct weir__case c = {.after_ns = 10 * MS, .seen_running = running, .seen_blocked = blocked};

    c.before = l.evidence;
    live(&l, gap.what, gap.ms * MS);
    c.began_ns = l.evidence.at_ns;
    live(&l, early.what, early.ms * MS);
    c.first = l.evidence;
    live(&l, late.what, late.ms * MS);
    c.now = l.evidence;
    return weir__verdict_of(&c);
}

#define P(what, ms) ((struct piece){what, ms})

static void what_it_did_all_the_time_is_certain_whenever_it_was_looked_at(void **state)
{
    static const int whats[] = {CPU, OFF, STARVED, THROTTLED};
    static const enum weir__verdict right[] = {WEIR__VERDICT_COMPUTING, WEIR__VERDICT_BLOCKED,
                                               WEIR__VERDICT_STARVED, WEIR__VERDICT_THROTTLED};

    (void)state;
    for (int gap = 0; gap <= 10; gap++)
        for (int what = 0; what < 4; what++)
            for (int before = CPU; before <= OFF; before++)
                assert_int_equal(verdict(P(whats[before], gap), P(whats[what], 10 - gap), P(whats[what], gap),
                                         whats[what] != OFF, whats[what] == OFF),
                                 right[what]);
}

static void a_slice_is_no_stall_before_its_time(void **state)
{
    (void)state;
    assert_int_equal(verdict(P(OFF, 1), P(CPU, 4), P(CPU, 5), true, false), WEIR__VERDICT_NONE);
}

static void who_waited_for_the_cpu_is_not_accused_though_it_computes_now(void **state)
{
    (void)state;
    assert_int_equal(verdict(P(CPU, 1), P(STARVED, 1), P(STARVED, 10), true, false), WEIR__VERDICT_STARVED);
    assert_int_equal(verdict(P(CPU, 1), P(STARVED, 7), P(CPU, 4), true, false), WEIR__VERDICT_STARVED);
    assert_int_equal(verdict(P(CPU, 1), P(CPU, 3), P(STARVED, 9), false, true), WEIR__VERDICT_STARVED);
}

static void who_may_have_waited_is_looked_at_again(void **state)
{
    (void)state;
    /* The wait may have been before the slice or in it. */
    assert_int_equal(verdict(P(STARVED, 6), P(CPU, 6), P(CPU, 5), true, false), WEIR__VERDICT_NONE);
    /* Now the wait cannot be most of the slice. */
    assert_int_equal(verdict(P(STARVED, 6), P(CPU, 6), P(CPU, 8), true, false), WEIR__VERDICT_COMPUTING);
}

static void a_stack_that_fits_is_waited_for_but_not_for_ever(void **state)
{
    (void)state;
    /* The thread computed, and is seen in a call. */
    assert_int_equal(verdict(P(OFF, 1), P(CPU, 8), P(OFF, 3), false, true), WEIR__VERDICT_NONE);
    assert_int_equal(verdict(P(OFF, 1), P(CPU, 8), P(OFF, 12), false, true), WEIR__VERDICT_BLOCKED);
    assert_int_equal(verdict(P(OFF, 1), P(CPU, 15), P(OFF, 6), false, true), WEIR__VERDICT_COMPUTING);
}

static void who_was_never_seen_asleep_is_not_called_blocked(void **state)
{
    (void)state;
    /* Neither on the CPU nor waiting for it by the accounts: the time was stolen. */
    assert_int_equal(verdict(P(CPU, 1), P(OFF, 1), P(OFF, 10), true, false), WEIR__VERDICT_NONE);
    assert_int_equal(verdict(P(CPU, 1), P(OFF, 1), P(OFF, 25), true, false), WEIR__VERDICT_NONE);
    assert_int_equal(verdict(P(CPU, 1), P(OFF, 1), P(OFF, 30), true, false), WEIR__VERDICT_STARVED);
}

static void a_short_wait_does_not_clear_who_computes(void **state)
{
    (void)state;
    assert_int_equal(verdict(P(CPU, 1), P(STARVED, 2), P(CPU, 9), true, false), WEIR__VERDICT_COMPUTING);
    assert_int_equal(verdict(P(STARVED, 1), P(CPU, 2), P(CPU, 9), true, false), WEIR__VERDICT_COMPUTING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_did_all_the_time_is_certain_whenever_it_was_looked_at),
        cmocka_unit_test(a_slice_is_no_stall_before_its_time),
        cmocka_unit_test(who_waited_for_the_cpu_is_not_accused_though_it_computes_now),
        cmocka_unit_test(who_may_have_waited_is_looked_at_again),
        cmocka_unit_test(a_stack_that_fits_is_waited_for_but_not_for_ever),
        cmocka_unit_test(who_was_never_seen_asleep_is_not_called_blocked),
        cmocka_unit_test(a_short_wait_does_not_clear_who_computes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
