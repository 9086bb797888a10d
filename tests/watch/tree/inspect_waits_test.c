/* SPDX-License-Identifier: MIT */
/* Each wait of a task, in the words of the task tree. */
#include <signal.h>
#include <stdio.h>

#include "watch/tree/inspect_rig.h"

struct things {
    weir_semaphore semaphore;
    weir_event event;
    weir_mutex mutex;
    weir_channel *empty, *full;
    weir_mailbox *mailbox;
    int fd;
};

static int wait_for_semaphore(void *arg)
{
    return weir_semaphore_acquire(&((struct things *)arg)->semaphore);
}

static int wait_for_event(void *arg)
{
    return weir_event_wait(&((struct things *)arg)->event);
}

static int wait_for_mutex(void *arg)
{
    return weir_mutex_lock(&((struct things *)arg)->mutex);
}

static int wait_to_receive(void *arg)
{
    int item;

    return weir_channel_receive(((struct things *)arg)->empty, &item);
}

static int wait_to_send(void *arg)
{
    int item = 0;

    return weir_channel_send(((struct things *)arg)->full, &item);
}

static int wait_for_several(void *arg)
{
    struct things *t = arg;
    weir_case cases[] = {weir_on_event(&t->event), weir_on_acquire(&t->semaphore)};

    return weir_select(cases, 2, NULL);
}

static int wait_for_signals(void *arg)
{
    const int numbers[] = {SIGUSR1, SIGUSR2};
    weir_signals signals;
    int err;

    (void)arg;

    assert_int_equal(weir_signals_open(&signals, numbers, 2), 0);
    err = weir_signals_wait(&signals);
    weir_signals_close(&signals);
    return err;
}

static int sleep_long(void *arg)
{
    (void)arg;
    return weir_sleep(weir_seconds(950));
}

/* As a library of a database does. */
static int query(void *arg)
{
    weir_charge_wait charge;
    int err;

    weir_charge_begin(&charge, "postgres");
    err = weir_event_wait(&((struct things *)arg)->event);
    weir_charge_end(&charge);
    return err;
}

static int wait_for_mail(void *arg)
{
    struct things *t = arg;
    int item;

    return weir_mailbox_receive(t->mailbox, &item);
}

static int sleep_less(void *arg)
{
    (void)arg;
    return weir_sleep(weir_ms(999));
}

static void expect_wait_begins(const weir_tasks *tasks, const char *name, const char *words)
{
    if (strncmp(wait_of(tasks, name), words, strlen(words)) != 0)
        fail_msg("\"%s\" waits for \"%s\", not \"%s…\"", name, wait_of(tasks, name), words);
}

static void expect_queues(const weir_tasks *tasks, struct things *t)
{
    char words[100];

    expect_wait(tasks, "event", "an event");
    expect_wait(tasks, "mutex", "a mutex");
    expect_wait(tasks, "several", "the first of 2");
    snprintf(words, sizeof words, "an item in a channel %p", (void *)t->empty);
    expect_wait(tasks, "receiver", words);
    snprintf(words, sizeof words, "room in a channel %p, 1st of 2", (void *)t->full);
    expect_wait(tasks, "sender 1", words);
    snprintf(words, sizeof words, "room in a channel %p, 2nd of 2", (void *)t->full);
    expect_wait(tasks, "sender 2", words);
    for (int i = 1; i <= 12; i++) {
        char name[32];
        snprintf(name, sizeof name, "acquire %d", i);
        snprintf(words, sizeof words, "a semaphore, %d%s of 12", i,
                 i == 1   ? "st"
                 : i == 2 ? "nd"
                 : i == 3 ? "rd"
                          : "th");
        expect_wait(tasks, name, words);
    }
}

static int words(void *arg)
{
    static const char *const acquirers[] = {"acquire 1", "acquire 2",  "acquire 3",  "acquire 4",
                                            "acquire 5", "acquire 6",  "acquire 7",  "acquire 8",
                                            "acquire 9", "acquire 10", "acquire 11", "acquire 12"};
    struct things t;
    weir_scope scope;
    weir_tasks *tasks;
    int item = 0;

    (void)arg;

    weir_semaphore_init(&t.semaphore, 0);
    weir_event_init(&t.event);
    weir_mutex_init(&t.mutex);
    assert_int_equal(weir_mutex_lock(&t.mutex), 0);
    assert_int_equal(weir_channel_open(sizeof item, 1, &t.empty), 0);
    assert_int_equal(weir_channel_open(sizeof item, 1, &t.full), 0);
    assert_int_equal(weir_channel_send(t.full, &item), 0);
    assert_int_equal(weir_mailbox_open(sizeof item, 1, &t.mailbox), 0);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    for (size_t i = 0; i < 12; i++)
        weir_spawn(&scope, acquirers[i], wait_for_semaphore, &t);
    weir_spawn(&scope, "event", wait_for_event, &t);
    weir_spawn(&scope, "mutex", wait_for_mutex, &t);
    weir_spawn(&scope, "receiver", wait_to_receive, &t);
    weir_spawn(&scope, "sender 1", wait_to_send, &t);
    weir_spawn(&scope, "sender 2", wait_to_send, &t);
    weir_spawn(&scope, "several", wait_for_several, &t);
    weir_spawn(&scope, "signals", wait_for_signals, &t);
    weir_spawn(&scope, "query", query, &t);
    weir_spawn(&scope, "mail", wait_for_mail, &t);
    weir_spawn(&scope, "long", sleep_long, &t);
    weir_spawn(&scope, "less", sleep_less, &t);
    weir_spawn(&scope, "caller", wait_for_a_call, NULL);
    settle();
    tasks = look_at_tasks(NULL);
    expect_queues(tasks, &t);
    expect_wait(tasks, "signals", "SIGUSR1 or SIGUSR2");
    expect_wait_begins(tasks, "long", "sleeping for another 9");
    expect_wait_begins(tasks, "less", "sleeping for another ");
    expect_wait(tasks, "query", "postgres: an event");
    expect_wait_begins(tasks, "mail", "an item in a mailbox 0x");
    expect_wait(tasks, "caller", "a call on loop 0");
    expect_wait_begins(tasks, "main", "running in blocking for ");
    assert_int_equal(task_named(tasks, "called")->parent, 0);
    weir_tasks_close(tasks);
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    weir_mutex_unlock(&t.mutex);
    weir_channel_close(t.empty);
    weir_channel_close(t.full);
    weir_mailbox_close(t.mailbox);
    return 0;
}

static void every_wait_has_its_words(void **state)
{
    (void)state;
    run_everywhere(words, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_wait_has_its_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
