/* SPDX-License-Identifier: MIT */
/* The arithmetic of the ledger: what each instant is charged to, and that nothing is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/run.h"

#include "base/arena.h"
#include "base/heartbeat.h"
#include "base/random.h"
#include "core/account/ledger.h"

static const int64_t virtual_ns; /* so that a tick is a nanosecond */
static struct weir__heartbeat heartbeat;
static struct weir__arena memory;
static struct weir__ledger l;
static weir_charge account[WEIR_CHARGES_MAX];
static size_t count;

static void open_ledger(uint64_t ticks)
{
    memset(&l, 0, sizeof l);
    memset(&heartbeat, 0, sizeof heartbeat);
    heartbeat.virtual_ns = &virtual_ns;
    if (memory.max_bytes > 0)
        weir__arena_free(&memory);
    weir__arena_init(&memory, NULL, 64 << 20);
    weir__ledger_open(&l, &memory, ticks);
}

/* As the core says it: a task that parks is left, unless another of the same work runs next. */
static void park(struct weir__ledger_wait *w, unsigned kind, uint64_t ticks)
{
    weir__ledger_park(&l, w, kind);
    w->ticks = ticks;
}

static void close_ledger(uint64_t ticks)
{
    assert_int_equal(weir__ledger_close(&l, ticks), ticks - l.began);
    count = weir__ledger_account(&l, &heartbeat, account);
    assert_true(count <= WEIR_CHARGES_MAX);
}

static const weir_charge *find(enum weir_charge_category kind, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (account[i].category == kind && account[i].name == name)
            return &account[i];
    return NULL;
}

static int64_t share_of(enum weir_charge_category kind, const char *name)
{
    const weir_charge *c = find(kind, name);

    return c != NULL ? c->share.ns : 0;
}

static int64_t sum(void)
{
    int64_t ns = 0;

    for (size_t i = 0; i < count; i++)
        ns += account[i].share.ns;
    return ns;
}

static void one_task_is_charged_for_what_it_does(void **state)
{
    struct weir__ledger_wait w;

    (void)state;
    open_ledger(1000);
    weir__ledger_start(&l, 1010);
    assert_int_equal(weir__ledger_enter(&l, 1030), 20);
    weir__ledger_begin(&l);
    park(&w, WEIR_CHARGE_TIMER, 1070);
    weir__ledger_leave(&l, 1070);
    weir__ledger_wake(&l, &w, 1150);
    assert_int_equal(weir__ledger_enter(&l, 1151), 1);
    weir__ledger_unpark(&l, &w, NULL);
    close_ledger(1161);
    assert_int_equal(count, 5);
    assert_int_equal(share_of(WEIR_CHARGE_HEAD, NULL), 10);
    assert_int_equal(share_of(WEIR_CHARGE_QUEUE, NULL), 20);
    assert_int_equal(share_of(WEIR_CHARGE_RUN, NULL), 40 + 10);
    assert_int_equal(share_of(WEIR_CHARGE_TIMER, NULL), 80);
    assert_int_equal(share_of(WEIR_CHARGE_READY, NULL), 1);
    assert_int_equal(find(WEIR_CHARGE_TIMER, NULL)->took.ns, 80);
    assert_int_equal(sum(), 161);
}

static void a_head_that_was_whole_at_once_is_not_charged(void **state)
{
    (void)state;
    open_ledger(1000);
    weir__ledger_start(&l, 990); /* the slice began before */
    weir__ledger_enter(&l, 1000);
    weir__ledger_begin(&l);
    close_ledger(1001);
    assert_int_equal(count, 1);
    assert_int_equal(share_of(WEIR_CHARGE_RUN, NULL), 1);
}

static const char a[] = "a", b[] = "b", c[] = "c";

/* Three tasks, woken 30, 60 and 90 ticks after all of them had parked; the one that spawned them waits for
 * all. */
