/* SPDX-License-Identifier: MIT */
/* One listening socket for several processes: no connection waits for a process that is stopped, computes,
 * has been killed or drains. Each case has one connection at a time, so that no other wakes the siblings. */
#include "http/server/forked.h"

#if defined(__SANITIZE_THREAD__) /* under which a process starts for half a second */
enum { TRIES = 5, CLIENTS = 20 };
#elif defined(__SANITIZE_ADDRESS__)
enum { TRIES = 50, CLIENTS = 20 };
#else
enum { TRIES = 200, CLIENTS = 20 };
#endif

/* A sibling that may be gone or held, and the process that always answers. */
struct siblings {
    enum weir_io io;
    pid_t mortal, steady;
};

static void start_mortal(struct siblings *s)
{
    s->mortal = fork_server(s->io, 1, true);
    (void)close(connect_to(s->mortal, -1)); /* it polls the queue now */
}

static void with_siblings(void (*test)(struct siblings *s))
{
    static const enum weir_io kinds[] = {WEIR_IO_EPOLL, WEIR_IO_URING};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct siblings s = {.io = kinds[i]};
        if (!io_is_here(kinds[i]))
            continue;
        open_queue();
        s.steady = fork_server(s.io, 1, true);
        start_mortal(&s);
        test(&s);
        if (s.mortal > 0)
            end_server(s.mortal);
        end_server(s.steady);
        close_queue();
    }
}

/* --- stopped --- */

static void stop(struct siblings *s)
{
    int status;

    for (int i = 0; i < TRIES; i++) {
        assert_int_equal(kill(s->mortal, SIGSTOP), 0);
        assert_int_equal(waitpid(s->mortal, &status, WUNTRACED), s->mortal);
        assert_true(WIFSTOPPED(status));
        assert_int_equal(ask_once().process, s->steady);
        assert_int_equal(kill(s->mortal, SIGCONT), 0);
    }
}

static void a_stopped_process_keeps_no_connection(void **state)
{
    (void)state;
    with_siblings(stop);
}

/* --- computing --- */

static void compute(struct siblings *s)
{
    int fd = connect_to(s->mortal, -1);

    for (int i = 0; i < TRIES; i++) {
        atomic_store(&common->holds, true);
        (void)ask_for(fd, "/hold");
        wait_until_held(1);
        assert_int_equal(ask_once().process, s->steady);
        atomic_store(&common->holds, false);
        (void)answer_of(fd);
    }
    (void)close(fd);
}

static void a_computing_process_keeps_no_connection(void **state)
{
    (void)state;
    with_siblings(compute);
}

/* --- killed --- */

static void kill_idle(struct siblings *s)
{
    for (int i = 0; i < TRIES; i++) {
        assert_int_equal(kill(s->mortal, SIGKILL), 0);
        assert_int_equal(ask_once().process, s->steady);
        (void)end_of(s->mortal);
        start_mortal(s);
    }
}

/* The connection is there before the process is killed, and has woken it. */
static void kill_woken(struct siblings *s)
{
    for (int i = 0; i < TRIES; i++) {
        int held = connect_to(s->mortal, -1), fd;
        atomic_store(&common->holds, true);
        (void)ask_for(held, "/hold");
        wait_until_held(1);
        fd = ask_for(-1, "/");
        assert_int_equal(kill(s->mortal, SIGKILL), 0);
        assert_int_equal(answer_of(fd).process, s->steady);
        (void)end_of(s->mortal);
        atomic_store(&common->held, 0);
        (void)close(held);
        (void)close(fd);
        start_mortal(s);
    }
}

static void a_killed_process_keeps_no_connection(void **state)
{
    (void)state;
    with_siblings(kill_idle);
}

static void a_killed_process_keeps_no_connection_that_has_woken_it(void **state)
{
    (void)state;
    with_siblings(kill_woken);
}

/* Connections that wait in the queue, since no process takes them, outlive a process; those that it has taken
 * end with it. */
static void kill_among_many(struct siblings *s)
{
    int held[] = {connect_to(s->mortal, -1), connect_to(s->steady, -1)};
    int taken = connect_to(s->mortal, -1), kept = connect_to(s->steady, -1), queued[CLIENTS];

    atomic_store(&common->holds, true);
    for (int i = 0; i < 2; i++)
        (void)ask_for(held[i], "/hold");
    wait_until_held(2);
    for (int i = 0; i < CLIENTS; i++)
        queued[i] = ask_for(-1, "/");
    assert_int_equal(kill(s->mortal, SIGKILL), 0);
    (void)end_of(s->mortal);
    s->mortal = 0;
    atomic_store(&common->holds, false);
    for (int i = 0; i < CLIENTS; i++) {
        assert_int_equal(answer_of(queued[i]).process, s->steady);
        (void)close(queued[i]);
    }
    assert_int_equal(answer_of(taken).process, 0);
    assert_int_equal(answer_of(ask_for(kept, "/")).process, s->steady);
    atomic_store(&common->held, 0);
    (void)close(taken);
    (void)close(kept);
    for (int i = 0; i < 2; i++)
        (void)close(held[i]);
}

static void a_killed_process_loses_only_what_it_has_accepted(void **state)
{
    (void)state;
    with_siblings(kill_among_many);
}

/* --- draining --- */

static void drain(struct siblings *s)
{
    for (int i = 0; i < TRIES; i++) {
        assert_int_equal(kill(s->mortal, SIGTERM), 0);
        assert_int_not_equal(ask_once().process, 0);
        assert_int_equal(end_of(s->mortal), 0);
        assert_int_equal(ask_once().process, s->steady);
        start_mortal(s);
    }
}

/* Cut short at once, while it cannot run: it has taken nothing with it. */
static void drain_held(struct siblings *s)
{
    int held = connect_to(s->mortal, -1), fd;

    atomic_store(&common->holds, true);
    (void)ask_for(held, "/hold");
    wait_until_held(1);
    assert_int_equal(kill(s->mortal, SIGTERM), 0);
    fd = ask_for(-1, "/");
    assert_int_equal(answer_of(fd).process, s->steady);
    assert_int_equal(kill(s->mortal, SIGINT), 0);
    assert_int_equal(end_of(s->mortal), 0);
    s->mortal = 0;
    assert_int_equal(ask_once().process, s->steady);
    atomic_store(&common->holds, false);
    atomic_store(&common->held, 0);
    (void)close(held);
    (void)close(fd);
}

static void a_draining_process_keeps_no_connection(void **state)
{
    (void)state;
    with_siblings(drain);
}

static void a_drain_that_is_cut_short_leaves_the_queue(void **state)
{
    (void)state;
    with_siblings(drain_held);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stopped_process_keeps_no_connection),
        cmocka_unit_test(a_computing_process_keeps_no_connection),
        cmocka_unit_test(a_killed_process_keeps_no_connection),
        cmocka_unit_test(a_killed_process_keeps_no_connection_that_has_woken_it),
        cmocka_unit_test(a_killed_process_loses_only_what_it_has_accepted),
        cmocka_unit_test(a_draining_process_keeps_no_connection),
        cmocka_unit_test(a_drain_that_is_cut_short_leaves_the_queue),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
