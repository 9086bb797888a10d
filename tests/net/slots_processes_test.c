/* SPDX-License-Identifier: MIT */
/* A maximum that processes share: a model of several processes on one thread, whose steps come in an order
 * drawn from a seed. Processes are killed, and stopped for a while. */
#include "support/run.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/random.h"
#include "core/shared.h"
#include "net/slots.h"

enum { PROCESSES = 3, LOOPS = 2, TASKS = 6, STEPS = 3000 };

enum state { NONE, TRIED, WAITS, HAS };

struct model_task {
    struct weir__slots_waiter waiter; /* first */
    enum state state;
};

struct model_loop {
    struct weir__slots_member member; /* first */
    int idle;                         /* connections */
    int notes;                        /* of notify(), not heeded yet */
    struct model_task tasks[TASKS];
};

struct process {
    weir_shared *shared;
    struct weir__slots slots;
    struct model_loop loops[LOOPS];
    bool stopped;
};

/* What the processes share, but for the maximum. */
struct block {
    weir_shared_count held, queued;
    _Atomic int64_t queued_since_ns[WEIR_SHARED_MEMBERS_MAX];
};

struct model {
    struct weir__random random;
    struct process processes[PROCESSES];
    int fd, max;
    int64_t now_ns;
    uint64_t served;
};

static struct model *model;
static char a_connection;

static void notify(struct weir__slots_member *m)
{
    struct model_loop *loop = (struct model_loop *)(void *)m;

    assert_int_equal(loop->notes, 0);
    loop->notes++;
}

static void grant(struct weir__slots_waiter *w)
{
    struct model_task *task = (struct model_task *)(void *)w;

    assert_int_equal(task->state, WAITS);
    task->state = HAS;
    model->served++;
}

static void spare(struct weir__slots_member *m)
{
    struct model_loop *loop = (struct model_loop *)(void *)m;

    while (loop->idle > 0 && weir__slots_are_wanted(m)) {
        loop->idle--;
        weir__slots_give(m);
    }
}

static const struct weir__slots_hooks hooks = {notify, grant, spare};

static uint64_t draw(uint64_t n)
{
    return weir__random_below(&model->random, n);
}

/* --- processes --- */

static void begin_process(struct process *p, int member)
{
    struct block *block;

    memset(p, 0, sizeof *p);
    assert_int_equal(weir_shared_open(model->fd, member, &p->shared), 0);
    assert_int_equal(weir_shared_block(p->shared, "slots", 2, sizeof *block, (void **)&block), 0);
    weir__slots_init(&p->slots, model->max, LOOPS,
                     &(struct weir__slots_common){.shared = p->shared,
                                                  .held = &block->held,
                                                  .queued = &block->queued,
                                                  .queued_since_ns = block->queued_since_ns});
    for (int i = 0; i < LOOPS; i++)
        weir__slots_join(&p->slots, &p->loops[i].member, &hooks);
}

/* As its supervisor does when it has died. */
static void kill_process(struct process *p)
{
    int member = weir_shared_member(p->shared);
    struct process *another = &model->processes[member == 0];

    weir_shared_close(p->shared);
    weir_shared_expel(another->shared, member);
    begin_process(p, member);
}

/* What the thread of a process does when it was rung, and now and then. */
static void look(struct process *p)
{
    struct weir__shared_bell *bell = &p->shared->header->bells[weir_shared_member(p->shared)];

    atomic_store(&bell->heard, atomic_load(&bell->rung));
    weir__slots_look(&p->slots, model->now_ns);
}

static void heed(struct model_loop *loop)
{
    if (loop->notes > 0) {
        loop->notes--;
        weir__slots_heed(&loop->member);
    }
}

static int count_having(const struct model_loop *loop)
{
    int n = 0;

    for (int i = 0; i < TASKS; i++)
        n += loop->tasks[i].state == HAS;
    return n;
}

static int held_by(const struct process *p)
{
    int held = 0;

    for (int i = 0; i < LOOPS; i++)
        held += atomic_load((atomic_int *)(uintptr_t)&p->loops[i].member.held);
    return held;
}