static void who_waits_longer_is_charged_for_what_it_held_up_alone(void **state)
{
    struct weir__ledger_wait w[3], closing;

    (void)state;
    open_ledger(0);
    weir__ledger_start(&l, 0);
    weir__ledger_enter(&l, 0);
    weir__ledger_begin(&l);
    for (int i = 0; i < 3; i++)
        weir__ledger_spawned(&l);
    park(&closing, WEIR__CHARGE_NONE, 0);
    for (int i = 0; i < 3; i++)
        park(&w[i], WEIR_CHARGE_BACKEND, 0);
    weir__ledger_leave(&l, 6); /* all of this was one run */
    for (int i = 0; i < 3; i++) {
        static const char *const names[] = {a, b, c};
        uint64_t now = 6 + 30 * ((uint64_t)i + 1);
        weir__ledger_wake(&l, &w[i], now);
        weir__ledger_enter(&l, now);
        weir__ledger_unpark(&l, &w[i], names[i]);
        weir__ledger_ended(&l);
        if (i == 2)
            weir__ledger_wake(&l, &closing, now);
        weir__ledger_leave(&l, now);
    }
    weir__ledger_enter(&l, 100);
    weir__ledger_unpark(&l, &closing, NULL);
    close_ledger(100);
    assert_int_equal(share_of(WEIR_CHARGE_BACKEND, a), 10);
    assert_int_equal(share_of(WEIR_CHARGE_BACKEND, b), 10 + 15);
    assert_int_equal(share_of(WEIR_CHARGE_BACKEND, c), 10 + 15 + 30);
    assert_int_equal(find(WEIR_CHARGE_BACKEND, c)->took.ns, 96);
    assert_int_equal(share_of(WEIR_CHARGE_RUN, NULL), 6);
    assert_int_equal(share_of(WEIR_CHARGE_READY, NULL), 4);
    assert_int_equal(count, 5);
    assert_int_equal(sum(), 100);
}

static void locks_are_charged_when_nothing_else_is_waited_for(void **state)
{
    struct weir__ledger_wait lock, timer;

    (void)state;
    open_ledger(0);
    weir__ledger_start(&l, 0);
    weir__ledger_enter(&l, 0);
    weir__ledger_begin(&l);
    weir__ledger_spawned(&l);
    park(&lock, WEIR_CHARGE_LOCK, 0);
    park(&timer, WEIR_CHARGE_TIMER, 0);
    weir__ledger_leave(&l, 0);
    weir__ledger_wake(&l, &timer, 50);
    weir__ledger_enter(&l, 50);
    weir__ledger_unpark(&l, &timer, NULL);
    weir__ledger_ended(&l);
    weir__ledger_leave(&l, 50);
    weir__ledger_wake(&l, &lock, 70);
    weir__ledger_enter(&l, 70);
    weir__ledger_unpark(&l, &lock, NULL);
    close_ledger(70);
    assert_int_equal(share_of(WEIR_CHARGE_TIMER, NULL), 50);
    assert_int_equal(share_of(WEIR_CHARGE_LOCK, NULL), 20);
    assert_int_equal(find(WEIR_CHARGE_LOCK, NULL)->took.ns, 70);
    assert_int_equal(sum(), 70);
}

static void what_cannot_be_divided_is_not_lost(void **state)
{
    struct weir__ledger_wait w[3];

    (void)state;
    open_ledger(0);
    weir__ledger_start(&l, 0);
    weir__ledger_enter(&l, 0);
    weir__ledger_begin(&l);
    weir__ledger_spawned(&l);
    weir__ledger_spawned(&l);
    for (int i = 0; i < 3; i++)
        park(&w[i], WEIR_CHARGE_BACKEND, 0);
    weir__ledger_leave(&l, 0);
    weir__ledger_wake(&l, &w[0], 11); /* 3 each, 2 left */
    weir__ledger_enter(&l, 11);
    weir__ledger_unpark(&l, &w[0], a);
    weir__ledger_ended(&l);
    weir__ledger_leave(&l, 11);
    weir__ledger_wake(&l, &w[1], 16); /* 5 and those 2: 3 each, 1 left */
    weir__ledger_wake(&l, &w[2], 16);
    weir__ledger_enter(&l, 16);
    weir__ledger_unpark(&l, &w[1], b);
    weir__ledger_unpark(&l, &w[2], b);
    close_ledger(16);
    assert_int_equal(share_of(WEIR_CHARGE_BACKEND, a), 3);
    assert_int_equal(share_of(WEIR_CHARGE_BACKEND, b), 6 + 6);
    assert_int_equal(find(WEIR_CHARGE_BACKEND, b)->waits, 2);
    assert_int_equal(share_of(WEIR_CHARGE_RUN, NULL), 1);
    assert_int_equal(sum(), 16);
}

