/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <weir/shared.h>

#include "core/shared.h"
#include "support/run.h"

enum { ROOM = 1 << 16, ROUNDS = 200, LOOKS_EACH_MS = 250 };

static int make(void)
{
    int fd;

    assert_int_equal(weir_shared_make(ROOM, &fd), 0);
    return fd;
}

static weir_shared *join(int fd, int member)
{
    weir_shared *shared;

    assert_int_equal(weir_shared_open(fd, member, &shared), 0);
    return shared;
}

static void pause_briefly(void)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
}

static void count(void *arg)
{
    (void)atomic_fetch_add((atomic_int *)arg, 1);
}

static void wait_for(const atomic_int *n, int least)
{
    while (atomic_load((atomic_int *)(uintptr_t)n) < least)
        pause_briefly();
}

/* Rings back whenever it is rung, until it is killed. */
struct echo {
    weir_shared *shared;
    int to;
};

static void ring_back(void *arg)
{
    const struct echo *echo = arg;

    weir_shared_ring(echo->shared, echo->to);
}

static pid_t begin_echo(int fd, int member, int to)
{
    static struct echo echo;
    weir_shared_listener listener;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    echo.to = to;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || weir_shared_open(fd, member, &echo.shared) < 0 ||
        weir_shared_listen(echo.shared, &listener, ring_back, &echo) < 0)
        _exit(1);
    for (;;)
        (void)pause();
}

static void end_child(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Many rounds between two processes, in less than half the time that they would need if each looked only by
 * itself. */
static void a_ring_is_heard_at_once(void **state)
{
    int fd = make();
    weir_shared *shared = join(fd, 0);
    weir_shared_listener listener;
    atomic_int calls = 0;
    pid_t echo = begin_echo(fd, 1, 0);
    int64_t began_ms;

    (void)state;
    assert_int_equal(weir_shared_listen(shared, &listener, count, &calls), 0);
    wait_for(&calls, 2);
    began_ms = now_ms();
    for (int i = 0; i < ROUNDS; i++) {
        int before = atomic_load(&calls);
        weir_shared_ring(shared, 1);
        wait_for(&calls, before + 1);
    }
    assert_true(now_ms() - began_ms < (int64_t)ROUNDS * LOOKS_EACH_MS / 2);
    weir_shared_unlisten(shared, &listener);
    end_child(echo);
    weir_shared_close(shared);
    close(fd);
}

static void it_looks_also_when_nobody_rings(void **state)
{
    int fd = make();
    weir_shared *shared = join(fd, 0);
    weir_shared_listener one, two;
    atomic_int calls = 0;

    (void)state;
    assert_int_equal(weir_shared_listen(shared, &one, count, &calls), 0);
    assert_int_equal(weir_shared_listen(shared, &two, count, &calls), 0);
    wait_for(&calls, 6);
    weir_shared_unlisten(shared, &one);
    weir_shared_unlisten(shared, &two);
    weir_shared_close(shared);
    close(fd);
}

/* An expelled member may have had what others wait for. */
static void to_expel_rings_the_others(void **state)
{
    int fd = make();
    weir_shared *shared = join(fd, 0), *sibling = join(fd, 2);

    (void)state;
    weir_shared_expel(shared, 1);
    assert_true(weir__shared_is_ringing(shared, 2));
    assert_false(weir__shared_is_ringing(shared, 0));
    weir_shared_close(shared);
    weir_shared_close(sibling);
    close(fd);
}

/* One that is stopped does not hear, and that can be seen; it hears as soon as it goes on. */
static void the_stopped_are_seen_to_be_deaf(void **state)
{
    int fd = make(), status;
    weir_shared *shared = join(fd, 0);
    weir_shared_listener listener;
    atomic_int calls = 0;
    pid_t echo = begin_echo(fd, 1, 0);

    (void)state;
    assert_int_equal(weir_shared_listen(shared, &listener, count, &calls), 0);
    weir_shared_ring(shared, 1);
    while (weir__shared_is_ringing(shared, 1))
        pause_briefly();
    assert_int_equal(kill(echo, SIGSTOP), 0);
    assert_int_equal(waitpid(echo, &status, WUNTRACED), echo);
    assert_true(WIFSTOPPED(status));
    for (int i = 0; i < 1000; i++)
        weir_shared_ring(shared, 1);
    assert_true(weir__shared_is_ringing(shared, 1));
    assert_int_equal(kill(echo, SIGCONT), 0);
    while (weir__shared_is_ringing(shared, 1))
        pause_briefly();
    end_child(echo);
    weir_shared_ring(shared, 1); /* nobody is there */
    weir_shared_unlisten(shared, &listener);
    weir_shared_close(shared);
    close(fd);
}

/* Reads what is gone when it is called too late; sanitizers see that. */
static void nothing_is_called_after_unlisten(void **state)
{
    int fd = make();
    weir_shared *shared = join(fd, 0);

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        weir_shared_listener listener;
        atomic_int *calls = calloc(1, sizeof *calls);
        assert_non_null(calls);
        assert_int_equal(weir_shared_listen(shared, &listener, count, calls), 0);
        weir_shared_ring(shared, 0);
        weir_shared_unlisten(shared, &listener);
        free(calls);
    }
    weir_shared_close(shared);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ring_is_heard_at_once),          cmocka_unit_test(it_looks_also_when_nobody_rings),
        cmocka_unit_test(to_expel_rings_the_others),        cmocka_unit_test(the_stopped_are_seen_to_be_deaf),
        cmocka_unit_test(nothing_is_called_after_unlisten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
