/* SPDX-License-Identifier: MIT */
/* A maximum shared by loops: a model of several loops on one thread, whose steps come in an order drawn from
 * a seed, and real loops, whose steps come as they may (make tsan T=slots). */
#include "support/run.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "core/task.h"
#include "net/slot_share.h"
#include "net/slots.h"

/* --- the model --- */

enum { LOOPS_MAX = 4, TASKS = 12 };

/* What a task of the model has: nothing, not even a slot at its first try, a place in the queue, or a
 * connection. */
enum state { NONE, TRIED, WAITS, HAS };

struct model_task {
    struct weir__slots_waiter waiter; /* first */
    struct model_loop *loop;
    enum state state;
    uint64_t since; /* in the queue */
};

struct model_loop {
    struct weir__slots_member member; /* first */
    struct model *model;
    int idle;  /* connections */
    int notes; /* notify() has been called so often, and weir__slots_heed() not */
    struct model_task tasks[TASKS];
};

struct model {
    struct weir__slots slots;
    struct weir__random random;
    struct model_loop loops[LOOPS_MAX];
    int loop_count, max;
    uint64_t clock, served;
};

static char a_connection;

static void model_notify(struct weir__slots_member *m)
{
    struct model_loop *loop = (struct model_loop *)(void *)m;

    assert_int_equal(loop->notes, 0); /* once at a time */
    loop->notes++;
}

static void model_grant(struct weir__slots_waiter *w)
{
    struct model_task *task = (struct model_task *)(void *)w;

    assert_int_equal(task->state, WAITS);
    assert_true(w->given == NULL || w->given == &a_connection);
    task->state = HAS;
    task->loop->model->served++;
    /* In the order of their arrival, within a loop. */
    for (int i = 0; i < TASKS; i++)
        if (task->loop->tasks[i].state == WAITS)
            assert_true(task->loop->tasks[i].since >= task->since);
}

static void model_spare(struct weir__slots_member *m)
{
    struct model_loop *loop = (struct model_loop *)(void *)m;

    while (loop->idle > 0 && weir__slots_are_wanted(m)) {
        loop->idle--;
        weir__slots_give(m);
    }
}

static const struct weir__slots_hooks model_hooks = {model_notify, model_grant, model_spare};

static int count_having(const struct model_loop *loop)
{
    int n = 0;

    for (int i = 0; i < TASKS; i++)
        n += loop->tasks[i].state == HAS;
    return n;
}

/* What must hold between any two steps. */
static void check_model(struct model *model)
{
    int held = 0, connections = 0, waiting = 0, queued = 0;

    for (int i = 0; i < model->loop_count; i++) {
        struct model_loop *loop = &model->loops[i];
        held += atomic_load(&loop->member.held);
        connections += loop->idle + count_having(loop);
        queued += loop->member.queued;
        for (int k = 0; k < TASKS; k++)
            waiting += loop->tasks[k].state == WAITS;
        assert_true(loop->idle + count_having(loop) <= atomic_load(&loop->member.held));
        assert_true(loop->member.granted == 0 || loop->notes > 0);
    }
    assert_true(connections <= model->max);
    assert_int_equal(held + atomic_load(&model->slots.free), model->max);
    assert_int_equal(queued, atomic_load(&model->slots.waiting));
    assert_true(queued <= waiting);
    if (queued > 0)
        assert_int_equal(atomic_load(&model->slots.free), 0);
}

/* What must hold when every message has arrived: whoever waits, waits for a connection that is in use, or
 * that a loop may keep. */
static void check_quiet(struct model *model)
{
    const int keep = weir__slots_keep(&model->slots);

    if (atomic_load(&model->slots.waiting) == 0)
        return;
    for (int i = 0; i < model->loop_count; i++) {
        struct model_loop *loop = &model->loops[i];
        if (loop->idle > 0 && atomic_load(&loop->member.held) > keep)
            fail_msg("loop %d has %d idle connections, and %d tasks wait", i, loop->idle,
                     atomic_load(&model->slots.waiting));
        if (loop->idle > 0)
            assert_int_equal(loop->member.queued,
                             0); /* no task waits beside an idle connection of its loop */
    }
}

