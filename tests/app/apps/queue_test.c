/* SPDX-License-Identifier: MIT */
/* The queue of an application: which process is chosen, who gets a place that is set free, and that nothing
 * is left of a request that leaves. */
#include "app/apps/queue_rig.h"
#include "support/torture.h"

static void open_rig(struct app_rig *r, int processes, int queue, weir_duration wait)
{
    *r = (struct app_rig){.app = {.queue = queue, .wait = wait}};
    app_rig_open(r, processes);
}

/* Takes a place that is free. */
static struct app_place take(struct app_rig *r)
{
    struct app_place place;
    enum app_refusal why;

    assert_int_equal(app_place_take(r->queue, weir_after(r->app.wait), &place, &why), 0);
    return place;
}

static enum app_refusal refused(struct app_rig *r)
{
    struct app_place place;
    enum app_refusal why;

    assert_int_equal(app_place_take(r->queue, weir_after(r->app.wait), &place, &why), -WEIR_EBUSY);
    assert_false(place.taken);
    return why;
}

static void give(struct app_rig *r, struct app_place *place)
{
    app_place_give(r->queue, place, APP_SERVED);
}

/* --- the choice --- */

static int choose(void *arg)
{
    struct app_rig r;
    struct app_block *block;
    struct app_place a, b, c, d;

    (void)arg;
    open_rig(&r, 3, 0, weir_ms(0));
    block = app_rig_block(&r);
    atomic_store(&block->concurrency, 2);
    a = take(&r);
    assert_int_equal(weir_sleep(weir_ms(1)), 0);
    b = take(&r);
    assert_int_equal(weir_sleep(weir_ms(1)), 0);
    c = take(&r);
    assert_true(a.entry != b.entry && b.entry != c.entry && a.entry != c.entry);
    assert_int_equal(weir_sleep(weir_ms(1)), 0);
    d = take(&r);
    assert_int_equal(d.entry, a.entry); /* all have one: the one used longest ago */
    give(&r, &d);
    give(&r, &b);
    atomic_store(&block->processes[b.entry].state, APP_PROCESS_LEAVING);
    d = take(&r);
    assert_int_equal(d.entry, c.entry); /* not the idle one, which leaves */
    app_place_refused(r.queue, &d);
    assert_int_equal(atomic_load(&block->processes[c.entry].requests), 2);
    assert_int_equal(atomic_load(&block->processes[c.entry].failures), 1); /* it was none that was answered */
    d = take(&r);
    assert_int_equal(d.entry, a.entry); /* c is avoided, though it has fewer */
    assert_int_equal(refused(&r), APP_FULL);
    assert_int_equal(weir_sleep(weir_ms(APP_AVOID_MS + 1)), 0);
    give(&r, &d);
    assert_int_equal(atomic_load(&block->processes[a.entry].requests), 3);
    give(&r, &a);
    give(&r, &c);
    give(&r, &c); /* once is enough */
    app_rig_close(&r);
    return 0;
}

static int fall_behind(void *arg)
{
    struct app_rig r;
    struct app_place place;
    weir_shared_count *behind;

    (void)arg;
    open_rig(&r, 1, 0, weir_ms(0));
    place = take(&r);
    behind = &app_rig_block(&r)->behind[place.entry];
    app_place_falls_behind(r.queue, &place, true);
    app_place_falls_behind(r.queue, &place, true);
    assert_int_equal(weir_shared_count_sum(r.shared, behind), 1);
    app_place_falls_behind(r.queue, &place, false);
    assert_int_equal(weir_shared_count_sum(r.shared, behind), 0);
    app_place_falls_behind(r.queue, &place, true);
    give(&r, &place);
    app_place_falls_behind(r.queue, &place, true); /* it has none */
    assert_int_equal(weir_shared_count_sum(r.shared, behind), 0);
    app_rig_close(&r);
    return 0;
}

static void a_place_that_waits_for_its_client_is_known(void **state)
{
    (void)state;
    run_simulated(1, fall_behind, NULL);
}