static void off_the_cpu_is_taken_from_what_was_charged(void **state)
{
    (void)state;
    open_ledger(0);
    weir__ledger_start(&l, 0);
    weir__ledger_enter(&l, 100);
    weir__ledger_off_cpu(&l, false, 30, 0);
    weir__ledger_begin(&l);
    weir__ledger_leave(&l, 200);
    weir__ledger_off_cpu(&l, true, 80, 50); /* more than there is */
    weir__ledger_enter(&l, 210);
    close_ledger(215);
    assert_int_equal(share_of(WEIR_CHARGE_QUEUE, NULL), 70);
    assert_int_equal(share_of(WEIR_CHARGE_STARVED, NULL), 30 + 50);
    assert_int_equal(share_of(WEIR_CHARGE_THROTTLED, NULL), 50);
    assert_int_equal(share_of(WEIR_CHARGE_READY, NULL), 10);
    assert_int_equal(share_of(WEIR_CHARGE_RUN, NULL), 5);
    assert_int_equal(sum(), 215);
}

static void the_longest_hold_is_named(void **state)
{
    static const char route[] = "/report";
    const weir_charge *queue, *ready;

    (void)state;
    open_ledger(0);
    weir__ledger_start(&l, 0);
    weir__ledger_enter(&l, 10);
    weir__ledger_hold(&l, 9, "GET /report", route);
    weir__ledger_begin(&l);
    weir__ledger_leave(&l, 10);
    weir__ledger_enter(&l, 30);
    weir__ledger_hold(&l, 12, "one whose name is much longer than what is kept of it", NULL);
    weir__ledger_hold(&l, 7, "shorter", route);
    close_ledger(31);
    queue = find(WEIR_CHARGE_QUEUE, NULL);
    ready = find(WEIR_CHARGE_READY, NULL);
    assert_string_equal(queue->held_by, "GET /report");
    assert_ptr_equal(queue->held_route, route);
    assert_int_equal(queue->held.ns, 9);
    assert_string_equal(ready->held_by, "one whose name is much longer than what is kept");
    assert_null(ready->held_route);
    assert_int_equal(ready->held.ns, 12);
    assert_null(find(WEIR_CHARGE_RUN, NULL)->held_by);
}

/* One wait of ticks, of a task that runs. */
static void wait_once(uint64_t *now, unsigned kind, const char *name, uint64_t ticks)
{
    struct weir__ledger_wait w;

    park(&w, kind, *now);
    weir__ledger_leave(&l, *now);
    *now += ticks;
    weir__ledger_wake(&l, &w, *now);
    weir__ledger_enter(&l, *now);
    weir__ledger_unpark(&l, &w, name);
}

static void a_million_waits_take_bounded_memory(void **state)
{
    static const char names[1000];
    uint64_t now = 0, used;

    (void)state;
    open_ledger(0);
    weir__ledger_start(&l, 0);
    weir__ledger_enter(&l, 0);
    weir__ledger_begin(&l);
    wait_once(&now, WEIR_CHARGE_BACKEND, a, 1000000);
    for (int i = 0; i < 1000; i++) /* all there will be */
        wait_once(&now, WEIR_CHARGE_BACKEND, &names[i], 1);
    used = memory.used;
    assert_true(used < 4096);
    for (int i = 0; i < 1000000; i++)
        wait_once(&now, i % 3 == 0 ? WEIR_CHARGE_CONNECT : WEIR_CHARGE_BACKEND, &names[i * 7919L % 1000], 2);
    assert_int_equal(memory.used, used);
    close_ledger(now);
    assert_int_equal(sum(), now);
    assert_int_equal(share_of(WEIR_CHARGE_BACKEND, a), 1000000); /* the great ones stay */
    assert_true(share_of(WEIR_CHARGE_OTHER, NULL) > 1000000);
    assert_true(find(WEIR_CHARGE_OTHER, NULL)->waits > 500000);
}

static void names_are_copied_once_and_not_without_end(void **state)
{
    char text[16] = "one";
    const char *first;
    uint64_t now = 0, used;

    (void)state;
    open_ledger(0);
    weir__ledger_start(&l, 0);
    weir__ledger_enter(&l, 0);
    first = weir__ledger_name(&l, text);
    assert_string_equal(first, "one");
    assert_ptr_not_equal(first, text);
    wait_once(&now, WEIR_CHARGE_BACKEND, first, 5);
    strcpy(text, "two");
    assert_string_equal(weir__ledger_name(&l, text), "two");
    strcpy(text, "one");
    assert_ptr_equal(weir__ledger_name(&l, text), first);
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(text, sizeof text, "%d", i);
        (void)weir__ledger_name(&l, text);
    }
    used = memory.used;
    assert_null(weir__ledger_name(&l, "another"));
    assert_ptr_equal(weir__ledger_name(&l, "one"), first);
    assert_int_equal(memory.used, used);
}

