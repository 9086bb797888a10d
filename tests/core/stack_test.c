/* SPDX-License-Identifier: MIT */
/* Stacks and their guards, of both kinds; and what a person is told whose task ran out of one. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/loop.h"
#include "core/stack.h"
#include "support/child.h"
#include "support/run.h"

enum { BYTES = 64 << 10, PAGE = 4096 };

static const enum weir__guard_type kinds[] = {WEIR__GUARD_BEST, WEIR__GUARD_MADVISE, WEIR__GUARD_MPROTECT};

/* True unless this kernel is older than the guards of madvise. */
static bool kind_is_here(enum weir__guard_type kind)
{
    struct weir__stacks s;
    char *stack;

    assert_int_equal(weir__stacks_init(&s, BYTES, 1, kind), 0);
    stack = weir__stack_take(&s);
    weir__stacks_free(&s);
    if (kind != WEIR__GUARD_MADVISE)
        assert_non_null(stack);
    return stack != NULL;
}

static void impossible_sizes_are_refused(void **state)
{
    static const size_t bad[] = {0, PAGE, 3 * PAGE, 4 * PAGE + 1, (size_t)1 << 40};
    struct weir__stacks s;

    (void)state;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(weir__stacks_init(&s, bad[i], 10, WEIR__GUARD_BEST), -EINVAL);
    assert_int_equal(weir__stacks_init(&s, BYTES, 0, WEIR__GUARD_BEST), -EINVAL);
}

static void stacks_lie_apart_and_the_last_comes_back_first(void **state)
{
    struct weir__stacks s;
    char *stacks[600];

    (void)state;

    for (size_t k = 0; k < 3; k++) {
        if (!kind_is_here(kinds[k]))
            continue;
        assert_int_equal(weir__stacks_init(&s, BYTES, 600, kinds[k]), 0);
        for (int i = 0; i < 600; i++) {
            stacks[i] = weir__stack_take(&s);
            assert_non_null(stacks[i]);
            memset(stacks[i] + s.guard_bytes, i, BYTES - s.guard_bytes);
        }
        assert_null(weir__stack_take(&s));
        for (int i = 0; i < 600; i++) {
            assert_int_equal((unsigned char)stacks[i][s.guard_bytes], i & 255);
            assert_int_equal((unsigned char)stacks[i][BYTES - 1], i & 255);
        }
        weir__stack_give(&s, stacks[7]);
        weir__stack_give(&s, stacks[3]);
        assert_ptr_equal(weir__stack_take(&s), stacks[3]);
        assert_ptr_equal(weir__stack_take(&s), stacks[7]);
        assert_null(weir__stack_take(&s));
        weir__stacks_free(&s);
    }
}

static bool is_resident(const char *page)
{
    unsigned char there = 0;

    assert_int_equal(mincore((void *)(uintptr_t)page, PAGE, &there), 0);
    return (there & 1) != 0;
}

static void idle_memory_goes_back_and_what_is_needed_stays(void **state)
{
    struct weir__stacks s;
    char *stacks[4];

    (void)state;

    assert_int_equal(weir__stacks_init(&s, BYTES, 4, WEIR__GUARD_BEST), 0);
    for (int i = 0; i < 4; i++) {
        stacks[i] = weir__stack_take(&s);
        stacks[i][BYTES - 1] = 1;
    }
    for (int i = 3; i >= 0; i--)
        weir__stack_give(&s, stacks[i]);            /* stacks[0] is the hottest */
    assert_int_equal(weir__stacks_trim(&s, 10), 0); /* they were in use since the last look */
    (void)weir__stack_take(&s);
    weir__stack_give(&s, stacks[0]);
    assert_int_equal(weir__stacks_trim(&s, 2), 2); /* at most so many at a time, the coldest first */
    assert_false(is_resident(stacks[3] + BYTES - PAGE));
    assert_false(is_resident(stacks[2] + BYTES - PAGE));
    assert_true(is_resident(stacks[1] + BYTES - PAGE));
    assert_true(is_resident(stacks[0] + BYTES - PAGE));
    (void)weir__stack_take(&s);
    weir__stack_give(&s, stacks[0]);
    assert_int_equal(weir__stacks_trim(&s, 10), 1);
    assert_false(is_resident(stacks[1] + BYTES - PAGE));
    assert_true(is_resident(stacks[0] + BYTES - PAGE)); /* it was used since the last trim */
    assert_int_equal(weir__stacks_trim(&s, 10), 1);
    assert_int_equal(weir__stacks_trim(&s, 10), 0);
    for (int i = 0; i < 4; i++) { /* and all of them can be used again, guards included */
        assert_ptr_equal(weir__stack_take(&s), stacks[i]);
        stacks[i][BYTES - 1] = 2;
    }
    weir__stacks_free(&s);
}