static void begin(struct model_loop *loop, struct model_task *task)
{
    if (loop->idle > 0) {
        loop->idle--;
        task->state = HAS;
    } else if (weir__slots_try(&loop->member)) {
        task->state = HAS;
    } else {
        task->state = TRIED;
    }
}

/* Other loops, and other tasks of this one, may do something between a try and this. */
static void queue(struct model_loop *loop, struct model_task *task)
{
    if (loop->idle > 0) {
        loop->idle--;
        task->state = HAS;
        return;
    }
    task->since = loop->model->clock;
    task->state = WAITS;
    if (weir__slots_queue(&loop->member, &task->waiter))
        task->state = HAS;
}

static void end(struct model_loop *loop, struct model_task *task, bool keep)
{
    task->state = NONE;
    if (!keep)
        weir__slots_give(&loop->member);
    else if (!weir__slots_are_awaited(&loop->member))
        loop->idle++;
    else if (weir__slots_pass(&loop->member, &a_connection))
        ;
    else if (weir__slots_are_wanted(&loop->member))
        weir__slots_give(&loop->member);
    else
        loop->idle++;
}

static void heed(struct model_loop *loop)
{
    if (loop->notes > 0) {
        loop->notes--;
        weir__slots_heed(&loop->member);
    }
}

static void step(struct model *model)
{
    struct model_loop *loop = &model->loops[weir__random_below(&model->random, (uint64_t)model->loop_count)];
    struct model_task *task = &loop->tasks[weir__random_below(&model->random, TASKS)];

    model->clock++;
    switch (weir__random_below(&model->random, 8)) {
    case 0:
        heed(loop);
        break;
    case 1: /* an idle connection ends */
        if (loop->idle > 0) {
            loop->idle--;
            weir__slots_give(&loop->member);
        }
        break;
    case 2: /* a task is cancelled */
        if (task->state == WAITS) {
            weir__slots_unqueue(&task->waiter);
            task->state = NONE;
        }
        break;
    default:
        if (task->state == NONE)
            begin(loop, task);
        else if (task->state == TRIED)
            queue(loop, task);
        else if (task->state == HAS)
            end(loop, task, weir__random_below(&model->random, 10) > 0);
    }
}

/* Returns: how many tasks were served that had waited. */
static uint64_t run_model(uint64_t seed)
{
    struct model *model = calloc(1, sizeof *model);
    uint64_t served;

    weir__random_seed(&model->random, seed);
    model->loop_count = 1 + (int)weir__random_below(&model->random, LOOPS_MAX);
    model->max = 1 + (int)weir__random_below(&model->random, 16);
    weir__slots_init(&model->slots, model->max, model->loop_count, NULL);
    for (int i = 0; i < model->loop_count; i++) {
        model->loops[i].model = model;
        weir__slots_join(&model->slots, &model->loops[i].member, &model_hooks);
        for (int k = 0; k < TASKS; k++)
            model->loops[i].tasks[k].loop = &model->loops[i];
    }
    for (int n = 0; n < 4000; n++) {
        step(model);
        check_model(model);
        if (n % 50 != 0)
            continue;
        for (int i = 0; i < model->loop_count; i++)
            heed(&model->loops[i]);
        for (int i = 0; i < model->loop_count; i++) /* heeding may make new messages, once */
            heed(&model->loops[i]);
        check_model(model);
        check_quiet(model);
    }
    /* All give everything back: nobody waits for ever. */
    for (bool busy = true; busy;) {
        busy = false;
        for (int i = 0; i < model->loop_count; i++) {
            struct model_loop *loop = &model->loops[i];
            heed(loop);
            for (int k = 0; k < TASKS; k++) {
                if (loop->tasks[k].state == TRIED)
                    loop->tasks[k].state = NONE;
                busy = busy || loop->tasks[k].state != NONE;
                if (loop->tasks[k].state == HAS)
                    end(loop, &loop->tasks[k], true);
            }
            if (atomic_load(&model->slots.waiting) > 0 && loop->idle > 0) { /* it runs out at last */
                loop->idle--;
                weir__slots_give(&loop->member);
            }
        }
        check_model(model);
    }
    for (int i = 0; i < model->loop_count; i++) {
        struct model_loop *loop = &model->loops[i];
        for (; loop->idle > 0; loop->idle--)
            weir__slots_give(&loop->member);
        heed(loop);
        assert_int_equal(atomic_load(&loop->member.held), 0);
        assert_true(weir__slots_leave(&loop->member));
    }
    assert_int_equal(atomic_load(&model->slots.free), model->max);
    served = model->served;
    free(model);
    return served;
}

