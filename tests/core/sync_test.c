/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <weir/error.h>
#include <weir/sync.h>

#include "support/run.h"
#include "support/torture.h"

/* A world of its own for each test: an order in which things happened, as text. */
struct world {
    weir_semaphore semaphore;
    weir_event event;
    weir_mutex mutex;
    weir_channel *channel;
    char order[64];
    size_t n;
    int inside, most_inside;
};

struct one {
    struct world *w;
    char name;
    int result;
};

static void note(struct world *w, char c)
{
    assert_true(w->n + 1 < sizeof w->order);
    w->order[w->n++] = c;
    w->order[w->n] = '\0';
}

static void spawn(weir_scope *scope, struct one *o, struct world *w, char name, int (*fn)(void *))
{
    *o = (struct one){.w = w, .name = name};
    assert_int_equal(weir_spawn(scope, "one", fn, o), 0);
}

/* --- semaphore --- */

static int with_permit(void *arg)
{
    struct one *o = arg;

    o->result = weir_semaphore_acquire(&o->w->semaphore);
    if (o->result < 0)
        return o->result;
    note(o->w, o->name);
    o->w->inside++;
    if (o->w->inside > o->w->most_inside)
        o->w->most_inside = o->w->inside;
    o->result = weir_sleep(weir_ms(1));
    o->w->inside--;
    weir_semaphore_release(&o->w->semaphore);
    return o->result;
}

static int semaphore(void *arg)
{
    struct world w = {0};
    struct one ones[6];
    weir_scope scope;

    (void)arg;

    weir_semaphore_init(&w.semaphore, 2);
    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < 6; i++)
        spawn(&scope, &ones[i], &w, (char)('a' + i), with_permit);
    assert_int_equal(weir_yield(), 0);
    assert_false(weir_semaphore_try(&w.semaphore)); /* others wait */
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_string_equal(w.order, "abcdef");
    assert_int_equal(w.most_inside, 2);
    assert_true(weir_semaphore_try(&w.semaphore));
    assert_true(weir_semaphore_try(&w.semaphore));
    assert_false(weir_semaphore_try(&w.semaphore));
    return 0;
}

static void a_semaphore_lets_so_many_in_and_in_order(void **state)
{
    (void)state;
    run_everywhere(semaphore, NULL);
}

static int cancelled_waiter(void *arg)
{
    struct world w = {0};
    struct one first, second;
    weir_scope outer, inner;

    (void)arg;

    weir_semaphore_init(&w.semaphore, 0);
    weir_scope_open(&outer, weir_never(), 0);
    weir_scope_open(&inner, weir_never(), WEIR_COLLECT);
    spawn(&inner, &first, &w, 'a', with_permit);
    spawn(&outer, &second, &w, 'b', with_permit);
    assert_int_equal(weir_yield(), 0);
    weir_scope_cancel(&inner);
    weir_semaphore_release(&w.semaphore); /* goes to the second, though the first has not even woken */
    (void)weir_scope_close(&inner);
    assert_int_equal(weir_scope_close(&outer), 0);
    assert_int_equal(first.result, -WEIR_ECANCELED);
    assert_string_equal(w.order, "b");
    assert_int_equal(w.semaphore.permits, 1);
    return 0;
}

static void a_cancelled_waiter_takes_no_permit(void **state)
{
    (void)state;
    run_simulated(1, cancelled_waiter, NULL);
}

/* Given the permit first and cancelled then: it has won, and the cancel shows at its next wait. */
static int served_then_cancelled(void *arg)
{
    struct world w = {0};
    struct one o;
    weir_scope scope;

    (void)arg;

    weir_semaphore_init(&w.semaphore, 0);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    spawn(&scope, &o, &w, 'a', with_permit);
    assert_int_equal(weir_yield(), 0);
    weir_semaphore_release(&w.semaphore);
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    assert_string_equal(w.order, "a");
    assert_int_equal(o.result, -WEIR_ECANCELED);
    assert_int_equal(w.semaphore.permits, 1);
    return 0;
}

static void what_was_given_before_the_cancel_stays_given(void **state)
{
    (void)state;
    run_simulated(1, served_then_cancelled, NULL);
}

/* --- event --- */

static int await_event(void *arg)
{
    struct one *o = arg;

    o->result = weir_event_wait(&o->w->event);
    note(o->w, o->name);
    return o->result;
}

