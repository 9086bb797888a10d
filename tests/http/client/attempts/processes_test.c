/* SPDX-License-Identifier: MIT */
/* Rules of second attempts that processes share: budget, pushback and counts; those of other options, before
 * and after a reload, do not mix; and what a process that is killed leaves. */
#include "support/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weir/attempts.h>

enum { ROOM = 1 << 20, PARENT = 0, CHILD = 1 };

/* What time adds meanwhile, one a second, is far less than what these tests compare. */
static const weir_attempts_options usual = {.name = "orders",
                                            .hedge = {.after = {5000000}, .extra_percent = 100},
                                            .retry = {.on = WEIR_RETRY_CONNECT}};

static int shared_fd;

static weir_attempts *open_as(const weir_attempts_options *options)
{
    weir_attempts *attempts;

    assert_int_equal(weir_attempts_open(options, &attempts), 0);
    return attempts;
}

static void firsts(weir_attempts *attempts, int count)
{
    for (int i = 0; i < count; i++)
        weir_attempts_first(attempts);
}

static int pay(weir_attempts *attempts, int most)
{
    int paid = 0;

    while (paid < most && weir_attempts_pay(attempts, WEIR_ATTEMPT_HEDGE, weir_seconds(10), NULL) == 0)
        paid++;
    return paid;
}

static void see_one(void *arg, const weir_attempts_stats *stats)
{
    *(weir_attempts_stats *)arg = *stats;
}

static weir_attempts_stats see(void)
{
    weir_attempts_stats seen = {0};

    weir_attempts_each(weir_runtime_here(), see_one, &seen);
    return seen;
}

/* --- processes --- */

/* Runs fn as the first task of a runtime that is a member of the memory. */
static int run_member(int member, int (*fn)(void *arg), void *arg)
{
    weir_options options = {.io = WEIR_IO_EPOLL, .log_level = WEIR_LOG_ERROR};
    int err;

    assert_int_equal(weir_shared_open(shared_fd, member, &options.shared), 0);
    err = weir_run(&options, fn, arg);
    weir_shared_close(options.shared);
    return err;
}

struct child {
    pid_t pid;
    int to, from;
};

struct child_main {
    int from, to;
};

/* Has done what it is to do, and goes on once it is told to, with a number. */
static int say_and_wait(const struct child_main *c, int said)
{
    int told = -1;

    if (write(c->to, &said, sizeof said) != (ssize_t)sizeof said)
        return -1;
    return read(c->from, &told, sizeof told) == (ssize_t)sizeof told ? told : -1;
}

static struct child begin_child(int (*fn)(void *arg))
{
    struct child child;
    int to[2], from[2];

    assert_int_equal(pipe2(to, O_CLOEXEC), 0);
    assert_int_equal(pipe2(from, O_CLOEXEC), 0);
    child = (struct child){fork(), to[1], from[0]};
    assert_true(child.pid >= 0);
    if (child.pid == 0) {
        struct child_main c = {to[0], from[1]};
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit(run_member(CHILD, fn, &c) == 0 ? 0 : 1);
    }
    (void)close(to[0]);
    (void)close(from[1]);
    return child;
}

static int hear(const struct child *child)
{
    int said;

    assert_int_equal(read(child->from, &said, sizeof said), sizeof said);
    return said;
}

static void tell(const struct child *child, int number)
{
    assert_int_equal(write(child->to, &number, sizeof number), sizeof number);
}

static void close_child(struct child *child)
{
    (void)close(child->to);
    (void)close(child->from);
}

static void end_child(struct child *child)
{
    int status;

    tell(child, 0);
    assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
    assert_int_equal(status, 0);
    close_child(child);
}

/* As its supervisor does. */
static void kill_child(struct child *child)
{
    weir_shared *memory;

    assert_int_equal(kill(child->pid, SIGKILL), 0);
    assert_int_equal(waitpid(child->pid, NULL, 0), child->pid);
    assert_int_equal(weir_shared_open(shared_fd, PARENT + 2, &memory), 0);
    weir_shared_expel(memory, CHILD);
    weir_shared_close(memory);
    close_child(child);
}

/* A thousand first attempts; then it pays for as many as it is told to, and says how many that were. */
static int fill(void *arg)
{
    weir_attempts *attempts = open_as(&usual);
    int told, said = 0;

    firsts(attempts, 1000);
    weir_attempts_ended(attempts, WEIR_ATTEMPT_HEDGE, WEIR_ATTEMPT_LOST);
    while ((told = say_and_wait(arg, said)) > 0)
        said = pay(attempts, told);
    weir_attempts_close(attempts);
    return 0;
}

