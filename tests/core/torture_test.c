/* SPDX-License-Identifier: MIT */
/* The harness itself: it must reach every wait, and must see what is done badly. */
#include "support/torture.h"

#include <errno.h>

/* --- code that is right --- */

static int producer(void *arg)
{
    weir_channel *c = arg;
    int err = 0;

    for (int i = 0; i < 4 && err == 0; i++)
        err = weir_channel_send(c, &i);
    return err;
}

static int good_victim(void *arg)
{
    weir_channel *c = arg;
    weir_scope scope;
    int item;
    int err = weir_sleep(weir_us(300));
    int closed;

    if (err < 0)
        return err;
    weir_scope_open(&scope, weir_after_ms(60000), 0);
    weir_spawn(&scope, "producer", producer, c);
    for (int i = 0; i < 4 && err == 0; i++)
        err = weir_channel_receive(c, &item);
    if (err < 0)
        weir_scope_cancel(&scope);
    closed = weir_scope_close(&scope);
    return err < 0 ? err : closed;
}

static int good_world(struct torture *t)
{
    weir_channel *c;
    int result;

    assert_int_equal(weir_channel_open(sizeof(int), 1, &c), 0);
    result = torture_victim(t, good_victim, c);
    weir_channel_close(c);
    if (t->disturbed)
        ++*(int *)t->arg;
    return result;
}

static void every_wait_is_struck(void **state)
{
    int disturbed = 0;
    int runs = torture(good_world, &disturbed);

    (void)state;

    /* At least on two backends: nine waits begin, some of them park. On each, one run is undisturbed and one
     * for each way no longer reaches the wait. */
    assert_true(disturbed >= 2 * (9 + 2));
    assert_true(runs >= disturbed + 2 * (1 + TORTURE_WAYS));
}

/* --- code that is wrong: the victim swallows a cancel's code for one of its own --- */

static int bad_victim(void *arg)
{
    bool *cut = arg;

    *cut = weir_sleep(weir_us(300)) < 0;
    return *cut ? -EIO : 0;
}

static int bad_world(struct torture *t)
{
    bool cut = false;
    int result = torture_victim(t, bad_victim, &cut);

    assert_true(t->disturbed || !cut);
    assert_int_equal(result, cut ? -EIO : 0);
    *(int *)t->arg += cut;
    t->also_fine = -EIO; /* else the harness would fail here, as it should */
    return result;
}

static void results_are_seen(void **state)
{
    int cuts = 0;

    (void)state;
    assert_true(torture(bad_world, &cuts) >= 4);
    /* On each of two backends. On a busy machine a strike a turn later finds that the time is over. */
    assert_true(cuts >= 2 * (TORTURE_WAYS - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_wait_is_struck),
        cmocka_unit_test(results_are_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
