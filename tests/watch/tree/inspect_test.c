/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/task.h"
#include "support/run.h"
#include "support/tree.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { WAVES = 6, DEEP = 100 };
#else
enum { WAVES = 1000, DEEP = 1000 };
#endif
enum { PARENTS = 10, CHILDREN = 9 };

/* --- pieces the tests are made of --- */

static int sleep_for_ever(void *arg)
{
    (void)arg;
    return weir_sleep_until(weir_never());
}

/* Lets all that is ready run until it waits. */
static void settle(void)
{
    assert_int_equal(weir_sleep(weir_ms(1)), 0);
}

static void expect_wait(const weir_tasks *tasks, const char *name, const char *words)
{
    assert_string_equal(wait_of(tasks, name), words);
}

static void expect_wait_begins(const weir_tasks *tasks, const char *name, const char *words)
{
    if (strncmp(wait_of(tasks, name), words, strlen(words)) != 0)
        fail_msg("\"%s\" waits for \"%s\", not \"%s…\"", name, wait_of(tasks, name), words);
}

/* --- scopes and tasks --- */

static int open_two_scopes(void *arg)
{
    weir_scope outer, inner;
    (void)arg;

    weir_scope_open(&outer, weir_after_ms(500000), 0);
    for (int i = 0; i < 3; i++)
        weir_spawn(&outer, "leaf", sleep_for_ever, NULL);
    weir_scope_open(&inner, weir_after_ms(100000), 0);
    int err = weir_sleep_until(weir_never());
    (void)weir_scope_close(&inner);
    (void)weir_scope_close(&outer);
    return err;
}

static void expect_nested(const weir_tasks *tasks)
{
    const char *const order[] = {"main", "middle", "leaf", "leaf", "leaf", "plain"};
    const weir_task_info *first = weir_tasks_at(tasks, 0), *middle = weir_tasks_at(tasks, 1);

    assert_int_equal(weir_tasks_count(tasks), 6);
    assert_int_equal(weir_tasks_on_loop(tasks, 0), 6);
    assert_int_equal(weir_tasks_on_loop(tasks, 1), 0);
    assert_null(weir_tasks_at(tasks, 6));
    assert_false(weir_tasks_are_cut(tasks));
    for (size_t i = 0; i < 6; i++) {
        const weir_task_info *info = weir_tasks_at(tasks, i);
        assert_string_equal(info->name, order[i]);
        assert_int_equal(info->state, WEIR_TASK_PARKED);
        assert_int_equal(info->loop, 0);
        assert_true(info->created.ns <= info->seen.ns);
        assert_null(info->route);
        assert_int_equal(info->stack_depth, 0);
    }
    assert_true(first->parent == 0 && first->depth == 0 && first->scope_count == 1);
    assert_null(first->spawned_at.function);
    assert_int_equal(first->scopes[0].tasks, 2);

    assert_true(middle->parent == first->id && middle->depth == 1 && middle->scope_count == 2);
    assert_true(middle->scope == first->scopes[0].id);
    assert_string_equal(middle->spawned_at.file, "inspect_test.c");
    assert_true(middle->spawned_at.line > 0);
    assert_true(middle->scopes[0].tasks == 3 && middle->scopes[1].tasks == 0);
    assert_true(middle->scopes[0].id < middle->scopes[1].id);
    assert_true(middle->scopes[1].deadline.ns < middle->scopes[0].deadline.ns);
    assert_true(middle->scopes[0].deadline.ns < first->scopes[0].deadline.ns);
    assert_true(middle->deadline.ns == middle->scopes[1].deadline.ns && middle->scopes[1].cause == 0);
    for (size_t i = 2; i < 5; i++) {
        const weir_task_info *leaf = weir_tasks_at(tasks, i);
        assert_true(leaf->parent == middle->id && leaf->depth == 2 && leaf->scope_count == 0);
        assert_true(leaf->scope == middle->scopes[0].id &&
                    leaf->deadline.ns == middle->scopes[0].deadline.ns);
        assert_string_equal(leaf->waits_for, "sleeping for ever");
    }
    assert_true(weir_tasks_at(tasks, 5)->parent == first->id && weir_tasks_at(tasks, 5)->depth == 1);
}

