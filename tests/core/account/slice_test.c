/* SPDX-License-Identifier: MIT */
/* Slices: which task held the loop, and when the present slice began. */
#include <string.h>

#include "core/loop.h"
#include "core/task.h"
#include "core/account/activity.h"
#include "support/run.h"

static struct weir__loop *loop_here(void)
{
    return weir__loop_current();
}

/* Until the clock of the loop has gone on so far; nothing on a simulated one. */
static void hold_ns(int64_t ns)
{
    struct weir__heartbeat *p = &loop_here()->heartbeat;
    uint64_t began = weir__heartbeat_ticks(p);

    while (p->virtual_ns == NULL && weir__heartbeat_ns(p, weir__heartbeat_ticks(p) - began) < ns)
        ;
}

static int hold(void *arg)
{
    struct weir__activity *activity = arg;

    weir_task_set_name("holder of %d", 7);
    if (activity != NULL)
        weir__task_set_activity(weir__task_current(), activity);
    hold_ns(2 * WEIR__SLICE_LONG_NS);
    if (activity != NULL)
        weir__task_set_activity(weir__task_current(), NULL);
    return 0;
}

/* Among the latest: others may be held up on a busy machine, too. */
static const struct weir__slice *slice_of(const char *name)
{
    const struct weir__slice *slice;

    for (unsigned i = 0; (slice = weir__slice_latest(&loop_here()->slices, i)) != NULL; i++)
        if (strcmp(slice->task, name) == 0)
            return slice;
    return NULL;
}

static int holds(void *arg)
{
    struct weir__loop *loop = loop_here();
    struct weir__activity activity = {.route = "/held"};
    const struct weir__slice *slice;
    uint64_t before = weir__heartbeat_ticks(&loop->heartbeat), after;
    weir_scope scope;

    (void)arg;
    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "holder", hold, &activity);
    assert_int_equal(weir_scope_close(&scope), 0);
    after = weir__heartbeat_ticks(&loop->heartbeat);
    slice = slice_of("holder of 7");
    if (loop->heartbeat.virtual_ns != NULL) {
        assert_null(slice); /* no time passes while a simulated task runs */
        return 0;
    }
    assert_non_null(slice);
    assert_string_equal(slice->route, "/held");
    assert_false(slice->several);
    assert_true(slice->began >= before && slice->ended <= after);
    assert_true(weir__heartbeat_ns(&loop->heartbeat, slice->ended - slice->began) >= 2 * WEIR__SLICE_LONG_NS);
    return 0;
}

static void who_held_the_loop_is_remembered(void **state)
{
    (void)state;
    run_everywhere(holds, NULL);
}

static int holds_often(void *arg)
{
    struct weir__slices *s = &loop_here()->slices;
    uint64_t before = s->count;

    (void)arg;
    if (loop_here()->heartbeat.virtual_ns != NULL)
        return 0;
    for (int i = 0; i < 2 * WEIR__SLICES_KEPT; i++) {
        hold_ns(2 * WEIR__SLICE_LONG_NS);
        assert_int_equal(weir_yield(), 0);
    }
    assert_true(s->count >= before + 2 * WEIR__SLICES_KEPT);
    assert_string_equal(weir__slice_latest(s, WEIR__SLICES_KEPT - 1)->task, "main");
    assert_null(weir__slice_latest(s, WEIR__SLICES_KEPT));
    return 0;
}

static void only_the_latest_are_kept(void **state)
{
    (void)state;
    run_everywhere(holds_often, NULL);
}

static int yields(void *arg)
{
    (void)arg;
    for (int i = 0; i < 100; i++)
        (void)weir_yield();
    return 0;
}

/* Whatever the others do, the slices of one that works for something with a ledger begin exactly. */
static int works(void *arg)
{
    struct weir__task *self = weir__task_current();
    struct weir__activity activity = {0};
    struct weir__arena memory;
    weir_scope scope;

    (void)arg;
    weir__arena_init(&memory, NULL, 1 << 20);
    weir__ledger_open(&activity.ledger, &memory, weir__heartbeat_ticks(&loop_here()->heartbeat));
    weir__ledger_start(&activity.ledger, weir__heartbeat_ticks(&loop_here()->heartbeat));
    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < 10; i++)
        weir_spawn(&scope, "yields", yields, NULL);
    weir__task_set_activity(self, &activity);
    for (int i = 0; i < 90; i++) {
        uint64_t before = weir__heartbeat_ticks(&loop_here()->heartbeat);
        assert_int_equal(weir_yield(), 0);
        assert_true(weir__heartbeat_look(&loop_here()->heartbeat, &self->runs).exact);
        assert_true(weir__loop_slice_ticks(loop_here()) >= before);
        assert_true(weir__loop_slice_ticks(loop_here()) <= weir__heartbeat_ticks(&loop_here()->heartbeat));
    }
    weir__task_set_activity(self, NULL);
    weir__arena_free(&memory);
    return weir_scope_close(&scope);
}

static void slices_of_work_begin_exactly(void **state)
{
    (void)state;
    run_everywhere(works, NULL);
}

static bool a_slice_was_as_long_as_the_sleep(struct weir__loop *loop)
{
    for (unsigned i = 0; i < WEIR__SLICES_KEPT; i++) {
        const struct weir__slice *slice = weir__slice_latest(&loop->slices, i);
        if (slice != NULL && weir__heartbeat_ns(&loop->heartbeat, slice->ended - slice->began) >= 150000000)
            return true;
    }
    return false;
}

static int sleeps(void *arg)
{
    struct weir__loop *loop = loop_here();
    struct weir__heartbeat_view view;
    uint64_t before = weir__heartbeat_ticks(&loop->heartbeat);
    bool *long_slice = arg;

    assert_int_equal(weir_sleep(weir_ms(200)), 0);
    view = weir__heartbeat_look(&loop->heartbeat, &weir__task_current()->runs);
    assert_false(view.asleep);
    assert_true(weir__heartbeat_ns(&loop->heartbeat, view.began - before) >= 199000000);
    *long_slice = a_slice_was_as_long_as_the_sleep(loop);
    return 0;
}

static void a_sleeping_loop_is_held_by_nobody(void **state)
{
    static const enum weir_io all[] = {WEIR_IO_SIM, WEIR_IO_URING, WEIR_IO_EPOLL};

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const weir_options options = {.io = all[i]};
        bool long_slice = io_is_here(all[i]);
        /* A busy machine makes a slice as long now and then; were it the sleep, it would be so each time. */
        for (int tries = 0; tries < 20 && long_slice; tries++)
            assert_int_equal(weir_run(&options, sleeps, &long_slice), 0);
        assert_false(long_slice);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_held_the_loop_is_remembered),
        cmocka_unit_test(only_the_latest_are_kept),
        cmocka_unit_test(slices_of_work_begin_exactly),
        cmocka_unit_test(a_sleeping_loop_is_held_by_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
