/* SPDX-License-Identifier: MIT */
/* Mistakes with mailboxes and charges. */
#include <pthread.h>

#include "support/mistake.h"
#include "support/run.h"

/* --- mailboxes --- */

static int receive_mail(void *mailbox)
{
    char item;

    return weir_mailbox_receive(mailbox, &item);
}

static int mail_of_a_loop(void *arg)
{
    weir_mailbox *mailbox;

    (void)arg;
    return weir_mailbox_open(1, 1, &mailbox) < 0 ? 0 : weir_loop_call(1, "reader", receive_mail, mailbox);
}

static void *receive_mail_there(void *mailbox)
{
    return receive_mail(mailbox) < 0 ? NULL : mailbox;
}

static void on_thread(weir_mailbox *mailbox)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, receive_mail_there, mailbox) == 0)
        pthread_join(thread, NULL);
}

static int mail_of_a_thread(void *arg)
{
    weir_mailbox *mailbox;

    (void)arg;
    if (weir_mailbox_open(1, 1, &mailbox) == 0)
        on_thread(mailbox);
    return 0;
}

static int close_awaited_mailbox(void *arg)
{
    weir_mailbox *mailbox;
    weir_scope scope;

    (void)arg;
    if (weir_mailbox_open(1, 1, &mailbox) < 0)
        return 0;
    weir_scope_open(&scope, weir_never(), 0);
    (void)weir_spawn(&scope, "reader", receive_mail, mailbox);
    (void)weir_yield();
    weir_mailbox_close(mailbox);
    return weir_scope_close(&scope);
}

static int use_closed_mailbox(void *arg)
{
    weir_mailbox *mailbox;

    (void)arg;
    if (weir_mailbox_open(1, 1, &mailbox) < 0)
        return 0;
    (void)weir_mailbox_hold(mailbox);
    weir_mailbox_close(mailbox);
    return receive_mail(mailbox);
}

/* A mailbox that no thread holds, and that was closed some time ago. */
static weir_mailbox *closed_mailbox(void)
{
    weir_mailbox *mailbox = NULL, *other;

    if (weir_mailbox_open(100, 100, &mailbox) == 0)
        weir_mailbox_close(mailbox);
    for (int i = 0; i < 63; i++)
        if (weir_mailbox_open(100, 100, &other) == 0)
            weir_mailbox_close(other);
    return mailbox;
}

static int receive_from_closed(void *arg)
{
    (void)arg;
    return receive_mail(closed_mailbox());
}

static int try_receive_from_closed(void *arg)
{
    char item[100];

    (void)arg;
    return weir_mailbox_try_receive(closed_mailbox(), item);
}

static int select_closed(void *arg)
{
    char item[100];
    weir_case c = weir_on_mail(closed_mailbox(), item);

    (void)arg;
    return weir_select(&c, 1, NULL);
}

static int close_twice(void *arg)
{
    (void)arg;
    weir_mailbox_close(closed_mailbox());
    return 0;
}

static int release_what_is_not_held(void *arg)
{
    weir_mailbox *mailbox;

    (void)arg;
    if (weir_mailbox_open(1, 1, &mailbox) == 0)
        weir_mailbox_release(mailbox);
    return 0;
}

static int release_twice(void *arg)
{
    weir_mailbox *mailbox;

    (void)arg;
    if (weir_mailbox_open(1, 1, &mailbox) < 0)
        return 0;
    (void)weir_mailbox_hold(mailbox);
    weir_mailbox_close(mailbox);
    weir_mailbox_release(mailbox);
    weir_mailbox_release(mailbox);
    return 0;
}

static void mistakes_with_mailboxes_are_caught(void **state)
{
    static const struct mistake mistakes[] = {
        {.fn = mail_of_a_loop,
         .said = {"weir_mailbox_receive() from loop 1, on a mailbox of loop 0"},
         .loops = 2},
        {.fn = mail_of_a_thread, .said = {"weir_mailbox_receive() outside a task: "}, .is_real = true},
        {.fn = close_awaited_mailbox,
         .said = {"weir_mailbox_close() on a mailbox that a task waits for: ", "weir_mailbox_end()"}},
        {.fn = use_closed_mailbox, .said = {"weir_mailbox_receive() on a mailbox that is closed"}},
        {.fn = receive_from_closed, .said = {"weir_mailbox_receive() on a mailbox that is closed"}},
        {.fn = try_receive_from_closed, .said = {"weir_mailbox_try_receive() on a mailbox that is closed"}},
        {.fn = select_closed, .said = {"weir_select() on a mailbox that is closed"}},
        {.fn = close_twice, .said = {"weir_mailbox_close() on a mailbox that is closed"}},
        {.fn = release_what_is_not_held,
         .said = {"weir_mailbox_release() of a mailbox that is not held: ", "weir_mailbox_hold()"}},
        {.fn = release_twice, .said = {"weir_mailbox_release() of a mailbox that is not held: "}},
    };

    (void)state;
    assert_caught(mistakes, sizeof mistakes / sizeof *mistakes);
}

/* --- charges --- */

static int end_outer_charge_first(void *arg)
{
    weir_charge_wait outer, inner;

    (void)arg;
    weir_charge_begin(&outer, "outer");
    weir_charge_begin(&inner, "inner");
    weir_charge_end(&outer);
    return 0;
}

static int end_charge_twice(void *arg)
{
    weir_charge_wait charge;

    (void)arg;
    weir_charge_begin(&charge, "once");
    weir_charge_end(&charge);
    weir_charge_end(&charge);
    return 0;
}

static void mistakes_with_charges_are_caught(void **state)
{
    static const struct mistake mistakes[] = {
        {.fn = end_outer_charge_first,
         .said = {"weir_charge_end() while a charge that was begun inside it is not ended: "}},
        {.fn = end_charge_twice,
         .said = {"weir_charge_end() of what this task has not begun, or has ended already: "}},
    };

    (void)state;
    assert_caught(mistakes, sizeof mistakes / sizeof *mistakes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_with_mailboxes_are_caught),
        cmocka_unit_test(mistakes_with_charges_are_caught),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