static void expect_filtered(void)
{
    weir_tasks_options by_name = {.filter = "LEAF"}, by_wait = {.filter = "for ever", .tasks_max = 2};
    weir_tasks_options by_nothing = {.filter = "no such thing"};
    weir_tasks *tasks = look_at_tasks(&by_name);

    assert_int_equal(weir_tasks_count(tasks), 5);
    assert_null(task_named(tasks, "plain"));
    assert_int_equal(weir_tasks_on_loop(tasks, 0), 6);
    assert_false(weir_tasks_are_cut(tasks));
    weir_tasks_free(tasks);

    tasks = look_at_tasks(&by_wait);
    assert_int_equal(weir_tasks_count(tasks), 2);
    assert_string_equal(weir_tasks_at(tasks, 1)->name, "middle");
    assert_true(weir_tasks_are_cut(tasks));
    weir_tasks_free(tasks);

    tasks = look_at_tasks(&by_nothing);
    assert_int_equal(weir_tasks_count(tasks), 0);
    assert_false(weir_tasks_are_cut(tasks));
    weir_tasks_free(tasks);
}

static int nested(void *arg)
{
    weir_tasks *tasks;
    weir_scope scope;
    (void)arg;

    weir_scope_open(&scope, weir_after_ms(1000000), WEIR_COLLECT);
    weir_spawn(&scope, "middle", open_two_scopes, NULL);
    weir_spawn(&scope, "plain", sleep_for_ever, NULL);
    settle();
    tasks = look_at_tasks(NULL);
    expect_nested(tasks);
    weir_tasks_free(tasks);
    expect_filtered();
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    tasks = look_at_tasks(NULL);
    assert_int_equal(weir_tasks_count(tasks), 1);
    assert_int_equal(weir_tasks_at(tasks, 0)->scope_count, 0);
    weir_tasks_free(tasks);
    return 0;
}

static void tasks_hang_below_scopes_below_tasks(void **state)
{
    (void)state;
    run_everywhere(nested, NULL);
}

/* Each opens a scope with the next in it. */
static int go_deeper(void *arg)
{
    intptr_t left = (intptr_t)arg;
    weir_scope scope;

    if (left == 0)
        return sleep_for_ever(NULL);
    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "deeper", go_deeper, (void *)(left - 1));
    return weir_scope_close(&scope);
}

static int deep(void *arg)
{
    weir_loop_stats counts;
    weir_scope scope;
    weir_tasks *tasks;
    (void)arg;

    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    weir_spawn(&scope, "deeper", go_deeper, (void *)(intptr_t)(DEEP - 1));
    do {
        settle();
        assert_int_equal(weir_loop_read(weir_runtime_here(), 0, &counts), 0);
    } while (counts.tasks < DEEP + 1);
    tasks = look_at_tasks(NULL);
    assert_int_equal(weir_tasks_count(tasks), DEEP + 1);
    for (int i = 0; i <= DEEP; i++)
        assert_int_equal(weir_tasks_at(tasks, (size_t)i)->depth, i);
    assert_string_equal(weir_tasks_at(tasks, DEEP - 1)->waits_for, "the tasks of its scope (1 left)");
    weir_tasks_free(tasks);
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    return 0;
}

static void a_deep_tree_is_walked_without_a_deep_stack(void **state)
{
    (void)state;
    run_everywhere(deep, NULL);
}

/* --- waits in words --- */

struct things {
    weir_semaphore semaphore;
    weir_event event;
    weir_mutex mutex;
    weir_channel *empty, *full;
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
    (void)arg;

    assert_int_equal(weir_signals_open(&signals, numbers, 2), 0);
    int err = weir_signals_wait(&signals);
    weir_signals_close(&signals);
    return err;
}

static int sleep_long(void *arg)
{
    (void)arg;
    return weir_sleep(weir_seconds(950));
}

static int sleep_less(void *arg)
{
    (void)arg;
    return weir_sleep(weir_ms(999));
}

static int wait_for_a_call(void *arg)
{
    return weir_loop_call((int)(intptr_t)arg, "called", sleep_for_ever, NULL);
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
        char name[16];
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
    assert_int_equal(weir_channel_new(sizeof item, 1, &t.empty), 0);
    assert_int_equal(weir_channel_new(sizeof item, 1, &t.full), 0);
    assert_int_equal(weir_channel_send(t.full, &item), 0);
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
    weir_spawn(&scope, "long", sleep_long, &t);
    weir_spawn(&scope, "less", sleep_less, &t);
    weir_spawn(&scope, "caller", wait_for_a_call, NULL);
    settle();
    tasks = look_at_tasks(NULL);
    expect_queues(tasks, &t);
    expect_wait(tasks, "signals", "SIGUSR1 or SIGUSR2");
    expect_wait_begins(tasks, "long", "sleeping for another 9");
    expect_wait_begins(tasks, "less", "sleeping for another ");
    expect_wait(tasks, "caller", "a call on loop 0");
    expect_wait_begins(tasks, "main", "running in blocking for ");
    assert_int_equal(task_named(tasks, "called")->parent, 0);
    weir_tasks_free(tasks);
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    weir_mutex_unlock(&t.mutex);
    weir_channel_free(t.empty);
    weir_channel_free(t.full);
    return 0;
}