static void without_memory_the_sum_holds(void **state)
{
    uint64_t now = 0;

    (void)state;
    open_ledger(0);
    memory.max_bytes = 0;
    weir__ledger_start(&l, 0);
    weir__ledger_enter(&l, 0);
    weir__ledger_hold(&l, 5, "x", NULL);
    wait_once(&now, WEIR_CHARGE_BACKEND, a, 5);
    assert_null(weir__ledger_name(&l, "x"));
    memory.max_bytes = 1 << 20;
    wait_once(&now, WEIR_CHARGE_BACKEND, a, 7);
    close_ledger(now + 1);
    assert_int_equal(share_of(WEIR_CHARGE_OTHER, NULL), 5);
    assert_int_equal(share_of(WEIR_CHARGE_BACKEND, a), 7);
    assert_int_equal(sum(), 13);
}

/* --- any order of events, against an account kept the slow way --- */

enum { TASKS = 6, STEPS = 400, LABELS = 5 };

struct model_task {
    enum { GONE, READY, RUNNING, PARKED, WOKEN } state;
    int label; /* of its wait: 0 and 1 locks, -1 for a scope */
    struct weir__ledger_wait wait;
};

struct model {
    struct weir__random random;
    struct model_task task[TASKS];
    uint64_t now;
    double share[LABELS], ready, run, other;
    int running; /* -1: none of ours */
};

static unsigned below(struct model *m, unsigned n)
{
    return (unsigned)weir__random_below(&m->random, n);
}

static unsigned kind_of(int label)
{
    return label < 0 ? WEIR__CHARGE_NONE : label < 2 ? WEIR_CHARGE_LOCK : WEIR_CHARGE_BACKEND;
}

static const char *name_of(int label)
{
    static const char letters[LABELS];

    return label < 0 ? NULL : &letters[label];
}

/* Time passes, and is charged as the header of <weir/charge.h> says. */
static void pass(struct model *m)
{
    uint64_t d = below(m, 4) == 0 ? 0 : below(m, 1000);
    int waiting[2] = {0, 0};
    bool ready = false;

    m->now += d;
    for (int i = 0; i < TASKS; i++) {
        const struct model_task *t = &m->task[i];
        ready = ready || t->state == READY || t->state == WOKEN;
        if (t->state == PARKED && t->label >= 0)
            waiting[t->label < 2]++;
    }
    if (m->running >= 0)
        m->run += (double)d;
    else if (ready)
        m->ready += (double)d;
    else if (waiting[0] + waiting[1] == 0)
        m->other += (double)d;
    for (int i = 0; i < TASKS && m->running < 0 && !ready; i++) {
        const struct model_task *t = &m->task[i];
        int tier = waiting[0] == 0;
        if (t->state == PARKED && t->label >= 0 && (t->label < 2) == tier)
            m->share[t->label] += (double)d / waiting[tier];
    }
}

static int pick(struct model *m, int state)
{
    int from = (int)below(m, TASKS);

    for (int i = 0; i < TASKS; i++)
        if (m->task[(from + i) % TASKS].state == (unsigned)state)
            return (from + i) % TASKS;
    return -1;
}

/* Switches to another task of the exchange, or to a task of another exchange. */
static void turn(struct model *m)
{
    int next = below(m, 3) == 0 ? -1 : pick(m, below(m, 2) == 0 ? READY : WOKEN);

    if (m->running < 0 && next >= 0)
        weir__ledger_enter(&l, m->now);
    else if (m->running >= 0 && next < 0)
        weir__ledger_leave(&l, m->now);
    m->running = next;
    if (next < 0)
        return;
    if (m->task[next].state == WOKEN)
        weir__ledger_unpark(&l, &m->task[next].wait, name_of(m->task[next].label));
    m->task[next].state = RUNNING;
}