static void every_order_of_steps_keeps_the_maximum_and_serves_all(void **state)
{
    uint64_t served = 0;

    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(300); seed++)
        served += run_model(seed);
    assert_true(served > 10000 || seed_is_alone());
}

/* --- two loops that are busy alike --- */

static void begin_now(struct model_loop *loop, struct model_task *task)
{
    begin(loop, task);
    if (task->state == TRIED)
        queue(loop, task);
}

static void a_loop_with_its_share_serves_its_own_tasks(void **state)
{
    struct model *model = calloc(1, sizeof *model);
    int given = 0;

    (void)state;
    model->loop_count = 2;
    model->max = 4;
    weir__slots_init(&model->slots, 4, 2, NULL);
    for (int i = 0; i < 2; i++) {
        model->loops[i].model = model;
        weir__slots_join(&model->slots, &model->loops[i].member, &model_hooks);
        for (int k = 0; k < TASKS; k++)
            model->loops[i].tasks[k].loop = &model->loops[i];
    }
    for (int k = 0; k < 6; k++) /* the first loop takes all, and more wait there */
        begin_now(&model->loops[0], &model->loops[0].tasks[k]);
    for (int k = 0; k < 6; k++)
        begin_now(&model->loops[1], &model->loops[1].tasks[k]);
    for (int round = 0; round < 200; round++) {
        struct model_loop *loop = &model->loops[round % 2];
        for (int k = 0; k < TASKS; k++)
            if (loop->tasks[k].state == HAS) {
                int held = atomic_load(&loop->member.held);
                end(loop, &loop->tasks[k], true);
                given += round > 100 && atomic_load(&loop->member.held) < held;
                break;
            }
        heed(&model->loops[0]);
        heed(&model->loops[1]);
        for (int k = 0; k < 6; k++) /* and all ask again */
            for (int i = 0; i < 2; i++)
                if (model->loops[i].tasks[k].state == NONE) {
                    model->clock++;
                    begin_now(&model->loops[i], &model->loops[i].tasks[k]);
                }
    }
    assert_int_equal(atomic_load(&model->loops[0].member.held), 2);
    assert_int_equal(atomic_load(&model->loops[1].member.held), 2);
    assert_int_equal(given, 0); /* none of its connections was closed for the other */
    free(model);
}

/* --- real loops --- */

enum { REAL_LOOPS = 3, REAL_TASKS = 6, REAL_ROUNDS = 300, REAL_MAX = 4, REAL_WAITING_MAX = 4 };

struct real_loop {
    struct weir__slot_share share; /* first */
    int idle, number;
};

static atomic_int connections; /* of all loops, in use and idle */

static void real_give(struct real_loop *loop)
{
    atomic_fetch_sub(&connections, 1);
    weir__slot_share_give(&loop->share);
}

static void real_spare(struct weir__slot_share *share)
{
    struct real_loop *loop = (struct real_loop *)(void *)share;

    while (loop->idle > 0 && weir__slot_share_is_wanted(share)) {
        loop->idle--;
        real_give(loop);
    }
}