static void the_process_with_fewest_requests_is_chosen(void **state)
{
    (void)state;
    run_simulated(1, choose, NULL);
}

/* --- the order --- */

enum { CROWD = 60 };

struct crowd {
    struct app_rig rig;
    int next, served, most, in_place;
};

struct member {
    struct crowd *crowd;
    int number;
};

/* Comes at its time, waits, works, leaves. */
static int come(void *arg)
{
    struct member *m = arg;
    struct crowd *c = m->crowd;
    struct app_place place = take(&c->rig);

    assert_in_range(m->number + c->most, c->next + 1, c->next + 2 * c->most - 1); /* in any order of a turn */
    c->next++;
    c->in_place++;
    assert_true(c->in_place <= c->most);
    assert_int_equal(weir_sleep(weir_us((int64_t)weir_random_below(3000))), 0);
    c->in_place--;
    c->served++;
    give(&c->rig, &place);
    return 0;
}

static int serve_crowd(void *arg)
{
    struct crowd c = {.most = 3};
    struct member members[CROWD];
    weir_scope scope;

    (void)arg;
    open_rig(&c.rig, 3, CROWD, weir_seconds(10));
    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < CROWD; i++) {
        members[i] = (struct member){&c, i};
        assert_int_equal(weir_spawn(&scope, "a request", come, &members[i]), 0);
        assert_int_equal(weir_sleep(weir_us((int64_t)weir_random_below(1000))), 0);
    }
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_int_equal(c.served, CROWD);
    app_rig_close(&c.rig);
    return 0;
}

static void requests_get_places_in_their_order(void **state)
{
    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(20); seed++)
        run_simulated(seed, serve_crowd, NULL);
}

/* --- a wait that ends --- */

static int wait_in_vain(void *arg)
{
    struct app_rig r;
    struct app_place place, none;
    weir_instant began = weir_now();
    enum app_refusal why;
    weir_scope scope;

    (void)arg;
    open_rig(&r, 1, 2, weir_ms(500));
    place = take(&r);
    assert_int_equal(refused(&r), APP_WAITED);
    assert_in_range(weir_between(began, weir_now()).ns, weir_ms(500).ns, weir_ms(510).ns);
    weir_scope_open(&scope, weir_after_ms(100), 0);
    assert_int_equal(app_place_take(r.queue, weir_after_ms(500), &none, &why), -WEIR_EDEADLINE);
    (void)weir_scope_close(&scope);
    assert_int_equal(atomic_load(&r.gate->apps[0].slots[0].counts.refused[APP_WAITED]), 1);
    give(&r, &place);
    app_rig_close(&r);
    return 0;
}

static void a_request_waits_for_so_long(void **state)
{
    (void)state;
    run_simulated(1, wait_in_vain, NULL);
}

static int wait_aside(void *arg)
{
    struct app_rig *r = arg;
    struct app_place place;
    enum app_refusal why;

    return app_place_take(r->queue, weir_after(r->app.wait), &place, &why);
}

/* What is known before is refused before: in no time. */
static int expect(void *arg)
{
    struct app_rig r;
    struct app_place place, none;
    weir_instant began;
    enum app_refusal why;
    weir_scope scope, deadline;

    (void)arg;
    open_rig(&r, 1, 3, weir_ms(500));
    place = take(&r);
    atomic_store(&app_rig_block(&r)->service_ns, weir_ms(300).ns);
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "waits", wait_aside, &r), 0);
    assert_int_equal(weir_spawn(&scope, "waits, too", wait_aside, &r), 0);
    assert_int_equal(weir_sleep(weir_ms(1)), 0);
    assert_int_equal(app_rig_waiting(&r), 2);
    began = weir_now();
    assert_int_equal(refused(&r), APP_SLOW); /* 2 × 300 ms */
    atomic_store(&app_rig_block(&r)->service_ns, weir_ms(200).ns);
    weir_scope_open(&deadline, weir_after_ms(399), 0);
    assert_int_equal(app_place_take(r.queue, weir_after_ms(500), &none, &why), -WEIR_EBUSY);
    assert_int_equal(why, APP_LATE);
    (void)weir_scope_close(&deadline);
    assert_int_equal(weir_spawn(&scope, "waits, as well", wait_aside, &r), 0);
    assert_int_equal(weir_yield(), 0);
    assert_int_equal(refused(&r), APP_FULL);
    assert_int_equal(weir_between(began, weir_now()).ns, 0);
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    give(&r, &place);
    app_rig_close(&r);
    return 0;
}