static void every_wait_has_its_words(void **state)
{
    (void)state;
    run_everywhere(words, NULL);
}

/* --- two loops --- */

static int two_loops(void *arg)
{
    weir_scope scope;
    weir_tasks *tasks;
    (void)arg;

    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    for (int i = 0; i < 3; i++)
        weir_spawn(&scope, "here", sleep_for_ever, NULL);
    weir_spawn(&scope, "caller", wait_for_a_call, (void *)1);
    do { /* until the call has arrived there */
        settle();
        tasks = look_at_tasks(NULL);
        if (task_named(tasks, "called") != NULL)
            break;
        weir_tasks_free(tasks);
    } while (true);
    expect_wait(tasks, "caller", "a call on loop 1");
    assert_int_equal(task_named(tasks, "called")->loop, 1);
    assert_int_equal(weir_tasks_count(tasks), 6);
    assert_int_equal(weir_tasks_on_loop(tasks, 0), 5);
    assert_int_equal(weir_tasks_on_loop(tasks, 1), 1);
    for (size_t i = 0; i < 6; i++)
        for (size_t k = 0; k < i; k++)
            assert_true(weir_tasks_at(tasks, i)->id != weir_tasks_at(tasks, k)->id);
    weir_tasks_free(tasks);
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    return 0;
}

static void each_loop_has_a_tree(void **state)
{
    weir_options options = {.loops = 2, .io = WEIR_IO_EPOLL};

    (void)state;
    assert_int_equal(weir_run(&options, two_loops, NULL), 0);
}

/* --- a loop that is stuck --- */

struct watcher {
    weir_runtime *runtime;
    pthread_t thread;
    atomic_bool seen;
};

static void *watch(void *arg)
{
    struct watcher *w = arg;

    while (!atomic_load(&w->seen)) {
        weir_tasks *tasks;
        int err = weir_tasks_take(w->runtime, NULL, &tasks);
        assert(err == 0);
        const weir_task_info *stuck = task_named(tasks, "stuck"), *other = task_named(tasks, "other");
        if (stuck != NULL && stuck->state == WEIR_TASK_RUNNING && stuck->scope_count == 1) {
            bool saw_others = other != NULL && other->state == WEIR_TASK_PARKED &&
                              strcmp(other->waits_for, "sleeping for ever") == 0 &&
                              stuck->waits_for == NULL && stuck->parent == other->parent;
            if (saw_others) /* not, when it was looked at before it had run */
                atomic_store(&w->seen, true);
        }
        weir_tasks_free(tasks);
    }
    return NULL;
}

/* Holds its loop until somebody has seen it do so. */
static int hold_until_seen(void *arg)
{
    struct watcher *w = arg;
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), 0);
    while (!atomic_load(&w->seen))
        ;
    return weir_scope_close(&scope);
}

static int stuck(void *arg)
{
    struct watcher w = {.runtime = weir_runtime_here()};
    weir_scope scope;
    (void)arg;

    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    weir_spawn(&scope, "other", sleep_for_ever, NULL);
    weir_spawn(&scope, "stuck", hold_until_seen, &w);
    assert_int_equal(pthread_create(&w.thread, NULL, watch, &w), 0);
    settle();
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    pthread_join(w.thread, NULL);
    return 0;
}

static void a_stuck_loop_is_seen_as_it_is(void **state)
{
    (void)state;
    run_everywhere(stuck, NULL);
}

/* --- while tasks come and go --- */

struct hammer {
    weir_runtime *runtime;
    pthread_t thread;
    atomic_bool stop;
    uint64_t walks, children;
    char fault[200];
};

