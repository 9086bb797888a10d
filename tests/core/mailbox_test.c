/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "support/child.h"
#include "support/run.h"
#include "support/torture.h"

enum { SENDERS = 4, ITEMS = 2000 };

struct item {
    int sender, number;
};

struct sending {
    weir_mailbox *mailbox;
    int number;
    int result;
};

/* Each item of each sender once, in its order. */
struct received {
    int next[SENDERS];
    int count;
};

static void take(struct received *r, const struct item *item)
{
    assert_in_range(item->sender, 0, SENDERS - 1);
    assert_int_equal(item->number, r->next[item->sender]++);
    r->count++;
}

/* --- threads --- */

static void *send_from_thread(void *arg)
{
    struct sending *s = arg;

    for (int i = 0; i < ITEMS && s->result == 0; i++) {
        const struct item item = {s->number, i};
        s->result =
            i % 2 == 0 ? weir_mailbox_send(s->mailbox, &item) : weir_mailbox_try_send(s->mailbox, &item);
        if (s->result == -WEIR_EBUSY)
            s->result = weir_mailbox_send(s->mailbox, &item);
    }
    weir_mailbox_release(s->mailbox);
    return NULL;
}

static int receive_from_threads(void *arg)
{
    struct sending senders[SENDERS];
    pthread_t threads[SENDERS];
    struct received received = {0};
    weir_mailbox *mailbox;
    struct item item;

    (void)arg;
    assert_int_equal(weir_mailbox_open(sizeof item, 16, &mailbox), 0);
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct sending){.mailbox = weir_mailbox_hold(mailbox), .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, send_from_thread, &senders[i]), 0);
    }
    while (received.count < SENDERS * ITEMS) {
        assert_int_equal(weir_mailbox_receive(mailbox, &item), 0);
        take(&received, &item);
    }
    for (int i = 0; i < SENDERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(senders[i].result, 0);
    }
    assert_int_equal(weir_mailbox_try_receive(mailbox, &item), -EAGAIN);
    weir_mailbox_close(mailbox);
    return 0;
}

static void threads_send_and_a_task_receives(void **state)
{
    (void)state;
    assert_int_equal(weir_run(NULL, receive_from_threads, NULL), 0);
}

/* A sender that goes on after the close, and after the runtime. */
static void *send_for_ever(void *arg)
{
    struct sending *s = arg;
    struct item item = {0};

    while ((s->result = weir_mailbox_send(s->mailbox, &item)) == 0)
        item.number++;
    weir_mailbox_release(s->mailbox);
    return NULL;
}

static pthread_t outlives;

static int leave_a_sender(void *arg)
{
    struct sending *s = arg;
    struct item item;

    assert_int_equal(weir_mailbox_open(sizeof item, 4, &s->mailbox), 0);
    (void)weir_mailbox_hold(s->mailbox);
    assert_int_equal(pthread_create(&outlives, NULL, send_for_ever, s), 0);
    for (int i = 0; i < 10; i++)
        assert_int_equal(weir_mailbox_receive(s->mailbox, &item), 0);
    weir_mailbox_close(s->mailbox);
    return 0;
}

static void a_sender_may_outlive_the_runtime(void **state)
{
    struct sending s;

    (void)state;
    for (int i = 0; i < 50; i++) {
        memset(&s, 0, sizeof s);
        assert_int_equal(weir_run(NULL, leave_a_sender, &s), 0);
        pthread_join(outlives, NULL);
        assert_int_equal(s.result, -WEIR_ECLOSED);
    }
}

/* --- jobs, loops --- */

static int send_in_job(weir_job *job, void *mailbox)
{
    const struct item item = {1, 0};

    (void)job;
    return weir_mailbox_send(mailbox, &item);
}

static int receive_from_job(void *arg)
{
    weir_mailbox *mailbox;
    struct item item;

    (void)arg;
    assert_int_equal(weir_mailbox_open(sizeof item, 1, &mailbox), 0);
    assert_int_equal(weir_offload(weir_pool_blocking(), "sender", send_in_job, mailbox), 0);
    assert_int_equal(weir_mailbox_receive(mailbox, &item), 0);
    assert_int_equal(item.sender, 1);
    weir_mailbox_close(mailbox);
    return 0;
}

static void jobs_send(void **state)
{
    (void)state;
    run_everywhere(receive_from_job, NULL);
}

static int send_all(void *arg)
{
    struct sending *s = arg;

    for (int i = 0; i < ITEMS && s->result == 0; i++) {
        const struct item item = {s->number, i};
        s->result = weir_mailbox_send(s->mailbox, &item);
    }
    return s->result;
}

static int send_on_loop(void *arg)
{
    struct sending *s = arg;

    return weir_loop_call(s->number, "sender", send_all, s);
}