/* --- overflow --- */

static int deeper(int n)
{
    volatile char frame[512];

    frame[0] = (char)n;
    return n == 0 ? 0 : deeper(n - 1) + frame[0];
}

static int overflow(void *arg)
{
    (void)arg;
    weir_task_set_name("deep-thought");
    return deeper(1 << 20) == 1 ? 1 : 0;
}

struct setting {
    enum weir__guard_type guard;
    int loop;
    size_t reach; /* a single write so far below the stack pointer instead of a recursion; 0: recursion */
};

static int big_frame(void *arg)
{
    size_t bytes = *(size_t *)arg;

    volatile char frame[bytes]; /* checked page by page on its way down */

    weir_task_set_name("big-frame");
    frame[0] = 1;
    return frame[0];
}

static int first(void *arg)
{
    struct setting *s = arg;
    weir_scope scope;

    weir__loop_current()->stacks.guard = s->guard;
    weir_scope_open(&scope, weir_never(), 0);
    if (s->reach > 0)
        weir_spawn(&scope, "victim", big_frame, &s->reach);
    else if (s->loop == 0)
        weir_spawn(&scope, "victim", overflow, NULL);
    else
        assert_int_equal(weir_loop_call(s->loop, "victim", overflow, NULL), 0);
    return weir_scope_close(&scope);
}

static int run_overflow(void *arg)
{
    struct setting *s = arg;
    weir_options options = {.io = s->loop > 0 ? WEIR_IO_EPOLL : WEIR_IO_SIM, .loops = s->loop + 1};

    return weir_run(&options, first, s);
}

static void expect_named(struct setting s, const char *task)
{
    char said[4096];
    int status = run_in_child(run_overflow, &s, said, sizeof said);

    if (strstr(said, task) == NULL || strstr(said, "ran out of stack") == NULL)
        fail_msg("it said: %s", said);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* those end it in their own way */
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSEGV)
        fail_msg("it ended with status %x and said: %s", (unsigned)status, said);
#endif
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void an_overflow_is_caught_and_the_task_named(void **state)
{
    (void)state;
    for (size_t k = 0; k < 3; k++)
        if (kind_is_here(kinds[k]))
            expect_named((struct setting){.guard = kinds[k]}, "\"deep-thought\"");
}

static void so_is_one_on_another_loop(void **state)
{
    (void)state;
    expect_named((struct setting){.guard = WEIR__GUARD_BEST, .loop = 1}, "\"deep-thought\"");
}

static void a_frame_larger_than_the_stack_does_not_jump_the_guard(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); /* with red zones the frame is another */
#endif
    expect_named((struct setting){.guard = WEIR__GUARD_BEST, .reach = 1 << 20}, "\"");
}

static int fault_elsewhere(void *arg)
{
    volatile char *volatile nowhere = (char *)(uintptr_t)64; /* no stack's */

    (void)arg;
    *nowhere = 1;
    return 0;
}

static int run_fault(void *arg)
{
    weir_options options = {.io = WEIR_IO_SIM};

    return weir_run(&options, fault_elsewhere, arg);
}

static void another_fault_is_not_called_an_overflow(void **state)
{
    char said[4096];
    int status = run_in_child(run_fault, NULL, said, sizeof said);

    (void)state;

    assert_null(strstr(said, "ran out of stack"));
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(impossible_sizes_are_refused),
        cmocka_unit_test(stacks_lie_apart_and_the_last_comes_back_first),
        cmocka_unit_test(idle_memory_goes_back_and_what_is_needed_stays),
        cmocka_unit_test(an_overflow_is_caught_and_the_task_named),
        cmocka_unit_test(so_is_one_on_another_loop),
        cmocka_unit_test(a_frame_larger_than_the_stack_does_not_jump_the_guard),
        cmocka_unit_test(another_fault_is_not_called_an_overflow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
