/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guard/sins.h"
#include "support/child.h"

/* The number of calls that are caught in a function. */
#define CAUGHT(calls)                                                                                        \
    ({                                                                                                       \
        uint64_t before_ = caught();                                                                         \
        calls;                                                                                               \
        caught() - before_;                                                                                  \
    })

static void two_sins(void)
{
    usleep(1);
    fsync(-1);
}

static void allow_in_turn(void)
{
    weir_guard_allow outer, inner;

    assert_int_equal(CAUGHT(two_sins()), 2);
    weir_guard_allow_begin(&outer, "usleep");
    assert_int_equal(CAUGHT(two_sins()), 1);
    weir_guard_allow_begin(&inner, " getaddrinfo  fsync ");
    assert_int_equal(CAUGHT(two_sins()), 0); /* an outer allowance holds inside */
    weir_guard_allow_end(&inner);
    assert_int_equal(CAUGHT(two_sins()), 1);
    weir_guard_allow_end(&outer);
    assert_int_equal(CAUGHT(two_sins()), 2);
    weir_guard_allow_begin(&outer, NULL);
    assert_int_equal(CAUGHT(two_sins()), 0);
    weir_guard_allow_end(&outer);
    assert_int_equal(CAUGHT(two_sins()), 2);
}

static void what_is_allowed_nests(void **state)
{
    (void)state;
    need_guard();
    in_task(allow_in_turn);
}

static int sin_now(void *arg)
{
    *(uint64_t *)arg = CAUGHT(two_sins());
    return 0;
}

static int wait_and_sin(void *arg)
{
    int err = weir_yield();

    return err < 0 ? err : sin_now(arg);
}

/* The tasks that it spawns run while it waits, and are not covered. After the wait it still is. */
static void allow_across_a_wait(void)
{
    weir_guard_allow allow;
    weir_scope scope;
    uint64_t at_once = 0, later = 0;

    weir_guard_allow_begin(&allow, NULL);
    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "child", sin_now, &at_once);
    weir_spawn(&scope, "later", wait_and_sin, &later);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_int_equal(at_once, 2);
    assert_int_equal(later, 2);
    assert_int_equal(CAUGHT(two_sins()), 0);
    weir_guard_allow_end(&allow);
}

static void it_is_the_tasks_own(void **state)
{
    (void)state;
    need_guard();
    in_task(allow_across_a_wait);
}

/* Code that runs in tasks and elsewhere need not know where it runs. */
static void outside_a_task_it_is_nothing(void **state)
{
    weir_guard_allow allow;

    (void)state;

    weir_guard_allow_begin(&allow, "usleep");
    two_sins();
    weir_guard_allow_end(&allow);
}

static int allow_nonsense(void *arg)
{
    weir_guard_allow allow;

    (void)arg;
    weir_guard_allow_begin(&allow, "usleep getadrinfo");
    return 0;
}

static void aborts_with(int (*fn)(void *), const char *sentence)
{
    char said[4096];
    int status = run_in_child(fn, NULL, said, sizeof said);

    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    if (strstr(said, sentence) == NULL)
        fail_msg("%s", said);
}

static void a_name_it_does_not_know_is_a_mistake(void **state)
{
    (void)state;
    aborts_with(allow_nonsense,
                "weir_guard_allow_begin() of \"getadrinfo\", a call that the guard does not know: use names "
                "that weir_guard_call_name() lists");
}

static int end_the_outer_first(void *arg)
{
    weir_guard_allow outer, inner;

    (void)arg;
    weir_guard_allow_begin(&outer, "usleep");
    weir_guard_allow_begin(&inner, "fsync");
    weir_guard_allow_end(&outer);
    return 0;
}

static int end_out_of_order(void *arg)
{
    return weir_run(NULL, end_the_outer_first, arg);
}

static void exemptions_end_in_reverse_order(void **state)
{
    (void)state;
    aborts_with(end_out_of_order,
                "weir_guard_allow_end() of another exemption than this task's latest: end exemptions in "
                "the reverse order, in the task that began them");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_allowed_nests),
        cmocka_unit_test(it_is_the_tasks_own),
        cmocka_unit_test(outside_a_task_it_is_nothing),
        cmocka_unit_test(a_name_it_does_not_know_is_a_mistake),
        cmocka_unit_test(exemptions_end_in_reverse_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