static int receive_from_loops(void *arg)
{
    struct sending senders[SENDERS];
    struct received received = {0};
    weir_mailbox *mailbox;
    struct item item;
    weir_scope scope;

    (void)arg;
    assert_int_equal(weir_mailbox_open(sizeof item, 3, &mailbox), 0);
    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < weir_loop_count(); i++) {
        senders[i] = (struct sending){.mailbox = mailbox, .number = i};
        assert_int_equal(weir_spawn(&scope, "sender", send_on_loop, &senders[i]), 0);
    }
    while (received.count < weir_loop_count() * ITEMS) {
        assert_int_equal(weir_mailbox_receive(mailbox, &item), 0);
        take(&received, &item);
    }
    assert_int_equal(weir_scope_close(&scope), 0);
    weir_mailbox_close(mailbox);
    return 0;
}

static void tasks_of_all_loops_send_and_wait_for_room(void **state)
{
    weir_options real = {.loops = SENDERS}, sim = {.io = WEIR_IO_SIM};

    (void)state;
    assert_int_equal(weir_run(&real, receive_from_loops, NULL), 0);
    assert_int_equal(weir_run(&sim, receive_from_loops, NULL), 0);
}

/* --- full, empty, ended --- */

static int limits(void *arg)
{
    weir_mailbox *mailbox;
    int item = 1, got = 0;

    (void)arg;
    assert_int_equal(weir_mailbox_open(0, 1, &mailbox), -EINVAL);
    assert_int_equal(weir_mailbox_open(1, 0, &mailbox), -EINVAL);
    assert_int_equal(weir_mailbox_open(SIZE_MAX / 2, 3, &mailbox), -ENOMEM);
    assert_int_equal(weir_mailbox_open(sizeof item, 2, &mailbox), 0);
    assert_int_equal(weir_mailbox_try_receive(mailbox, &got), -EAGAIN);
    assert_int_equal(weir_mailbox_try_send(mailbox, &item), 0);
    item = 2;
    assert_int_equal(weir_mailbox_try_send(mailbox, &item), 0);
    assert_int_equal(weir_mailbox_try_send(mailbox, &item), -WEIR_EBUSY);
    weir_mailbox_end(mailbox);
    weir_mailbox_end(mailbox);
    assert_int_equal(weir_mailbox_try_send(mailbox, &item), -WEIR_ECLOSED);
    assert_int_equal(weir_mailbox_send(mailbox, &item), -WEIR_ECLOSED);
    assert_int_equal(weir_mailbox_receive(mailbox, &got), 0);
    assert_int_equal(got, 1);
    assert_int_equal(weir_mailbox_try_receive(mailbox, &got), 0);
    assert_int_equal(got, 2);
    assert_int_equal(weir_mailbox_receive(mailbox, &got), -WEIR_ECLOSED);
    assert_int_equal(weir_mailbox_try_receive(mailbox, &got), -WEIR_ECLOSED);
    weir_mailbox_close(mailbox);
    weir_mailbox_close(NULL);
    weir_mailbox_release(NULL);
    return 0;
}

static void it_refuses_at_its_limits(void **state)
{
    (void)state;
    run_everywhere(limits, NULL);
}

static int receive_one(void *arg)
{
    struct sending *s = arg;
    struct item item;

    s->result = weir_mailbox_receive(s->mailbox, &item);
    s->number = item.number;
    return 0;
}

static int receivers_in_order(void *arg)
{
    struct sending receivers[3];
    weir_mailbox *mailbox;
    struct item item = {0};
    weir_scope scope;

    (void)arg;
    assert_int_equal(weir_mailbox_open(sizeof item, 8, &mailbox), 0);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    for (int i = 0; i < 3; i++) {
        receivers[i] = (struct sending){.mailbox = mailbox};
        assert_int_equal(weir_spawn(&scope, "receiver", receive_one, &receivers[i]), 0);
        assert_int_equal(weir_yield(), 0);
    }
    for (item.number = 10; item.number < 12; item.number++)
        assert_int_equal(weir_mailbox_try_send(mailbox, &item), 0);
    assert_int_equal(weir_mailbox_try_receive(mailbox, &item), -EAGAIN); /* they came first */
    weir_mailbox_end(mailbox);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_int_equal(receivers[0].number, 10);
    assert_int_equal(receivers[1].number, 11);
    assert_int_equal(receivers[2].result, -WEIR_ECLOSED);
    weir_mailbox_close(mailbox);
    return 0;
}

static void receivers_are_served_in_order_and_the_end_wakes_them(void **state)
{
    (void)state;
    run_everywhere(receivers_in_order, NULL);
}