static int event(void *arg)
{
    struct world w = {0};
    struct one ones[3], late;
    weir_scope scope;

    (void)arg;

    weir_event_init(&w.event);
    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < 3; i++)
        spawn(&scope, &ones[i], &w, (char)('a' + i), await_event);
    assert_int_equal(weir_sleep(weir_ms(1)), 0);
    assert_string_equal(w.order, "");
    weir_event_set(&w.event);
    weir_event_reset(&w.event); /* tasks that waited before are woken all the same */
    assert_int_equal(weir_yield(), 0);
    assert_string_equal(w.order, "abc");
    spawn(&scope, &late, &w, 'd', await_event);
    assert_int_equal(weir_yield(), 0);
    assert_string_equal(w.order, "abc");
    weir_event_set(&w.event);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_string_equal(w.order, "abcd");
    assert_int_equal(weir_event_wait(&w.event), 0);
    return 0;
}

static void an_event_lets_everyone_go(void **state)
{
    (void)state;
    run_everywhere(event, NULL);
}

/* --- mutex --- */

static int locked(void *arg)
{
    struct one *o = arg;

    o->result = weir_mutex_lock(&o->w->mutex);
    if (o->result < 0)
        return o->result;
    assert_int_equal(o->w->inside++, 0);
    note(o->w, o->name);
    o->result = weir_sleep(weir_us(100));
    assert_int_equal(--o->w->inside, 0);
    weir_mutex_unlock(&o->w->mutex);
    return o->result;
}

static int mutex(void *arg)
{
    struct world w = {0};
    struct one ones[5];
    weir_scope scope;

    (void)arg;

    weir_mutex_init(&w.mutex);
    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < 5; i++)
        spawn(&scope, &ones[i], &w, (char)('a' + i), locked);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_string_equal(w.order, "abcde");
    assert_null(w.mutex.owner);
    return 0;
}

static void a_mutex_keeps_others_out(void **state)
{
    (void)state;
    run_everywhere(mutex, NULL);
}

/* --- channel --- */

static int send_ten(void *arg)
{
    struct one *o = arg;

    for (int i = 0; i < 10; i++) {
        o->result = weir_channel_send(o->w->channel, &i);
        if (o->result < 0)
            return o->result == -WEIR_ECLOSED ? 0 : o->result;
    }
    weir_channel_end(o->w->channel);
    return 0;
}

static int channel(void *arg)
{
    struct world w = {0};
    struct one sender;
    weir_scope scope;
    int capacity = *(int *)arg;
    int item = -1;

    assert_int_equal(weir_channel_open(sizeof item, (size_t)capacity, &w.channel), 0);
    weir_scope_open(&scope, weir_never(), 0);
    spawn(&scope, &sender, &w, 's', send_ten);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(weir_channel_receive(w.channel, &item), 0);
        assert_int_equal(item, i);
        if (i % 3 == 0)
            assert_int_equal(weir_yield(), 0);
    }
    assert_int_equal(weir_channel_receive(w.channel, &item), -WEIR_ECLOSED);
    assert_int_equal(weir_channel_send(w.channel, &item), -WEIR_ECLOSED);
    assert_int_equal(item, 9);
    assert_int_equal(weir_scope_close(&scope), 0);
    weir_channel_close(w.channel);
    return 0;
}

static void a_channel_keeps_the_order_at_every_capacity(void **state)
{
    (void)state;
    for (int capacity = 1; capacity <= 12; capacity++)
        run_simulated(1, channel, &capacity);
}

static int close_channel(void *arg)
{
    struct world w = {0};
    struct one sender;
    weir_scope scope;
    int item;

    (void)arg;

    assert_int_equal(weir_channel_open(sizeof item, 2, &w.channel), 0);
    weir_scope_open(&scope, weir_never(), 0);
    spawn(&scope, &sender, &w, 's', send_ten);
    assert_int_equal(weir_yield(), 0); /* two are in, the third waits */
    weir_channel_end(w.channel);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_int_equal(sender.result, -WEIR_ECLOSED);
    assert_int_equal(weir_channel_receive(w.channel, &item), 0);
    assert_int_equal(weir_channel_receive(w.channel, &item), 0);
    assert_int_equal(item, 1);
    assert_int_equal(weir_channel_receive(w.channel, &item), -WEIR_ECLOSED);
    weir_channel_close(w.channel);
    return 0;
}

static void closing_a_channel_wakes_senders_and_keeps_what_is_in_it(void **state)
{
    (void)state;
    run_simulated(1, close_channel, NULL);
}

static int receive_one(void *arg)
{
    struct one *o = arg;
    int item;

    o->result = weir_channel_receive(o->w->channel, &item);
    return 0;
}