static const char *check_names(const weir_task_info *info, const weir_task_info *parent)
{
    unsigned long long id;

    if (info->parent == 0)
        return strcmp(info->name, "main") == 0 ? NULL : "a task without a parent that should have one";
    if (parent == NULL || parent->id != info->parent)
        return "a task that does not follow its parent";
    if (info->depth == 1 && sscanf(info->name, "parent %llu", &id) == 1)
        return id == info->id ? NULL : "another task's name";
    if (info->depth == 2 && sscanf(info->name, "child of %llu", &id) == 1)
        return id == info->parent ? NULL : "the name of another's child";
    if (strcmp(info->name, "?") == 0) /* it was being changed all the time: its thread had lost the CPU */
        return info->state == WEIR_TASK_RUNNING ? NULL : "no name";
    return (info->depth == 1 && strcmp(info->name, "parent") == 0) ||
                   (info->depth == 2 && strcmp(info->name, "child") == 0)
               ? NULL
               : "a name that is none of ours";
}

static const char *check_one(const weir_task_info *info, const weir_task_info **above)
{
    const char *fault;

    if (info->depth < 0 || info->depth > 2)
        return "a depth that no task has";
    fault = check_names(info, info->depth > 0 ? above[info->depth - 1] : NULL);
    if (fault != NULL)
        return fault;
    if ((info->state == WEIR_TASK_PARKED) != (info->waits_for != NULL))
        return "a wait of one that does not wait";
    if (info->seen.ns < info->created.ns)
        return "seen before it was born";
    if (info->scope_count > 0 && info->deadline.ns != info->scopes[info->scope_count - 1].deadline.ns)
        return "a deadline that no scope has";
    above[info->depth] = info;
    return NULL;
}

static void *hammer_on(void *arg)
{
    struct hammer *h = arg;

    while (!atomic_load(&h->stop) && h->fault[0] == '\0') {
        const weir_task_info *above[3] = {NULL};
        const char *fault = NULL;
        weir_tasks *tasks;
        if (weir_tasks_take(h->runtime, NULL, &tasks) < 0)
            break;
        h->walks++;
        if (task_named(tasks, "main") == NULL)
            fault = "one is missing that lived all the time";
        for (size_t i = 0; fault == NULL && i < weir_tasks_count(tasks); i++) {
            const weir_task_info *info = weir_tasks_at(tasks, i);
            fault = check_one(info, above);
            h->children += info->depth == 2;
            if (fault != NULL)
                snprintf(h->fault, sizeof h->fault, "%s: \"%s\", id %llu, parent %llu, depth %d", fault,
                         info->name, (unsigned long long)info->id, (unsigned long long)info->parent,
                         info->depth);
        }
        if (fault != NULL && h->fault[0] == '\0')
            snprintf(h->fault, sizeof h->fault, "%s", fault);
        weir_tasks_free(tasks);
    }
    return NULL;
}

static int be_a_child(void *arg)
{
    uint64_t parent = *(uint64_t *)arg;

    weir_task_set_name("child of %llu", (unsigned long long)parent);
    int err = weir_yield();
    return err < 0 || parent % 2 == 0 ? err : weir_sleep((weir_duration){1000});
}

static int be_a_parent(void *arg)
{
    uint64_t id = weir__task_id(weir__task_current());
    weir_scope scope;
    (void)arg;

    weir_task_set_name("parent %llu", (unsigned long long)id);
    weir_scope_open(&scope, weir_after_ms(100000), 0);
    for (int i = 0; i < CHILDREN; i++)
        weir_spawn(&scope, "child", be_a_child, &id);
    return weir_scope_close(&scope);
}

static int come_and_go(void *arg)
{
    struct hammer h = {.runtime = weir_runtime_here()};
    weir_loop_stats counts;
    (void)arg;

    assert_int_equal(pthread_create(&h.thread, NULL, hammer_on, &h), 0);
    for (int i = 0; i < WAVES; i++) {
        weir_scope scope;
        weir_scope_open(&scope, weir_after_ms(1000000), 0);
        for (int k = 0; k < PARENTS; k++)
            weir_spawn(&scope, "parent", be_a_parent, NULL);
        assert_int_equal(weir_scope_close(&scope), 0);
    }
    atomic_store(&h.stop, true);
    pthread_join(h.thread, NULL);
    if (h.fault[0] != '\0')
        fail_msg("after %llu walks: %s", (unsigned long long)h.walks, h.fault);
    settle();
    assert_int_equal(weir_loop_read(h.runtime, 0, &counts), 0);
    assert_int_equal(counts.started, WAVES * PARENTS * (CHILDREN + 1) + 1);
    assert_int_equal(counts.tasks, 1);
    printf("# %llu walks, %llu children seen\n", (unsigned long long)h.walks, (unsigned long long)h.children);
    return 0;
}