static int selecting(void *arg)
{
    weir_mailbox *mailbox;
    weir_event never;
    int item = 7, got = 0;
    weir_case cases[2];
    bool closed;

    (void)arg;
    assert_int_equal(weir_mailbox_open(sizeof item, 1, &mailbox), 0);
    weir_event_init(&never);
    cases[0] = weir_on_event(&never);
    cases[1] = weir_on_mail(mailbox, &got);
    assert_int_equal(weir_mailbox_try_send(mailbox, &item), 0);
    assert_int_equal(weir_select(cases, 2, &closed), 1);
    assert_int_equal(got, 7);
    assert_false(closed);
    weir_mailbox_end(mailbox);
    assert_int_equal(weir_select(cases, 2, &closed), 1);
    assert_true(closed);
    weir_mailbox_close(mailbox);
    return 0;
}

static void it_can_be_selected(void **state)
{
    (void)state;
    run_everywhere(selecting, NULL);
}

/* --- cancelled --- */

static int send_one(void *arg)
{
    struct sending *s = arg;
    const struct item item = {0, s->number};

    s->result = weir_mailbox_send(s->mailbox, &item);
    return s->result;
}

static int cancel_senders(void *arg)
{
    struct sending first, second;
    weir_mailbox *mailbox;
    weir_scope outer, inner;
    struct item item = {0};

    (void)arg;
    assert_int_equal(weir_mailbox_open(sizeof item, 1, &mailbox), 0);
    assert_int_equal(weir_mailbox_try_send(mailbox, &item), 0);
    weir_scope_open(&outer, weir_never(), 0);
    weir_scope_open(&inner, weir_never(), WEIR_COLLECT);
    first = (struct sending){.mailbox = mailbox, .number = 1};
    second = (struct sending){.mailbox = mailbox, .number = 2};
    assert_int_equal(weir_spawn(&inner, "first", send_one, &first), 0);
    assert_int_equal(weir_spawn(&outer, "second", send_one, &second), 0);
    assert_int_equal(weir_yield(), 0);
    weir_scope_cancel(&inner);
    (void)weir_scope_close(&inner);
    assert_int_equal(first.result, -WEIR_ECANCELED);
    assert_int_equal(weir_mailbox_receive(mailbox, &item), 0);
    assert_int_equal(weir_mailbox_receive(mailbox, &item), 0);
    assert_int_equal(item.number, 2);
    assert_int_equal(weir_scope_close(&outer), 0);
    weir_mailbox_close(mailbox);
    return 0;
}

static void a_cancelled_sender_has_sent_nothing(void **state)
{
    (void)state;
    run_everywhere(cancel_senders, NULL);
}

static int send_and_receive(void *arg)
{
    struct sending s;
    weir_mailbox *mailbox;
    weir_scope scope;
    struct item item;
    int err = 0;

    (void)arg;
    if (weir_mailbox_open(sizeof item, 1, &mailbox) < 0)
        return 0;
    s = (struct sending){.mailbox = mailbox};
    weir_scope_open(&scope, weir_never(), 0);
    (void)weir_spawn(&scope, "sender", send_all, &s);
    for (int i = 0; i < 5 && err == 0; i++)
        err = weir_mailbox_receive(mailbox, &item);
    weir_mailbox_end(mailbox);
    (void)weir_scope_close(&scope);
    weir_mailbox_close(mailbox);
    return err;
}

static int torture_world(struct torture *t)
{
    return torture_victim(t, send_and_receive, NULL);
}

static void mailboxes_stand_torture(void **state)
{
    (void)state;
    assert_true(torture(torture_world, NULL) > 10);
}

/* --- left open --- */

static int leave_open(void *arg)
{
    weir_mailbox *mailbox;

    (void)arg;
    return weir_mailbox_open(1, 1, &mailbox);
}

static int run_and_leave_open(void *arg)
{
    (void)arg;
    return weir_run(NULL, leave_open, NULL);
}

static void one_that_is_left_open_is_said(void **state)
{
    char said[2048];

    (void)state;
    assert_int_equal(run_in_child(run_and_leave_open, NULL, said, sizeof said), 0);
    assert_non_null(strstr(said, "warn mailboxes left open at the end of weir_run() count=1 opened_at="));
    assert_non_null(strstr(said, "leave_open"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_send_and_a_task_receives),
        cmocka_unit_test(a_sender_may_outlive_the_runtime),
        cmocka_unit_test(jobs_send),
        cmocka_unit_test(tasks_of_all_loops_send_and_wait_for_room),
        cmocka_unit_test(it_refuses_at_its_limits),
        cmocka_unit_test(receivers_are_served_in_order_and_the_end_wakes_them),
        cmocka_unit_test(it_can_be_selected),
        cmocka_unit_test(a_cancelled_sender_has_sent_nothing),
        cmocka_unit_test(mailboxes_stand_torture),
        cmocka_unit_test(one_that_is_left_open_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