static int close_receivers(void *arg)
{
    struct world w = {0};
    struct one ones[3];
    weir_scope scope;

    (void)arg;

    assert_int_equal(weir_channel_open(sizeof(int), 2, &w.channel), 0);
    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < 3; i++)
        spawn(&scope, &ones[i], &w, 'r', receive_one);
    assert_int_equal(weir_yield(), 0);
    weir_channel_end(w.channel);
    assert_int_equal(weir_scope_close(&scope), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ones[i].result, -WEIR_ECLOSED);
    weir_channel_close(w.channel);
    return 0;
}

static void closing_a_channel_wakes_receivers(void **state)
{
    (void)state;
    run_simulated(1, close_receivers, NULL);
}

static int impossible_channels(void *arg)
{
    weir_channel *c;

    (void)arg;

    assert_int_equal(weir_channel_open(0, 1, &c), -EINVAL);
    assert_int_equal(weir_channel_open(1, 0, &c), -EINVAL);
    assert_int_equal(weir_channel_open(SIZE_MAX / 2, 3, &c), -ENOMEM);
    assert_int_equal(weir_channel_open(1, SIZE_MAX, &c), -ENOMEM);
    weir_channel_close(NULL);
    return 0;
}

static void impossible_channels_are_refused(void **state)
{
    (void)state;
    run_simulated(1, impossible_channels, NULL);
}

/* --- select --- */

static int select_ready(void *arg)
{
    weir_semaphore s;
    weir_event e;
    weir_channel *a, *b;
    int item = 5, got = 0;
    bool closed = true;

    (void)arg;

    weir_semaphore_init(&s, 1);
    weir_event_init(&e);
    assert_int_equal(weir_channel_open(sizeof item, 1, &a), 0);
    assert_int_equal(weir_channel_open(sizeof item, 1, &b), 0);
    {
        weir_case cases[] = {weir_on_receive(a, &got), weir_on_event(&e), weir_on_acquire(&s),
                             weir_on_send(b, &item)};
        assert_int_equal(weir_select(cases, 4, &closed), 2); /* the first written of those that can */
        assert_false(closed);
        assert_int_equal(s.permits, 0);
        assert_int_equal(weir_select(cases, 4, NULL), 3);
        weir_event_set(&e);
        assert_int_equal(weir_select(cases, 4, NULL), 1);
        assert_int_equal(weir_channel_send(a, &item), 0);
        assert_int_equal(weir_select(cases, 4, NULL), 0);
        assert_int_equal(got, 5);
        weir_channel_end(a);
        assert_int_equal(weir_select(cases, 4, &closed), 0);
        assert_true(closed);
        assert_int_equal(weir_select(cases, 0, &closed), -EINVAL);
        assert_int_equal(weir_select(cases, WEIR_SELECT_MAX + 1, &closed), -EINVAL);
    }
    weir_channel_close(a);
    weir_channel_close(b);
    return 0;
}

static void select_takes_the_first_that_can(void **state)
{
    (void)state;
    run_simulated(1, select_ready, NULL);
}

struct selector {
    weir_case cases[4];
    int index;
    bool closed;
};

static int select_in_task(void *arg)
{
    struct selector *s = arg;

    s->index = weir_select(s->cases, 4, &s->closed);
    return 0;
}

/* A select that ends leaves all its other queues: a later release finds no waiter there. */
static int select_waits(void *arg)
{
    (void)arg;
    for (int which = 0; which < 6; which++) {
        weir_semaphore s;
        weir_event e;
        weir_channel *in, *out;
        int item = 0, sent = 7, taken = 0;
        struct selector selector;
        weir_scope scope;

        weir_semaphore_init(&s, 0);
        weir_event_init(&e);
        assert_int_equal(weir_channel_open(sizeof item, 1, &in), 0);
        assert_int_equal(weir_channel_open(sizeof item, 1, &out), 0);
        assert_int_equal(weir_channel_send(out, &taken), 0); /* full */
        selector = (struct selector){.cases = {weir_on_event(&e), weir_on_acquire(&s),
                                               weir_on_receive(in, &item), weir_on_send(out, &sent)}};
        weir_scope_open(&scope, weir_never(), 0);
        assert_int_equal(weir_spawn(&scope, "selector", select_in_task, &selector), 0);
        assert_int_equal(weir_yield(), 0);
        switch (which) {
        case 0:
            weir_event_set(&e);
            break;
        case 1:
            weir_semaphore_release(&s);
            break;
        case 2:
            taken = 3;
            assert_int_equal(weir_channel_send(in, &taken), 0);
            break;
        case 3:
            assert_int_equal(weir_channel_receive(out, &taken), 0);
            break;
        case 4:
            weir_channel_end(in);
            break;
        default:
            weir_scope_cancel(&scope);
            break;
        }
        (void)weir_scope_close(&scope);
        assert_int_equal(selector.index, which == 4 ? 2 : which == 5 ? -WEIR_ECANCELED : which);
        assert_int_equal(selector.closed, which == 4);
        assert_int_equal(item, which == 2 ? 3 : 0);
        /* it waits nowhere any more */
        weir_semaphore_release(&s);
        assert_int_equal(s.permits, 1);
        assert_int_equal(weir_channel_receive(out, &taken), 0);
        assert_int_equal(taken, which == 3 ? 7 : 0);
        weir_channel_close(in);
        weir_channel_close(out);
    }
    return 0;
}

