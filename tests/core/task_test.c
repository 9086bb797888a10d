/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "core/loop.h"
#include "core/task.h"
#include "core/wait.h"
#include "support/run.h"
#include "support/torture.h"

/* --- sleeping --- */

static int sleeps(void *arg)
{
    (void)arg;
    for (int i = 0; i < 10; i++) {
        weir_instant until = weir_after(weir_us(1 + 97 * i));
        assert_int_equal(weir_sleep_until(until), 0);
        assert_true(weir_now().ns >= until.ns); /* never early */
    }
    assert_int_equal(weir_sleep(weir_ms(0)), 0);
    assert_int_equal(weir_sleep(weir_ms(-5)), 0);
    assert_int_equal(weir_sleep_until((weir_instant){INT64_MIN}), 0);
    return 0;
}

static void a_sleep_is_never_short(void **state)
{
    (void)state;
    run_everywhere(sleeps, NULL);
}

static int sleep_late(void *arg)
{
    weir_instant until = weir_after(weir_seconds(3600));

    (void)arg;

    assert_int_equal(weir_sleep_until(until), 0);
    /* virtual time: an hour costs nothing, and is exact to one tick of the wheel */
    assert_in_range(weir_now().ns, until.ns, until.ns + 65536);
    return 0;
}

static void a_simulated_hour_takes_no_time(void **state)
{
    (void)state;
    run_simulated(1, sleep_late, NULL);
}

struct sleeper {
    char *order;
    size_t *n;
    int ms;
};

static int sleep_and_note(void *arg)
{
    struct sleeper *s = arg;
    int err = weir_sleep(weir_ms(s->ms));

    s->order[(*s->n)++] = (char)('0' + s->ms);
    return err;
}

static int sleep_order(void *arg)
{
    char order[8] = "";
    size_t n = 0;
    struct sleeper sleepers[] = {{order, &n, 3}, {order, &n, 1}, {order, &n, 5}, {order, &n, 2}};
    weir_scope scope;

    (void)arg;

    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < 4; i++)
        weir_spawn(&scope, "sleeper", sleep_and_note, &sleepers[i]);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_string_equal(order, "1235");
    return 0;
}

static void sleepers_wake_in_order(void **state)
{
    (void)state;
    run_simulated(1, sleep_order, NULL);
}

/* --- taking turns --- */

struct turns {
    char order[64];
    size_t n;
};

struct taker {
    struct turns *turns;
    char name;
};

static int take_turns(void *arg)
{
    struct taker *t = arg;

    for (int i = 0; i < 3; i++) {
        int err;
        t->turns->order[t->turns->n++] = t->name;
        err = weir_yield();
        if (err < 0)
            return err;
    }
    return 0;
}

static int yields(void *arg)
{
    struct turns turns = {.n = 0};
    struct taker takers[3] = {{&turns, 'a'}, {&turns, 'b'}, {&turns, 'c'}};
    weir_scope scope;

    (void)arg;

    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < 3; i++)
        weir_spawn(&scope, "taker", take_turns, &takers[i]);
    assert_int_equal(turns.n, 0); /* a spawned task runs when its maker waits */
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_string_equal(turns.order, "abcabcabc");
    return 0;
}

static void a_yield_lets_all_the_others_run_first(void **state)
{
    (void)state;
    run_everywhere(yields, NULL);
}

static int count_turns(void *arg)
{
    int *count = arg;

    for (;;) {
        int err = weir_yield();
        if (err < 0)
            return err;
        ++*count;
    }
}

/* A loop over waits that are all satisfied at once, or all fail, must not keep the others from running. */
static int budget(void *arg)
{
    bool failing = *(bool *)arg;
    int turns = 0;
    weir_scope others, mine;
    weir_event happened;

    weir_event_init(&happened);
    weir_event_set(&happened);
    weir_scope_open(&others, weir_never(), 0);
    weir_spawn(&others, "other", count_turns, &turns);
    weir_scope_open(&mine, weir_never(), 0);
    if (failing)
        weir_scope_cancel(&mine);
    for (int i = 0; i < 10 * WEIR__WAIT_BUDGET; i++)
        assert_int_equal(weir_event_wait(&happened), failing ? -WEIR_ECANCELED : 0);
    assert_in_range(turns, 9, 10);
    (void)weir_scope_close(&mine);
    weir_scope_cancel(&others);
    (void)weir_scope_close(&others);
    return 0;
}

