/* SPDX-License-Identifier: MIT */
/* Places for second attempts: in which process, never before a request that waits, and paid from one budget
 * on all loops. */
#include <errno.h>

#include "app/apps/queue_rig.h"

static struct app_place take_first(struct app_rig *r)
{
    struct app_place place;
    enum app_refusal why;

    assert_int_equal(app_place_take(r->queue, weir_after(r->app.wait), &place, &why), 0);
    return place;
}

static int try_places(void *arg)
{
    struct app_rig r = {.app = {.queue = 4, .wait = weir_seconds(1)}};
    struct app_place first, second, none;
    struct app_block *block;

    (void)arg;
    app_rig_open(&r, 2);
    block = app_rig_block(&r);
    atomic_store(&block->concurrency, 2);
    first = take_first(&r);
    assert_true(app_place_try(r.queue, first.serial, &second));
    assert_int_not_equal(second.entry, first.entry);
    assert_int_equal(atomic_load(&block->processes[second.entry].requests), 1);
    app_place_undo(r.queue, &second);
    assert_int_equal(atomic_load(&block->processes[second.entry].requests), 0);
    assert_int_equal(app_rig_in_flight(&r, second.entry), 0);

    /* A request waits, on another loop or in another gateway process. */
    weir_shared_count_add(r.shared, &block->waiting, 1);
    assert_false(app_place_try(r.queue, first.serial, &none));
    assert_false(none.taken);
    weir_shared_count_add(r.shared, &block->waiting, -1);

    /* The other process is full: not the same again, which has room. */
    atomic_store(&block->concurrency, 1);
    assert_true(app_place_try(r.queue, first.serial, &second));
    atomic_store(&block->concurrency, 2);
    weir_shared_count_add(r.shared, &block->in_flight[second.entry], 1);
    assert_false(app_place_try(r.queue, first.serial, &none));
    weir_shared_count_add(r.shared, &block->in_flight[second.entry], -1);
    app_place_give(r.queue, &second, APP_UNMEASURED);
    assert_int_equal(atomic_load(&block->processes[second.entry].failures), 0);

    /* There is no other. */
    atomic_store(&block->processes[second.entry].state, APP_PROCESS_LEAVING);
    assert_true(app_place_try(r.queue, first.serial, &second));
    assert_int_equal(second.entry, first.entry);
    app_place_reuse(r.queue, &second, &none);
    assert_true(none.taken && !second.taken);
    assert_int_equal(app_rig_in_flight(&r, first.entry), 2);
    assert_int_equal(atomic_load(&block->processes[first.entry].requests), 3);
    app_place_give(r.queue, &none, APP_SERVED);
    app_place_give(r.queue, &first, APP_SERVED);
    app_rig_close(&r);
    return 0;
}

static void a_second_place_is_elsewhere_and_free(void **state)
{
    (void)state;
    run_simulated(1, try_places, NULL);
}

/* --- loops --- */

static int pay_on_loop(void *arg)
{
    struct app_loops *l = arg;
    enum weir_attempt_denial why;
    int err =
        weir_attempts_pay(l->queues[weir_loop_index()]->attempts, WEIR_ATTEMPT_HEDGE, weir_seconds(9), &why);

    return err == 0 ? 1 : why == WEIR_ATTEMPT_NO_BUDGET ? 0 : -EIO;
}

/* Loops in turn spend what there is; the time that this takes gains one a second. */
static int spend(void *arg)
{
    struct app_loops *l = arg;
    const weir_instant began = weir_now();
    int paid = 0;

    for (int i = 0; i < APP_RIG_LOOPS; i++)
        assert_int_equal(weir_loop_call(i, "opens", app_loops_open, l), 0);
    for (int i = 0; i < 20; i++) {
        int got = weir_loop_call(i % APP_RIG_LOOPS, "pays", pay_on_loop, l);
        assert_true(got >= 0);
        paid += got;
    }
    assert_in_range(paid, 1, 1 + weir_between(began, weir_now()).ns / 1000000000);
    for (int i = 0; i < APP_RIG_LOOPS; i++)
        assert_int_equal(weir_loop_call(i, "closes", app_loops_close, l), 0);
    return 0;
}

static void loops_share_the_budget(void **state)
{
    const weir_options options = {.loops = APP_RIG_LOOPS, .io = WEIR_IO_EPOLL};
    struct app_loops l = {.rig.app = {.hedge = {.after = {40000000}, .extra_percent = 5}}};
    int fd;

    (void)state;
    assert_int_equal(weir_shared_make(1 << 20, &fd), 0);
    app_rig_join(&l.rig, fd, 0, APP_RIG_LOOPS);
    assert_int_equal(weir_run(&options, spend, &l), 0);
    app_rig_close(&l.rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_place_is_elsewhere_and_free),
        cmocka_unit_test(loops_share_the_budget),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