static void what_is_seen_is_right_while_tasks_come_and_go(void **state)
{
    (void)state;
    run_everywhere(come_and_go, NULL);
}

/* --- a name that changes while it is read --- */

enum { LOOKS = 500 };

static void *read_names(void *arg)
{
    struct watcher *w = arg;

    for (int looks = 0; looks < LOOKS;) {
        weir_tasks *tasks;
        int err = weir_tasks_take(w->runtime, NULL, &tasks);
        assert(err == 0);
        for (size_t i = 0; i < weir_tasks_count(tasks); i++) {
            const char *name = weir_tasks_at(tasks, i)->name;
            if (strspn(name, "a") == 0 && strspn(name, "b") == 0)
                continue;
            looks++;
            assert(strlen(name) == WEIR__TASK_NAME_BYTES - 1);
            assert(strspn(name, "a") == strlen(name) || strspn(name, "b") == strlen(name));
        }
        weir_tasks_free(tasks);
    }
    atomic_store(&w->seen, true);
    return NULL;
}

static int rename_until_seen(void *arg)
{
    static const char *const names[] = {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                                        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"};
    struct watcher *w = arg;

    for (unsigned i = 0; !atomic_load(&w->seen); i++)
        weir_task_set_name("%s", names[i % 2]);
    return 0;
}

static int renaming(void *arg)
{
    struct watcher w = {.runtime = weir_runtime_here()};
    weir_scope scope;
    (void)arg;

    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(pthread_create(&w.thread, NULL, read_names, &w), 0);
    weir_spawn(&scope, "renamed", rename_until_seen, &w);
    (void)weir_scope_close(&scope);
    pthread_join(w.thread, NULL);
    return 0;
}

static void a_name_is_read_whole(void **state)
{
    (void)state;
    run_everywhere(renaming, NULL);
}

/* --- stacks --- */

__attribute__((noinline)) static int wait_at_a_known_place(void)
{
    int err = weir_sleep_until(weir_never());

    __asm__ volatile(""); /* else the call is the last thing it does, and it leaves no frame */
    return err;
}

static int go_there(void *arg)
{
    (void)arg;
    int err = wait_at_a_known_place();
    __asm__ volatile("");
    return err;
}

static size_t frame_of(const weir_task_info *info, const char *function)
{
    for (size_t i = 0; i < info->stack_depth; i++)
        if (strcmp(info->stack[i].function, function) == 0)
            return i;
    for (size_t i = 0; i < info->stack_depth; i++)
        printf("#   %s %s:%d\n", info->stack[i].function, info->stack[i].file, info->stack[i].line);
    fail_msg("%s is not on the stack", function);
    return 0;
}

static int stacks(void *arg)
{
    weir_tasks_options options = {.stacks = true};
    weir_scope scope;
    weir_tasks *tasks;
    (void)arg;

    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    for (int i = 0; i < 100; i++)
        weir_spawn(&scope, "there", go_there, NULL);
    settle();
    weir_spawn(&scope, "new", go_there, NULL); /* has no stack yet, unless it runs while we look */
    tasks = look_at_tasks(&options);
    for (size_t i = 0; i < weir_tasks_count(tasks); i++) {
        const weir_task_info *info = weir_tasks_at(tasks, i);
        if (strcmp(info->name, "there") != 0)
            continue;
        size_t at = frame_of(info, "wait_at_a_known_place");
        assert_int_equal(frame_of(info, "weir_sleep_until"), 0);
        assert_int_equal(frame_of(info, "go_there"), at + 1);
        assert_int_equal(info->stack_depth, at + 2);
        assert_string_equal(info->stack[at].file, "inspect_test.c");
        assert_true(info->stack[at].line > 0);
    }
    weir_tasks_free(tasks);
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    return 0;
}

static void stacks_have_names_and_lines(void **state)
{
    (void)state;
    run_everywhere(stacks, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_hang_below_scopes_below_tasks),
        cmocka_unit_test(a_deep_tree_is_walked_without_a_deep_stack),
        cmocka_unit_test(every_wait_has_its_words),
        cmocka_unit_test(each_loop_has_a_tree),
        cmocka_unit_test(a_stuck_loop_is_seen_as_it_is),
        cmocka_unit_test(what_is_seen_is_right_while_tasks_come_and_go),
        cmocka_unit_test(a_name_is_read_whole),
        cmocka_unit_test(stacks_have_names_and_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