static void check(void)
{
    int held = 0, connections = 0;

    for (int n = 0; n < PROCESSES; n++) {
        struct process *p = &model->processes[n];
        int queued = 0;
        for (int i = 0; i < LOOPS; i++) {
            struct model_loop *loop = &p->loops[i];
            assert_true(loop->idle + count_having(loop) <= atomic_load(&loop->member.held));
            assert_true(loop->member.granted == 0 || loop->notes > 0);
            assert_true(loop->idle == 0 || loop->member.queued == 0); /* nobody waits beside what is idle */
            connections += loop->idle + count_having(loop);
            queued += loop->member.queued;
        }
        assert_int_equal(weir_shared_count_of(p->slots.common.held, n), held_by(p));
        assert_int_equal(weir_shared_count_of(p->slots.common.queued, n), queued);
        held += held_by(p);
    }
    assert_true(connections <= model->max);
    assert_true(held <= model->max);
}

/* --- steps --- */

static void begin(struct model_loop *loop, struct model_task *task)
{
    if (loop->idle > 0) {
        loop->idle--;
        task->state = HAS;
    } else {
        task->state = weir__slots_try(&loop->member) ? HAS : TRIED;
    }
}

static void queue(struct model_loop *loop, struct model_task *task)
{
    if (loop->idle > 0) {
        loop->idle--;
        task->state = HAS;
        return;
    }
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

static void step_task(struct model_loop *loop, struct model_task *task)
{
    switch (task->state) {
    case NONE:
        begin(loop, task);
        break;
    case TRIED:
        queue(loop, task);
        break;
    case HAS:
        end(loop, task, draw(10) > 0);
        break;
    case WAITS:
        if (draw(20) == 0) { /* it is cancelled */
            weir__slots_unqueue(&task->waiter);
            task->state = NONE;
        }
        break;
    }
}

static void step(void)
{
    struct process *p = &model->processes[draw(PROCESSES)];
    struct model_loop *loop = &p->loops[draw(LOOPS)];

    model->now_ns += 1000000;
    if (draw(300) == 0)
        kill_process(p);
    else if (draw(300) == 0)
        p->stopped = true;
    else if (p->stopped)
        p->stopped = draw(30) > 0;
    else if (draw(6) == 0)
        heed(loop);
    else if (draw(6) == 0)
        look(p);
    else
        step_task(loop, &loop->tasks[draw(TASKS)]);
}

/* Whoever goes on hears all there is to hear, and looks several times, with the time between that makes the
 * stopped deaf. */
static void settle(void)
{
    for (int round = 0; round < 6; round++) {
        model->now_ns += 250000000;
        for (int n = 0; n < PROCESSES; n++) {
            struct process *p = &model->processes[n];
            if (p->stopped)
                continue;
            look(p);
            for (int i = 0; i < 2 * LOOPS; i++) /* heeding may make new messages, once */
                heed(&p->loops[i % LOOPS]);
        }
    }
}

/* Nobody who can go on waits for what is free, or for an idle connection that may not be kept. */
static void check_settled(void)
{
    bool waits = false;
    int free = weir__slots_common_free(&model->processes[0].slots.common, model->max);

    for (int n = 0; n < PROCESSES; n++) {
        struct process *p = &model->processes[n];
        waits = waits || (!p->stopped && weir_shared_count_of(p->slots.common.queued, n) > 0);
    }
    if (!waits)
        return;
    assert_int_equal(free, 0);
    for (int n = 0; n < PROCESSES; n++) {
        struct process *p = &model->processes[n];
        for (int i = 0; !p->stopped && i < LOOPS; i++)
            if (p->loops[i].idle > 0 && weir__slots_are_awaited(&p->loops[i].member))
                assert_true(atomic_load(&p->loops[i].member.held) <= weir__slots_keep(&p->slots));
    }
}

/* Each task that has a connection gives it back; nobody waits for ever. */
static void end_all(void)
{
    bool busy = true;

    for (int n = 0; n < PROCESSES; n++)
        model->processes[n].stopped = false;
    for (int round = 0; busy; round++) {
        busy = false;
        assert_true(round < 1000);
        for (int n = 0; n < PROCESSES * LOOPS; n++) {
            struct process *p = &model->processes[n / LOOPS];
            struct model_loop *loop = &p->loops[n % LOOPS];
            for (int k = 0; k < TASKS; k++) {
                struct model_task *task = &loop->tasks[k];
                if (task->state == TRIED)
                    task->state = NONE;
                busy = busy || task->state != NONE;
                if (task->state == HAS)
                    end(loop, task, true);
            }
            if (loop->idle > 0 && draw(2) == 0) { /* it runs out at last */
                loop->idle--;
                weir__slots_give(&loop->member);
            }
        }
        settle();
        check();
    }
}

static void close_all(void)
{
    for (int n = 0; n < PROCESSES; n++) {
        struct process *p = &model->processes[n];
        for (int i = 0; i < LOOPS; i++) {
            struct model_loop *loop = &p->loops[i];
            for (; loop->idle > 0; loop->idle--)
                weir__slots_give(&loop->member);
            heed(loop);
            assert_true(weir__slots_leave(&loop->member));
        }
    }
    assert_int_equal(weir__slots_common_free(&model->processes[0].slots.common, model->max), model->max);
    for (int n = 0; n < PROCESSES; n++)
        weir_shared_close(model->processes[n].shared);
}

static uint64_t run_model(uint64_t seed)
{
    uint64_t served;

    model = calloc(1, sizeof *model);
    assert_non_null(model);
    weir__random_seed(&model->random, seed);
    model->max = 1 + (int)draw(16);
    model->now_ns = 1;
    assert_int_equal(weir_shared_make(1 << 16, &model->fd), 0);
    for (int n = 0; n < PROCESSES; n++)
        begin_process(&model->processes[n], n);
    for (int n = 0; n < STEPS; n++) {
        step();
        check();
        if (n % 100 == 0) {
            settle();
            check();
            check_settled();
        }
    }
    end_all();
    close_all();
    (void)close(model->fd);
    served = model->served;
    free(model);
    return served;
}

static void every_order_keeps_the_maximum_and_serves_all(void **state)
{
    uint64_t served = 0;

    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(100); seed++)
        served += run_model(seed);
    assert_true(served > 1000 || seed_is_alone());
}