static void *real_reuse(struct weir__slot_share *share)
{
    struct real_loop *loop = (struct real_loop *)(void *)share;

    if (loop->idle == 0)
        return NULL;
    loop->idle--;
    return &a_connection;
}

static void real_waiting_changed(struct weir__slot_share *share)
{
    assert_in_range(share->waiting, 0, REAL_WAITING_MAX);
}

static const struct weir__slot_share_type real_type = {real_spare, real_reuse, real_waiting_changed};

static int use_one(struct real_loop *loop)
{
    void *given = real_reuse(&loop->share);

    if (given == NULL && !weir__slot_share_try(&loop->share)) {
        int err = weir__slot_share_wait(&loop->share, &given);
        if (err < 0)
            return err;
    }
    if (given == NULL)
        assert_in_range(atomic_fetch_add(&connections, 1), 0, REAL_MAX - 1);
    return 0;
}

static void release_one(struct real_loop *loop, bool keep)
{
    switch (keep ? weir__slot_share_release(&loop->share, &a_connection) : WEIR__SLOT_WANTED) {
    case WEIR__SLOT_IDLE:
        loop->idle++;
        break;
    case WEIR__SLOT_PASSED:
        break;
    case WEIR__SLOT_WANTED:
        real_give(loop);
    }
}

static int real_task(void *arg)
{
    struct real_loop *loop = arg;

    for (int i = 0; i < REAL_ROUNDS; i++) {
        weir_scope scope;
        int err;

        /* Now and then a wait is given up. */
        weir_scope_open(&scope, i % 7 == 0 ? weir_after(weir_us(20)) : weir_never(), WEIR_COLLECT);
        err = use_one(loop);
        (void)weir_scope_close(&scope);
        if (err == -WEIR_EDEADLINE)
            continue;
        if (err == -WEIR_EBUSY) { /* too many wait */
            assert_int_equal(loop->share.waiting, REAL_WAITING_MAX);
            (void)weir_yield();
            continue;
        }
        assert_int_equal(err, 0);
        for (int k = 0; k < (i + loop->number) % 3; k++)
            (void)weir_yield();
        release_one(loop, i % 11 != 0);
    }
    return 0;
}

static int real_loop_main(void *arg)
{
    struct real_loop loop = {.share.waiting_max = REAL_WAITING_MAX, .number = *(int *)arg};
    weir_scope scope;

    assert_int_equal(weir__slot_share_open(&loop.share, &real_type, "a place", REAL_MAX, NULL, "a place"), 0);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    for (int i = 0; i < REAL_TASKS; i++)
        assert_int_equal(weir_spawn(&scope, "real", real_task, &loop), 0);
    (void)weir_scope_close(&scope);
    for (; loop.idle > 0; loop.idle--)
        real_give(&loop);
    while (!weir__slot_share_close(&loop.share))
        (void)weir_yield();
    return 0;
}

static int call_loop(void *arg)
{
    return weir_loop_call(*(int *)arg, "loop", real_loop_main, arg);
}

static int on_real_loops(void *arg)
{
    int numbers[REAL_LOOPS];
    weir_scope scope;

    (void)arg;
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    for (int i = 0; i < REAL_LOOPS; i++) {
        numbers[i] = i;
        assert_int_equal(weir_spawn(&scope, "loop", call_loop, &numbers[i]), 0);
    }
    return weir_scope_close(&scope);
}

static void real_loops_keep_the_maximum_and_wake_each_other(void **state)
{
    const weir_options options = {.loops = REAL_LOOPS, .stall_after = weir_ms(-1)};

    (void)state;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(weir_run(&options, on_real_loops, NULL), 0);
        assert_int_equal(atomic_load(&connections), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_order_of_steps_keeps_the_maximum_and_serves_all),
        cmocka_unit_test(a_loop_with_its_share_serves_its_own_tasks),
        cmocka_unit_test(real_loops_keep_the_maximum_and_wake_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