static void waits_that_need_not_wait_spend_a_budget(void **state)
{
    bool failing = false;

    (void)state;
    run_everywhere(budget, &failing);
}

static void waits_that_fail_spend_it_too(void **state)
{
    bool failing = true;

    (void)state;
    run_everywhere(budget, &failing);
}

/* A task that never leaves the loop alone must not starve timers either. */
static int timers_beside_yields(void *arg)
{
    int turns = 0;
    weir_scope scope;

    (void)arg;

    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "busy", count_turns, &turns);
    assert_int_equal(weir_sleep(weir_ms(2)), 0);
    assert_true(turns > 0);
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    return 0;
}

static void a_busy_task_does_not_starve_timers(void **state)
{
    static const enum weir_io real[] = {WEIR_IO_EPOLL, WEIR_IO_URING};

    (void)state;

    for (int i = 0; i < 2; i++) {
        weir_options options = {.io = real[i]}; /* simulated time stands still while tasks are ready */
        if (io_is_here(real[i]))
            assert_int_equal(weir_run(&options, timers_beside_yields, NULL), 0);
    }
}

/* --- what a switch keeps --- */

static int keep_errno(void *arg)
{
    int own = *(int *)arg;

    for (int i = 0; i < 3; i++) {
        errno = own;
        if (weir_yield() < 0 || errno != own)
            return -EIO;
    }
    return 0;
}

static int switch_keeps(void *arg)
{
    int numbers[3] = {ENOENT, EPIPE, EDOM};
    double x = 1.5;
    weir_scope scope;

    (void)arg;

    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < 3; i++)
        weir_spawn(&scope, "keeper", keep_errno, &numbers[i]);
    errno = EBADF;
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_int_equal(errno, EBADF);
    assert_true(x * 2 == 3.0);
    return 0;
}

static void each_task_has_its_own_errno(void **state)
{
    (void)state;
    run_everywhere(switch_keeps, NULL);
}

static int check_alignment(void *arg)
{
    /* movaps faults on a stack that the ABI would call misaligned; so does this */
    _Alignas(16) volatile char aligned[16];
    (void)arg;
    aligned[0] = 0;
    return (uintptr_t)aligned % 16 == 0 && (uintptr_t)__builtin_frame_address(0) % 16 == 0 ? 0 : -EIO;
}

static int alignment(void *arg)
{
    weir_scope scope;

    (void)arg;

    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < 16; i++) /* every stagger of the tops */
        weir_spawn(&scope, "aligned", check_alignment, NULL);
    return weir_scope_close(&scope);
}

static void stacks_are_aligned(void **state)
{
    (void)state;
    run_simulated(1, alignment, NULL);
}

/* --- names and reasons --- */

static int named(void *arg)
{
    (void)arg;
    assert_string_equal(weir_task_name(), "literal");
    weir_task_set_name("user-%d", 7);
    assert_string_equal(weir_task_name(), "user-7");
    weir_task_set_name("%0100d", 0);
    assert_int_equal(strlen(weir_task_name()), 47);
    return 0;
}

static int names(void *arg)
{
    weir_scope scope;

    (void)arg;

    assert_true(weir_in_task());
    assert_non_null(weir_task_name());
    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "literal", named, NULL);
    return weir_scope_close(&scope);
}

static void tasks_have_names(void **state)
{
    (void)state;
    assert_false(weir_in_task());
    run_simulated(1, names, NULL);
    assert_false(weir_in_task());
}

static int own_task(void *arg)
{
    *(struct weir__task **)arg = weir__task_current();
    return weir_sleep_until(weir_never());
}

static int reasons(void *arg)
{
    struct weir__task *task = NULL;
    weir_scope scope;

    (void)arg;

    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "sleeper", own_task, &task);
    assert_int_equal(weir_yield(), 0);
    assert_non_null(task);
    assert_int_equal(task->state, WEIR__TASK_PARKED);
    assert_string_equal(task->wait->words, "sleeping");
    weir_scope_cancel(&scope);
    assert_int_equal(weir_scope_close(&scope), -WEIR_ECANCELED);
    return 0;
}