static void select_waits_for_each_and_leaves_the_others(void **state)
{
    (void)state;
    run_everywhere(select_waits, NULL);
}

static int two_sides(void *arg)
{
    struct world w = {0};
    struct selector selector = {0};
    int item = 9, got = 0;
    weir_scope scope;

    (void)arg;

    assert_int_equal(weir_channel_open(sizeof item, 1, &w.channel), 0);
    weir_event_init(&w.event);
    weir_semaphore_init(&w.semaphore, 0);
    /* the same event twice, and both sides of one channel */
    selector = (struct selector){.cases = {weir_on_event(&w.event), weir_on_event(&w.event),
                                           weir_on_receive(w.channel, &got), weir_on_acquire(&w.semaphore)}};
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "selector", select_in_task, &selector), 0);
    assert_int_equal(weir_yield(), 0);
    weir_event_set(&w.event);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_int_equal(selector.index, 0);
    weir_channel_close(w.channel);
    return 0;
}

static void one_object_may_stand_in_two_cases(void **state)
{
    (void)state;
    run_simulated(1, two_sides, NULL);
}

/* --- torture --- */

static int worker(void *arg)
{
    struct one *o = arg;
    struct world *w = o->w;
    int item = 1, got = 0;
    weir_case cases[2];
    int err = weir_mutex_lock(&w->mutex);

    if (err < 0)
        return err;
    err = weir_sleep(weir_us(100));
    weir_mutex_unlock(&w->mutex);
    if (err == 0)
        err = weir_semaphore_acquire(&w->semaphore);
    if (err < 0)
        return err;
    err = weir_channel_send(w->channel, &item);
    if (err == 0) {
        cases[0] = weir_on_receive(w->channel, &got);
        cases[1] = weir_on_event(&w->event);
        err = weir_select(cases, 2, NULL);
    }
    weir_semaphore_release(&w->semaphore);
    return err < 0 ? err : 0;
}

static int workers(void *arg)
{
    struct one ones[4];
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < 4; i++) {
        ones[i] = (struct one){.w = arg};
        (void)weir_spawn(&scope, "worker", worker, &ones[i]);
    }
    return weir_scope_close(&scope);
}

static int sync_world(struct torture *t)
{
    struct world w = {0};
    int result;

    weir_semaphore_init(&w.semaphore, 2);
    weir_event_init(&w.event);
    weir_mutex_init(&w.mutex);
    assert_int_equal(weir_channel_open(sizeof(int), 2, &w.channel), 0);
    result = torture_victim(t, workers, &w);
    assert_int_equal(w.semaphore.permits, 2); /* nothing was kept */
    assert_null(w.mutex.owner);
    weir_channel_close(w.channel);
    return result;
}

static void sync_stands_torture(void **state)
{
    (void)state;
    assert_true(torture(sync_world, NULL) > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_semaphore_lets_so_many_in_and_in_order),
        cmocka_unit_test(a_cancelled_waiter_takes_no_permit),
        cmocka_unit_test(what_was_given_before_the_cancel_stays_given),
        cmocka_unit_test(an_event_lets_everyone_go),
        cmocka_unit_test(a_mutex_keeps_others_out),
        cmocka_unit_test(a_channel_keeps_the_order_at_every_capacity),
        cmocka_unit_test(closing_a_channel_wakes_senders_and_keeps_what_is_in_it),
        cmocka_unit_test(closing_a_channel_wakes_receivers),
        cmocka_unit_test(impossible_channels_are_refused),
        cmocka_unit_test(select_takes_the_first_that_can),
        cmocka_unit_test(select_waits_for_each_and_leaves_the_others),
        cmocka_unit_test(one_object_may_stand_in_two_cases),
        cmocka_unit_test(sync_stands_torture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