static void a_wait_that_would_be_in_vain_is_refused_at_once(void **state)
{
    (void)state;
    run_simulated(1, expect, NULL);
}

/* --- processes that are not ready --- */

static int get_ready(void *arg)
{
    struct app_rig *r = arg;
    int err = weir_sleep(weir_ms(300));

    atomic_store(&app_rig_block(r)->processes[0].serial, 7);
    atomic_store(&app_rig_block(r)->processes[0].state, APP_PROCESS_READY);
    return err;
}

static int wait_for_start(void *arg)
{
    struct app_rig r;
    struct app_place place;
    weir_instant began = weir_now();
    char address[WEIR_ADDRESS_BYTES];
    weir_scope scope;

    (void)arg;
    open_rig(&r, 0, 2, weir_ms(500));
    assert_int_equal(refused(&r), APP_UNREADY);
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "the supervisor", get_ready, &r), 0);
    place = take(&r);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_in_range(weir_between(began, weir_now()).ns, weir_ms(800).ns, weir_ms(800 + APP_LOOK_AGAIN_MS).ns);
    assert_string_equal(app_place_address(r.queue, &place, address), "unix:/nowhere/shop.7/s");
    give(&r, &place);
    atomic_store(&app_rig_block(&r)->processes[0].state, APP_PROCESS_NONE);
    app_block_break(app_rig_block(&r), "no module named shop");
    began = weir_now();
    assert_int_equal(refused(&r), APP_BROKEN);
    assert_int_equal(weir_between(began, weir_now()).ns, 0);
    app_rig_close(&r);
    return 0;
}

static void a_process_that_gets_ready_is_waited_for(void **state)
{
    (void)state;
    run_simulated(1, wait_for_start, NULL);
}

static int breaks(void *arg)
{
    struct app_rig *r = arg;
    int err = weir_sleep(weir_ms(100));

    app_block_break(app_rig_block(r), "no module named shop");
    return err;
}

static int break_meanwhile(void *arg)
{
    struct app_rig r;
    weir_scope scope;

    (void)arg;
    open_rig(&r, 0, 2, weir_ms(500));
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "the supervisor", breaks, &r), 0);
    assert_int_equal(refused(&r), APP_BROKEN);
    assert_int_equal(weir_scope_close(&scope), 0);
    app_rig_close(&r);
    return 0;
}

static void who_waits_learns_that_it_is_broken(void **state)
{
    (void)state;
    run_simulated(1, break_meanwhile, NULL);
}

/* --- requests that leave --- */

#ifdef __SANITIZE_THREAD__
enum { LEAVING = 1000 }; /* which has a limit of stacks */
#else
enum { LEAVING = 10000 };
#endif

static int leave_all(void *arg)
{
    struct app_rig r;
    struct app_place place;
    weir_scope scope;

    (void)arg;
    open_rig(&r, 1, LEAVING, weir_seconds(1000));
    place = take(&r);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    for (int i = 0; i < LEAVING; i++)
        assert_int_equal(weir_spawn(&scope, "waits", wait_aside, &r), 0);
    while (app_rig_waiting(&r) < LEAVING)
        assert_int_equal(weir_yield(), 0);
    assert_int_equal(refused(&r), APP_FULL);
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    assert_int_equal(app_rig_waiting(&r), 0);
    give(&r, &place);
    app_rig_close(&r);
    return 0;
}