/* --- fairness --- */

static void begin_model(int max)
{
    model = calloc(1, sizeof *model);
    assert_non_null(model);
    weir__random_seed(&model->random, 1);
    model->max = max;
    model->now_ns = 1;
    assert_int_equal(weir_shared_make(1 << 16, &model->fd), 0);
    for (int n = 0; n < PROCESSES; n++)
        begin_process(&model->processes[n], n);
}

static void end_model(void)
{
    end_all();
    close_all();
    (void)close(model->fd);
    free(model);
}

static void ask_on(struct process *p)
{
    for (int k = 0; k < TASKS; k++) {
        struct model_task *task = &p->loops[0].tasks[k];
        if (task->state == NONE)
            begin(&p->loops[0], task);
        if (task->state == TRIED)
            queue(&p->loops[0], task);
    }
}

static void serve_on(struct process *p, int *served)
{
    for (int k = 0; k < TASKS; k++)
        if (p->loops[0].tasks[k].state == HAS) {
            end(&p->loops[0], &p->loops[0].tasks[k], true);
            ++*served;
            return;
        }
}

/* All ask for more than there is, and each serves one of its tasks when it is its turn. */
static void be_busy_alike(int max)
{
    int served[PROCESSES] = {0}, sum = 0;

    begin_model(max);
    for (int round = 0; round < 3000; round++) {
        struct process *p = &model->processes[round % PROCESSES];
        ask_on(p);
        serve_on(p, &served[round % PROCESSES]);
        if (draw(3) > 0)
            look(p);
        heed(&p->loops[0]);
    }
    for (int n = 0; n < PROCESSES; n++)
        sum += served[n];
    for (int n = 0; n < PROCESSES; n++)
        assert_in_range(served[n], sum / 4, sum / 2);
    end_model();
}

static void processes_that_are_busy_alike_get_alike(void **state)
{
    (void)state;
    be_busy_alike(1);
    be_busy_alike(2);
    be_busy_alike(6);
    be_busy_alike(8);
}

/* Whoever is stopped while it waits holds nobody up for longer than it takes to see that it is deaf. */
static void nothing_is_left_to_one_that_is_stopped(void **state)
{
    struct process *one, *two;
    int served = 0;

    (void)state;
    begin_model(2);
    one = &model->processes[0];
    two = &model->processes[1];
    ask_on(one);
    ask_on(two);
    two->stopped = true;
    serve_on(one, &served); /* that is left to it */
    assert_int_equal(held_by(one), 1);
    settle();
    assert_int_equal(held_by(one), 2);
    for (int round = 0; round < 100; round++) {
        int before = served;
        serve_on(one, &served);
        ask_on(one);
        heed(&one->loops[0]);
        assert_int_equal(served, before + 1); /* at once, without a look */
    }
    end_model();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_order_keeps_the_maximum_and_serves_all),
        cmocka_unit_test(processes_that_are_busy_alike_get_alike),
        cmocka_unit_test(nothing_is_left_to_one_that_is_stopped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