static void step(struct model *m)
{
    struct model_task *t = m->running >= 0 ? &m->task[m->running] : NULL;
    int other;

    pass(m);
    switch (below(m, 4)) {
    case 0: /* a parked task is woken, by the running task or from outside */
        other = pick(m, PARKED);
        if (other >= 0) {
            m->task[other].state = WOKEN;
            weir__ledger_wake(&l, &m->task[other].wait, m->now);
        }
        break;
    case 1:
        other = pick(m, GONE);
        if (t != NULL && other >= 0) {
            m->task[other].state = READY;
            weir__ledger_spawned(&l);
        }
        break;
    case 2:
        if (t == NULL) {
            turn(m);
        } else if (m->running > 0 && below(m, 3) == 0) {
            t->state = GONE;
            weir__ledger_ended(&l);
            turn(m);
        } else {
            t->label = (int)below(m, LABELS + 1) - 1;
            t->state = PARKED;
            park(&t->wait, kind_of(t->label), m->now);
            turn(m);
        }
        break;
    default:
        if (t != NULL)
            t->state = READY; /* yields */
        turn(m);
    }
}

static void near(double got, double wanted, uint64_t seed)
{
    if (got - wanted > STEPS || wanted - got > STEPS) /* what could not be divided: below a tick a step */
        fail_msg("seed %llu: %f instead of %f", (unsigned long long)seed, got, wanted);
}

static void any_order_of_events_adds_up(void **state)
{
    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(500); seed++) {
        struct model m = {.now = 17, .running = -1};
        weir__random_seed(&m.random, seed);
        open_ledger(m.now);
        weir__ledger_start(&l, m.now);
        m.task[0].state = READY;
        for (int i = 0; i < STEPS; i++)
            step(&m);
        /* All come to their end, and the first one last. */
        for (int i = 0; i < TASKS; i++)
            if (m.task[i].state == PARKED) {
                m.task[i].state = WOKEN;
                weir__ledger_wake(&l, &m.task[i].wait, m.now);
            }
        for (int n = TASKS; n > 0;) {
            if (m.running >= 0)
                m.task[m.running].state = GONE;
            turn(&m);
            n = 0;
            for (int i = 0; i < TASKS; i++)
                n += m.task[i].state == READY || m.task[i].state == WOKEN;
        }
        if (m.running < 0)
            weir__ledger_enter(&l, m.now);
        close_ledger(m.now);
        assert_int_equal(sum(), m.now - 17);
        near((double)share_of(WEIR_CHARGE_RUN, NULL), m.run, seed);
        near((double)share_of(WEIR_CHARGE_READY, NULL), m.ready, seed);
        near((double)share_of(WEIR_CHARGE_OTHER, NULL), m.other, seed);
        for (int i = 0; i < LABELS; i++)
            near((double)share_of(kind_of(i), name_of(i)), m.share[i], seed);
    }
}

/* --- words --- */

static void each_kind_has_a_word_that_is_a_token(void **state)
{
    char text[WEIR_CHARGE_LABEL_BYTES];

    (void)state;
    for (enum weir_charge_category i = 0; i < WEIR_CHARGE_CATEGORIES; i++) {
        const char *word = weir_charge_category_name(i);
        assert_true(strlen(word) > 2 && strspn(word, "abcdefghijklmnopqrstuvwxyz_") == strlen(word));
        for (enum weir_charge_category j = 0; j < i; j++)
            assert_string_not_equal(word, weir_charge_category_name(j));
    }
    assert_string_equal(weir_charge_label(&(weir_charge){.category = WEIR_CHARGE_RUN}, text), "run");
    assert_string_equal(
        weir_charge_label(&(weir_charge){.category = WEIR_CHARGE_BACKEND, .name = "user"}, text), "user");
    assert_string_equal(
        weir_charge_label(&(weir_charge){.category = WEIR_CHARGE_CONNECT, .name = "user"}, text),
        "connect user");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_task_is_charged_for_what_it_does),
        cmocka_unit_test(a_head_that_was_whole_at_once_is_not_charged),
        cmocka_unit_test(who_waits_longer_is_charged_for_what_it_held_up_alone),
        cmocka_unit_test(locks_are_charged_when_nothing_else_is_waited_for),
        cmocka_unit_test(what_cannot_be_divided_is_not_lost),
        cmocka_unit_test(off_the_cpu_is_taken_from_what_was_charged),
        cmocka_unit_test(the_longest_hold_is_named),
        cmocka_unit_test(a_million_waits_take_bounded_memory),
        cmocka_unit_test(names_are_copied_once_and_not_without_end),
        cmocka_unit_test(without_memory_the_sum_holds),
        cmocka_unit_test(any_order_of_events_adds_up),
        cmocka_unit_test(each_kind_has_a_word_that_is_a_token),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