/* --- cases --- */

static int share(void *arg)
{
    struct child *child = arg;
    weir_attempts *attempts = open_as(&usual);
    weir_attempts_stats seen;

    assert_in_range(pay(attempts, 600), 600, 600);
    tell(child, 100000);
    assert_in_range(hear(child), 380, 460);
    assert_in_range(pay(attempts, 1000), 0, 60);
    seen = see();
    assert_int_equal(seen.attempts[WEIR_ATTEMPT_HEDGE][WEIR_ATTEMPT_LOST], 1);
    assert_true(seen.shared_id != 0);
    weir_attempts_pushback(attempts, weir_seconds(500));
    firsts(attempts, 1000);
    tell(child, 100);
    assert_int_equal(hear(child), 0);
    weir_attempts_close(attempts);
    return 0;
}

/* A reload with other options, while the process before it goes on. */
static int begin_apart(void *arg)
{
    struct child *child = arg;
    weir_attempts_options other = usual;
    weir_attempts *attempts, *same;
    weir_attempts_stats seen;

    other.hedge.extra_percent = 99;
    attempts = open_as(&other);
    assert_in_range(pay(attempts, 1000), 1, 3);
    weir_attempts_pushback(attempts, weir_seconds(500));
    seen = see();
    assert_int_equal(seen.attempts[WEIR_ATTEMPT_HEDGE][WEIR_ATTEMPT_LOST], 0);
    tell(child, 400);
    assert_int_equal(hear(child), 400);
    weir_attempts_close(attempts);
    same = open_as(&usual);
    assert_true(see().shared_id != seen.shared_id);
    assert_int_equal(pay(same, 400), 400);
    weir_attempts_close(same);
    return 0;
}

/* What a process before has left. */
static int go_on(void *arg)
{
    weir_attempts *attempts = open_as(&usual);

    (void)arg;
    assert_in_range(pay(attempts, 100000), 980, 1060);
    assert_int_equal(see().attempts[WEIR_ATTEMPT_HEDGE][WEIR_ATTEMPT_LOST], 1);
    weir_attempts_close(attempts);
    return 0;
}

static int find_no_room(void *arg)
{
    weir_attempts *attempts;

    (void)arg;
    assert_int_equal(weir_attempts_open(&usual, &attempts), -ENOSPC);
    assert_null(see().name);
    return 0;
}

static int begin_memory(void **state)
{
    (void)state;
    return weir_shared_make(ROOM, &shared_fd);
}

static int end_memory(void **state)
{
    (void)state;
    return close(shared_fd);
}

static void processes_share_budget_pushback_and_counts(void **state)
{
    struct child child = begin_child(fill);

    (void)state;
    assert_int_equal(hear(&child), 0);
    assert_int_equal(run_member(PARENT, share, &child), 0);
    end_child(&child);
}

static void those_of_other_options_do_not_mix(void **state)
{
    struct child child = begin_child(fill);

    (void)state;
    assert_int_equal(hear(&child), 0);
    assert_int_equal(run_member(PARENT, begin_apart, &child), 0);
    end_child(&child);
}

static void a_reload_with_the_same_options_goes_on(void **state)
{
    struct child child = begin_child(fill);

    (void)state;
    assert_int_equal(hear(&child), 0);
    end_child(&child);
    assert_int_equal(run_member(PARENT, go_on, NULL), 0);
}

static void a_process_that_is_killed_leaves_the_budget(void **state)
{
    struct child child = begin_child(fill);

    (void)state;
    assert_int_equal(hear(&child), 0);
    kill_child(&child);
    assert_int_equal(run_member(PARENT, go_on, NULL), 0);
}

static void without_room_in_the_memory_none_are_opened(void **state)
{
    const int was = shared_fd;

    (void)state;
    assert_int_equal(weir_shared_make(64, &shared_fd), 0);
    assert_int_equal(run_member(PARENT, find_no_room, NULL), 0);
    (void)close(shared_fd);
    shared_fd = was;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(processes_share_budget_pushback_and_counts, begin_memory, end_memory),
        cmocka_unit_test_setup_teardown(those_of_other_options_do_not_mix, begin_memory, end_memory),
        cmocka_unit_test_setup_teardown(a_reload_with_the_same_options_goes_on, begin_memory, end_memory),
        cmocka_unit_test_setup_teardown(a_process_that_is_killed_leaves_the_budget, begin_memory, end_memory),
        cmocka_unit_test_setup_teardown(without_room_in_the_memory_none_are_opened, begin_memory, end_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
