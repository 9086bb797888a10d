/* SPDX-License-Identifier: MIT */
/* Captures of the registers and the stack of another thread, which goes on undisturbed. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "watch/capture.h"
#include "core/loop.h"
#include "core/task.h"
#include "watch/thread_state.h"
#include "support/run.h"

/* A thread with a loop, whose task runs act(), and a thread that looks at it. */
struct rig {
    struct weir__capture capture;
    int (*act)(struct rig *r); /* returns the result of the call */
    atomic_bool acts, seen;
    int result, error;
    int64_t took_ns;
    int pipe[2], sockets[2];
    sem_t semaphore;
};

static volatile unsigned sink;

static int64_t now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int task(void *arg)
{
    struct rig *r = arg;
    struct weir__loop *loop = weir__loop_current();
    int64_t began_ns = now_ns();

    assert_int_equal(
        weir__capture_open(&r->capture, loop, (struct weir__thread_stack){0}, loop->stacks.bytes), 0);
    atomic_store(&r->acts, true);
    r->result = r->act(r);
    r->error = errno;
    r->took_ns = now_ns() - began_ns;
    while (!atomic_load(&r->seen))
        sink = sink * 7 + 1;
    weir__capture_close(&r->capture);
    return 0;
}

static void *run(void *arg)
{
    weir_options options = {.io = WEIR_IO_EPOLL, .stall_after = weir_ms(-1)};

    return (void *)(intptr_t)weir_run(&options, task, arg);
}

static bool is_asleep(const struct weir__thread_state_files *files)
{
    return weir__thread_state_look(files).status == WEIR__THREAD_SLEEPS;
}

/* Takes the registers of the thread, asleep or not. */
static void interrupt(struct rig *r, bool asleep, struct weir__registers *registers)
{
    struct weir__thread_state_files files;

    while (!atomic_load(&r->acts))
        sched_yield();
    weir__thread_state_open(&files, r->capture.tid);
    while (asleep && !is_asleep(&files))
        sched_yield();
    weir__thread_state_close(&files);
    while (!weir__capture_running(&r->capture, 1000000, registers))
        ;
}

static void try(struct rig *r, int (*act)(struct rig *r), bool asleep, struct weir__registers *registers)
{
    pthread_t thread;
    void *result;

    memset(r, 0, sizeof *r);
    r->act = act;
    assert_int_equal(pipe2(r->pipe, O_CLOEXEC), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, r->sockets), 0);
    assert_int_equal(sem_init(&r->semaphore, 0, 0), 0);
    assert_int_equal(pthread_create(&thread, NULL, run, r), 0);
    interrupt(r, asleep, registers);
    atomic_store(&r->seen, true);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_int_equal((intptr_t)result, 0);
    for (int i = 0; i < 2; i++) {
        close(r->pipe[i]);
        close(r->sockets[i]);
    }
    sem_destroy(&r->semaphore);
}

static int catch_signals(void **state)
{
    (void)state;
    return weir__capture_catch();
}

static int let_signals_go(void **state)
{
    (void)state;
    weir__capture_uncatch();
    return 0;
}

/* --- a thread that runs --- */

static int computes(struct rig *r)
{
    while (!atomic_load(&r->seen))
        sink = sink * 7 + 1;
    return 7;
}

static void who_computes_is_taken_as_it_runs(void **state)
{
    struct rig r;
    struct weir__registers registers;

    (void)state;
    try(&r, computes, false, &registers);
    assert_int_equal(r.result, 7);
    assert_true(registers.complete);
    assert_true(r.capture.count > 0 && r.capture.count <= r.capture.room);
    assert_in_range(registers.general[WEIR__REGISTER_SP], r.capture.low, r.capture.low + r.capture.count);
    assert_int_equal(r.capture.run, 1);
}

#if defined(__x86_64__)
enum { SLEEP_MS = 60 };

static int sleeps(struct rig *r)
{
    struct timespec t = {.tv_nsec = SLEEP_MS * 1000000L};

    (void)r;
    return nanosleep(&t, NULL);
}

static int polls(struct rig *r)
{
    struct pollfd none = {.fd = r->pipe[0], .events = POLLIN};

    return poll(&none, 1, SLEEP_MS);
}

static int receives(struct rig *r)
{
    struct timeval most = {.tv_usec = SLEEP_MS * 1000};
    char byte;

    if (setsockopt(r->sockets[0], SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most) < 0)
        return -2;
    return (int)recv(r->sockets[0], &byte, 1, 0);
}

static int waits(struct rig *r)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += SLEEP_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    return sem_timedwait(&r->semaphore, &until);
}

/* A sleeping thread is sent no signal, but a thread may fall asleep before the signal comes. */
static void a_call_that_the_signal_ends_is_made_again(void **state)
{
    static int (*const acts[])(struct rig * r) = {sleeps, polls, receives, waits};
    static const int results[] = {0, 0, -1, -1}, errors[] = {0, 0, EAGAIN, ETIMEDOUT};

    (void)state;
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        struct rig r;
        struct weir__registers registers;
        try(&r, acts[i], true, &registers);
        assert_int_equal(r.result, results[i]);
        if (results[i] < 0)
            assert_int_equal(r.error, errors[i]);
        assert_true(r.took_ns >= SLEEP_MS * INT64_C(1000000) - 1000000);
    }
}
#endif

/* A thread that is interrupted in the middle of a switch has a stack pointer in another stack than the one
 * that counts as running. What lies between the two may not be mapped. */
static void a_stack_pointer_in_another_stack_is_not_followed(void **state)
{
    const struct weir__capture c = {.own = {0x1000000, 0x2000000}};
    const struct weir__task scheduler = {.stack = NULL};
    uintptr_t low, end;

    (void)state;
    assert_true(weir__capture_bounds(&c, &scheduler, 0x1800000, &low, &end));
    assert_true(low < 0x1800000 && end == 0x2000000);
    assert_true(weir__capture_bounds(&c, NULL, 0x1000010, &low, &end));
    assert_int_equal(low, 0x1000000);
    assert_false(weir__capture_bounds(&c, &scheduler, 0xfffff0, &low, &end));
    assert_false(weir__capture_bounds(&c, &scheduler, 0x2000000, &low, &end));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stack_pointer_in_another_stack_is_not_followed),
        cmocka_unit_test_setup_teardown(who_computes_is_taken_as_it_runs, catch_signals, let_signals_go),
#if defined(__x86_64__)
        cmocka_unit_test_setup_teardown(a_call_that_the_signal_ends_is_made_again, catch_signals,
                                        let_signals_go),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