/* What others look for on a stack: one place, and a number that only grows. */
static int records_of_a_stack(void *arg)
{
    struct weir__loop *loop = weir__task_current()->loop;
    struct weir__task *first = NULL, *second = NULL;
    uint32_t runs;
    weir_scope scope;

    (void)arg;

    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "first", own_task, &first);
    assert_int_equal(weir_yield(), 0);
    assert_ptr_equal(weir__task_on(&loop->stacks, first->stack), first);
    assert_non_null(first->spawned_at);
    runs = atomic_load(&first->runs);
    weir_scope_cancel(&scope);
    assert_int_equal(weir_scope_close(&scope), -WEIR_ECANCELED);
    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "second", own_task, &second);
    assert_int_equal(weir_yield(), 0);
    assert_ptr_equal(second, first);
    assert_int_equal(atomic_load(&second->runs), runs + 2);
    weir_scope_cancel(&scope);
    assert_int_equal(weir_scope_close(&scope), -WEIR_ECANCELED);
    return 0;
}

static void a_record_has_its_place(void **state)
{
    (void)state;
    run_simulated(1, records_of_a_stack, NULL);
}

static void a_wait_has_a_reason(void **state)
{
    (void)state;
    run_simulated(1, reasons, NULL);
}

/* --- many --- */

static int sleep_briefly(void *arg)
{
    (void)arg;
    return weir_sleep(weir_ms(1));
}

static int limit(void *arg)
{
    weir_scope scope;

    (void)arg;

    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    for (int i = 0; i < 9; i++)
        assert_int_equal(weir_spawn(&scope, "one of few", sleep_briefly, NULL), 0);
    assert_int_equal(weir_spawn(&scope, "too many", sleep_briefly, NULL), -ENOMEM);
    assert_int_equal(weir_scope_close(&scope), 0);

    weir_scope_open(&scope, weir_never(), 0); /* a spawn that fails is a failure of the scope */
    for (int i = 0; i < 10; i++)
        (void)weir_spawn(&scope, "one of few", sleep_briefly, NULL);
    assert_int_equal(weir_scope_close(&scope), -ENOMEM);

    weir_scope_open(&scope, weir_never(), 0); /* and the rest lives */
    assert_int_equal(weir_spawn(&scope, "again", sleep_briefly, NULL), 0);
    return weir_scope_close(&scope);
}

static void the_limit_of_tasks_is_an_error_and_no_more(void **state)
{
    weir_options options = {.io = WEIR_IO_SIM, .tasks_max = 10};

    (void)state;
    assert_int_equal(weir_run(&options, limit, NULL), 0);
}

#ifdef __SANITIZE_THREAD__
enum { MANY = 200 }; /* a fiber of TSan's takes a millisecond to make */
#else
enum { MANY = 3000 };
#endif

static int many(void *arg)
{
    weir_scope scope;

    (void)arg;

    for (int round = 0; round < 3; round++) {
        size_t stacks;
        weir_scope_open(&scope, weir_never(), 0);
        for (int i = 0; i < MANY; i++)
            assert_int_equal(weir_spawn(&scope, "one of many", sleep_briefly, NULL), 0);
        assert_int_equal(weir_scope_close(&scope), 0);
        stacks = weir__loop_current()->stacks.count;
        assert_int_equal(stacks, MANY + 1); /* the later rounds take what the first gave back */
    }
    return 0;
}

static void stacks_are_used_again(void **state)
{
    (void)state;
    run_everywhere(many, NULL);
}

/* --- torture --- */

static int tortured(void *arg)
{
    int err = weir_sleep(weir_us(50));

    (void)arg;

    if (err == 0)
        err = weir_yield();
    if (err == 0)
        err = weir_sleep_until(weir_after(weir_us(200)));
    return err;
}

static int tortured_world(struct torture *t)
{
    return torture_victim(t, tortured, NULL);
}

static void sleeps_stand_torture(void **state)
{
    (void)state;
    assert_true(torture(tortured_world, NULL) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sleep_is_never_short),
        cmocka_unit_test(a_simulated_hour_takes_no_time),
        cmocka_unit_test(sleepers_wake_in_order),
        cmocka_unit_test(a_yield_lets_all_the_others_run_first),
        cmocka_unit_test(waits_that_need_not_wait_spend_a_budget),
        cmocka_unit_test(waits_that_fail_spend_it_too),
        cmocka_unit_test(a_busy_task_does_not_starve_timers),
        cmocka_unit_test(each_task_has_its_own_errno),
        cmocka_unit_test(stacks_are_aligned),
        cmocka_unit_test(tasks_have_names),
        cmocka_unit_test(a_record_has_its_place),
        cmocka_unit_test(a_wait_has_a_reason),
        cmocka_unit_test(the_limit_of_tasks_is_an_error_and_no_more),
        cmocka_unit_test(stacks_are_used_again),
        cmocka_unit_test(sleeps_stand_torture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
