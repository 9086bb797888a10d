/* SPDX-License-Identifier: MIT */
/* The task tree, read while a loop is stuck and while tasks and their names change. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "core/task.h"
#include "watch/tree/inspect_rig.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { WAVES = 6 };
#else
enum { WAVES = 1000 };
#endif
enum { PARENTS = 10, CHILDREN = 9 };

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
        int err = weir_tasks_open(w->runtime, NULL, &tasks);
        const weir_task_info *stuck, *other;
        assert(err == 0);
        stuck = task_named(tasks, "stuck");
        other = task_named(tasks, "other");
        if (stuck != NULL && stuck->state == WEIR_TASK_RUNNING && stuck->scope_count == 1) {
            bool saw_others = other != NULL && other->state == WEIR_TASK_PARKED &&
                              strcmp(other->waits_for, "sleeping for ever") == 0 &&
                              stuck->waits_for == NULL && stuck->parent == other->parent;
            if (saw_others) /* false if it was looked at before it had run */
                atomic_store(&w->seen, true);
        }
        weir_tasks_close(tasks);
    }
    return NULL;
}

/* Holds its loop until the watcher has seen it do so. */
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
    if (strcmp(info->name, "?") == 0) /* it was changing all the time: its thread had lost the CPU */
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
        if (weir_tasks_open(h->runtime, NULL, &tasks) < 0)
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
        weir_tasks_close(tasks);
    }
    return NULL;
}

static int be_a_child(void *arg)
{
    uint64_t parent = *(uint64_t *)arg;
    int err;

    weir_task_set_name("child of %llu", (unsigned long long)parent);
    err = weir_yield();
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
    assert_int_equal(weir_loop_stats_get(h.runtime, 0, &counts), 0);
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
        int err = weir_tasks_open(w->runtime, NULL, &tasks);
        assert(err == 0);
        for (size_t i = 0; i < weir_tasks_count(tasks); i++) {
            const char *name = weir_tasks_at(tasks, i)->name;
            if (strspn(name, "a") == 0 && strspn(name, "b") == 0)
                continue;
            looks++;
            assert(strlen(name) == WEIR__TASK_NAME_BYTES - 1);
            assert(strspn(name, "a") == strlen(name) || strspn(name, "b") == strlen(name));
        }
        weir_tasks_close(tasks);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stuck_loop_is_seen_as_it_is),
        cmocka_unit_test(what_is_seen_is_right_while_tasks_come_and_go),
        cmocka_unit_test(a_name_is_read_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
