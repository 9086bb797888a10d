/* SPDX-License-Identifier: MIT */
/* The task tree: scopes, depth, loops, stacks. */
#include <stdio.h>

#include "watch/tree/inspect_rig.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { DEEP = 100 };
#else
enum { DEEP = 1000 };
#endif

/* --- scopes and tasks --- */

static int open_two_scopes(void *arg)
{
    weir_scope outer, inner;
    int err;

    (void)arg;

    weir_scope_open(&outer, weir_after_ms(500000), 0);
    for (int i = 0; i < 3; i++)
        weir_spawn(&outer, "leaf", sleep_for_ever, NULL);
    weir_scope_open(&inner, weir_after_ms(100000), 0);
    err = weir_sleep_until(weir_never());
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
    assert_false(weir_tasks_are_truncated(tasks));
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
    assert_false(weir_tasks_are_truncated(tasks));
    weir_tasks_close(tasks);

    tasks = look_at_tasks(&by_wait);
    assert_int_equal(weir_tasks_count(tasks), 2);
    assert_string_equal(weir_tasks_at(tasks, 1)->name, "middle");
    assert_true(weir_tasks_are_truncated(tasks));
    weir_tasks_close(tasks);

    tasks = look_at_tasks(&by_nothing);
    assert_int_equal(weir_tasks_count(tasks), 0);
    assert_false(weir_tasks_are_truncated(tasks));
    weir_tasks_close(tasks);
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
    weir_tasks_close(tasks);
    expect_filtered();
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    tasks = look_at_tasks(NULL);
    assert_int_equal(weir_tasks_count(tasks), 1);
    assert_int_equal(weir_tasks_at(tasks, 0)->scope_count, 0);
    weir_tasks_close(tasks);
    return 0;
}

static void tasks_hang_below_scopes_below_tasks(void **state)
{
    (void)state;
    run_everywhere(nested, NULL);
}

/* Each task opens a scope with the next task in it. */
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
        assert_int_equal(weir_loop_stats_get(weir_runtime_here(), 0, &counts), 0);
    } while (counts.tasks < DEEP + 1);
    tasks = look_at_tasks(NULL);
    assert_int_equal(weir_tasks_count(tasks), DEEP + 1);
    for (int i = 0; i <= DEEP; i++)
        assert_int_equal(weir_tasks_at(tasks, (size_t)i)->depth, i);
    assert_string_equal(weir_tasks_at(tasks, DEEP - 1)->waits_for, "the tasks of its scope (1 left)");
    weir_tasks_close(tasks);
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    return 0;
}

static void a_deep_tree_is_walked_without_a_deep_stack(void **state)
{
    (void)state;
    run_everywhere(deep, NULL);
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
        weir_tasks_close(tasks);
    } while (true);
    expect_wait(tasks, "caller", "a call on loop 1");
    assert_int_equal(task_named(tasks, "called")->loop, 1);
    assert_int_equal(weir_tasks_count(tasks), 6);
    assert_int_equal(weir_tasks_on_loop(tasks, 0), 5);
    assert_int_equal(weir_tasks_on_loop(tasks, 1), 1);
    for (size_t i = 0; i < 6; i++)
        for (size_t k = 0; k < i; k++)
            assert_true(weir_tasks_at(tasks, i)->id != weir_tasks_at(tasks, k)->id);
    weir_tasks_close(tasks);
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

/* --- stacks --- */

__attribute__((noinline)) static int wait_at_a_known_place(void)
{
    int err = weir_sleep_until(weir_never());

    __asm__ volatile(""); /* without this the call is a tail call, and leaves no frame */
    return err;
}

static int go_there(void *arg)
{
    int err;

    (void)arg;
    err = wait_at_a_known_place();
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
    weir_spawn(&scope, "new", go_there, NULL); /* has no stack yet, unless it runs during the look */
    tasks = look_at_tasks(&options);
    for (size_t i = 0; i < weir_tasks_count(tasks); i++) {
        const weir_task_info *info = weir_tasks_at(tasks, i);
        size_t at;
        if (strcmp(info->name, "there") != 0)
            continue;
        at = frame_of(info, "wait_at_a_known_place");
        assert_int_equal(frame_of(info, "weir_sleep_until"), 0);
        assert_int_equal(frame_of(info, "go_there"), at + 1);
        assert_int_equal(info->stack_depth, at + 2);
        assert_string_equal(info->stack[at].file, "inspect_test.c");
        assert_true(info->stack[at].line > 0);
    }
    weir_tasks_close(tasks);
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
        cmocka_unit_test(each_loop_has_a_tree),
        cmocka_unit_test(stacks_have_names_and_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