static void ten_thousand_that_wait_leave(void **state)
{
    (void)state;
    run_simulated(1, leave_all, NULL);
}

static int hold_for_a_moment(void *arg)
{
    struct app_rig *r = arg;
    struct app_place place = take(r);
    int err = weir_yield();

    give(r, &place);
    return err;
}

static int wait_and_give(void *arg)
{
    struct app_rig *r = arg;
    struct app_place place;
    enum app_refusal why;
    int err = app_place_take(r->queue, weir_after(r->app.wait), &place, &why);

    if (err == 0)
        err = weir_yield();
    app_place_give(r->queue, &place, APP_SERVED);
    return err;
}

static int tortured(struct torture *t)
{
    struct app_rig r;
    weir_scope others;
    int result;

    open_rig(&r, 1, 10, weir_seconds(1000));
    weir_scope_open(&others, weir_never(), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(weir_spawn(&others, "another", hold_for_a_moment, &r), 0);
    assert_int_equal(weir_yield(), 0);
    result = torture_victim(t, wait_and_give, &r);
    assert_int_equal(weir_scope_close(&others), 0);
    app_rig_close(&r);
    return result;
}

static void a_request_may_leave_at_every_moment(void **state)
{
    (void)state;
    assert_true(torture(tortured, NULL) >= 2);
}

/* --- another gateway process --- */

struct two {
    struct app_rig first, second;
    int served;
};

static int wait_in_first(void *arg)
{
    struct two *two = arg;
    struct app_place place = take(&two->first);

    assert_int_equal(two->served++, 0);
    give(&two->first, &place);
    return 0;
}

static int wait_in_second(void *arg)
{
    struct two *two = arg;
    struct app_place place = take(&two->second);

    assert_int_equal(two->served++, 1);
    give(&two->second, &place);
    return 0;
}

/* A place that the second sets free is the first's, whose request waits longer; and then it is its own. */
static int share(void *arg)
{
    struct two two = {.served = 0};
    struct app_place place;
    weir_scope scope;

    (void)arg;
    open_rig(&two.first, 1, 10, weir_seconds(1000));
    place = take(&two.first);
    two.second.app = two.first.app;
    app_rig_join(&two.second, dup(two.first.fd), 1, 1);
    app_rig_open_queue(&two.second);
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "of the first", wait_in_first, &two), 0);
    assert_int_equal(weir_sleep(weir_ms(2)), 0);
    assert_int_equal(weir_spawn(&scope, "of the second", wait_in_second, &two), 0);
    assert_int_equal(weir_sleep(weir_ms(2)), 0);
    assert_int_equal(app_rig_waiting(&two.second), 2);
    give(&two.first, &place);
    assert_int_equal(weir_scope_close(&scope), 0);
    app_rig_close(&two.second);
    app_rig_close(&two.first);
    return 0;
}

static void a_place_goes_to_who_waits_longest_in_any_process(void **state)
{
    (void)state;
    run_everywhere(share, NULL);
}

/* A sibling that is stopped says that it waits, and takes nothing. */
static int pass_by(void *arg)
{
    struct app_rig r;
    struct app_place place;
    weir_instant began = weir_now();

    (void)arg;
    open_rig(&r, 1, 10, weir_seconds(1));
    atomic_store(&app_rig_block(&r)->waiting_since_ns[5], 1);
    atomic_store(&app_rig_block(&r)->waiting.cells[5], 1);
    for (int i = 0; i < 10; i++) {
        place = take(&r);
        give(&r, &place);
    }
    assert_true(weir_between(began, weir_now()).ns <= weir_ms(10L * APP_LOOK_AGAIN_MS).ns);
    assert_int_equal(weir_sleep(weir_seconds(3)), 0);
    began = weir_now();
    place = take(&r);
    give(&r, &place);
    assert_int_equal(weir_between(began, weir_now()).ns, 0); /* it is past its time: nobody waits for it */
    atomic_store(&app_rig_block(&r)->waiting.cells[5], 0);
    app_rig_close(&r);
    return 0;
}

static void a_stopped_sibling_costs_little(void **state)
{
    (void)state;
    run_simulated(1, pass_by, NULL);
}

/* --- several loops --- */

enum { TASKS = 40, ROUNDS = 20, PLACES = 3 };

struct loops {
    struct app_loops on;
    atomic_int in_place, served;
};

static int work(void *arg)
{
    struct loops *l = arg;
    struct app_queue *queue = l->on.queues[weir_loop_index()];
    struct app_place place;
    enum app_refusal why;

    for (int i = 0; i < ROUNDS; i++) {
        assert_int_equal(app_place_take(queue, weir_after(weir_seconds(600)), &place, &why), 0);
        assert_true(atomic_fetch_add(&l->in_place, 1) < PLACES);
        assert_int_equal(weir_sleep(weir_us(50)), 0);
        atomic_fetch_sub(&l->in_place, 1);
        app_place_give(queue, &place, APP_SERVED);
        atomic_fetch_add(&l->served, 1);
    }
    return 0;
}

static int work_on_loop(void *arg)
{
    struct loops *l = arg;
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < TASKS; i++)
        assert_int_equal(weir_spawn(&scope, "a request", work, l), 0);
    return weir_scope_close(&scope);
}

static int call_other(void *arg)
{
    return weir_loop_call(1, "the other loop", work_on_loop, arg);
}

static int on_two_loops(void *arg)
{
    struct loops *l = arg;
    struct app_block *block = app_rig_block(&l->on.rig);
    weir_scope scope;

    atomic_store(&block->concurrency, 1);
    for (int i = 0; i < PLACES; i++)
        atomic_store(&block->processes[i].state, APP_PROCESS_READY);
    for (int i = 0; i < APP_RIG_LOOPS; i++)
        assert_int_equal(weir_loop_call(i, "opens", app_loops_open, &l->on), 0);
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "calls", call_other, l), 0);
    assert_int_equal(work_on_loop(l), 0);
    assert_int_equal(weir_scope_close(&scope), 0);
    for (int i = 0; i < APP_RIG_LOOPS; i++)
        assert_int_equal(weir_loop_call(i, "closes", app_loops_close, &l->on), 0);
    return 0;
}

static void loops_share_places(void **state)
{
    const weir_options options = {.loops = APP_RIG_LOOPS, .io = WEIR_IO_EPOLL};
    struct loops l = {.on.rig.app = {.queue = APP_RIG_LOOPS * TASKS, .wait = weir_seconds(600)}};
    int fd;

    (void)state;
    assert_int_equal(weir_shared_make(1 << 20, &fd), 0);
    app_rig_join(&l.on.rig, fd, 0, APP_RIG_LOOPS);
    assert_int_equal(app_gate_listen(l.on.rig.gate), 0);
    assert_int_equal(weir_run(&options, on_two_loops, &l), 0);
    assert_int_equal(atomic_load(&l.served), APP_RIG_LOOPS * TASKS * ROUNDS);
    app_rig_close(&l.on.rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_place_that_waits_for_its_client_is_known),
        cmocka_unit_test(the_process_with_fewest_requests_is_chosen),
        cmocka_unit_test(requests_get_places_in_their_order),
        cmocka_unit_test(a_request_waits_for_so_long),
        cmocka_unit_test(a_wait_that_would_be_in_vain_is_refused_at_once),
        cmocka_unit_test(a_process_that_gets_ready_is_waited_for),
        cmocka_unit_test(who_waits_learns_that_it_is_broken),
        cmocka_unit_test(ten_thousand_that_wait_leave),
        cmocka_unit_test(a_request_may_leave_at_every_moment),
        cmocka_unit_test(a_place_goes_to_who_waits_longest_in_any_process),
        cmocka_unit_test(a_stopped_sibling_costs_little),
        cmocka_unit_test(loops_share_places),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
