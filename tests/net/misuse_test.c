/* SPDX-License-Identifier: MIT */
/* Mistakes with streams, listeners and descriptors end in a sentence; what is left open is reported. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "net/net_rig.h"
#include "support/child.h"
#include "support/mistake.h"

enum { SAID_BYTES = 16384 };

/* --- streams --- */

static weir_stream *closed_stream(void)
{
    struct pair p;

    pair_open(&p, "127.0.0.1:0");
    weir_stream_close(p.client);
    return p.client;
}

static int closes_twice(void *arg)
{
    (void)arg;
    weir_stream_close(closed_stream());
    return 0;
}

static int aborts_closed(void *arg)
{
    (void)arg;
    weir_stream_abort(closed_stream());
    return 0;
}

static int reads_closed(void *arg)
{
    char byte;

    (void)arg;
    return (int)weir_read(closed_stream(), &byte, 1);
}

static int writes_closed(void *arg)
{
    (void)arg;
    return weir_write(closed_stream(), "x", 1);
}

/* A closed stream is recognised though others were opened and closed since. */
static int writes_closed_long_ago(void *arg)
{
    weir_stream *stale = closed_stream();

    (void)arg;
    for (int i = 0; i < WEIR__HANDLES_KEPT - 1; i++)
        (void)closed_stream();
    return weir_write(stale, "x", 1);
}

static int closes_while_closing(void *arg)
{
    weir_stream_close(arg);
    return 0;
}

static int closes_in_two_tasks(void *arg)
{
    weir_scope scope;
    struct pair p;

    (void)arg;
    pair_open(&p, "127.0.0.1:0");
    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "first", closes_while_closing, p.client);
    weir_spawn(&scope, "second", closes_while_closing, p.client);
    return weir_scope_close(&scope);
}

static int writes_elsewhere(void *arg)
{
    return weir_write(arg, "x", 1);
}

static int writes_from_another_loop(void *arg)
{
    struct pair p;

    (void)arg;
    pair_open(&p, "127.0.0.1:0");
    return weir_loop_call(1, "elsewhere", writes_elsewhere, p.client);
}

static int closes_elsewhere(void *arg)
{
    weir_stream_close(arg);
    return 0;
}

static int closes_from_another_loop(void *arg)
{
    struct pair p;

    (void)arg;
    pair_open(&p, "127.0.0.1:0");
    return weir_loop_call(1, "elsewhere", closes_elsewhere, p.client);
}

static void *shuts_down(void *arg)
{
    (void)weir_stream_shutdown(arg);
    return NULL;
}

static int shuts_down_from_a_thread(void *arg)
{
    pthread_t thread;
    struct pair p;

    (void)arg;
    pair_open(&p, "127.0.0.1:0");
    assert_int_equal(pthread_create(&thread, NULL, shuts_down, p.client), 0);
    return pthread_join(thread, NULL);
}

static void mistakes_with_streams_end_in_a_sentence(void **state)
{
    static const struct mistake mistakes[] = {
        {.fn = closes_twice,
         .said = {"weir_stream_close() on a stream that is closed", "task="},
         .is_real = true},
        {.fn = aborts_closed,
         .said = {"weir_stream_abort() on a stream that is closed", "task="},
         .is_real = true},
        {.fn = reads_closed, .said = {"weir_read() on a stream that is closed", "task="}, .is_real = true},
        {.fn = writes_closed, .said = {"weir_write() on a stream that is closed", "task="}, .is_real = true},
        {.fn = writes_closed_long_ago,
         .said = {"weir_write() on a stream that is closed", "task="},
         .is_real = true},
        {.fn = closes_in_two_tasks,
         .said = {"weir_stream_close() on a stream that is closed", "task="},
         .is_real = true},
        {.fn = writes_from_another_loop,
         .said = {"weir_write() from loop 1, on a stream of loop 0", "task="},
         .loops = 2,
         .is_real = true},
        {.fn = closes_from_another_loop,
         .said = {"weir_stream_close() from loop 1, on a stream of loop 0", "task="},
         .loops = 2,
         .is_real = true},
    };

    (void)state;
    assert_caught(mistakes, sizeof mistakes / sizeof mistakes[0]);
}

/* --- listeners --- */

static weir_listener *closed_listener(void)
{
    weir_listener *l;

    assert_int_equal(weir_listen("127.0.0.1:0", &l), 0);
    weir_listener_close(l);
    return l;
}

static int closes_listener_twice(void *arg)
{
    (void)arg;
    weir_listener_close(closed_listener());
    return 0;
}

static int accepts_closed(void *arg)
{
    weir_stream *s;

    (void)arg;
    return weir_accept(closed_listener(), &s);
}

static int accepts_elsewhere(void *arg)
{
    weir_stream *s;

    return weir_accept(arg, &s);
}

static int accepts_from_another_loop(void *arg)
{
    weir_listener *l;

    (void)arg;
    assert_int_equal(weir_listen("127.0.0.1:0", &l), 0);
    return weir_loop_call(1, "elsewhere", accepts_elsewhere, l);
}

static void mistakes_with_listeners_end_in_a_sentence(void **state)
{
    static const struct mistake mistakes[] = {
        {.fn = closes_listener_twice,
         .said = {"weir_listener_close() on a listener that is closed", "task="},
         .is_real = true},
        {.fn = accepts_closed,
         .said = {"weir_accept() on a listener that is closed", "task="},
         .is_real = true},
        {.fn = accepts_from_another_loop,
         .said = {"weir_accept() from loop 1, on a listener of loop 0", "task="},
         .loops = 2,
         .is_real = true},
    };

    (void)state;
    assert_caught(mistakes, sizeof mistakes / sizeof mistakes[0]);
}

/* --- descriptors --- */

static int waits_for_a_closed_one(void *arg)
{
    weir_fd *f;

    (void)arg;
    assert_int_equal(weir_fd_open(STDOUT_FILENO, &f), 0);
    weir_fd_close(f);
    return weir_fd_wait(f, POLLOUT);
}

static int selects_a_closed_one(void *arg)
{
    weir_fd *f;

    (void)arg;
    assert_int_equal(weir_fd_open(STDOUT_FILENO, &f), 0);
    weir_fd_close(f);
    return weir_select(&(weir_case){WEIR_ON_FD | POLLOUT << WEIR_ON_FD_EVENTS_SHIFT, f, NULL}, 1, NULL);
}

static void mistakes_with_descriptors_end_in_a_sentence(void **state)
{
    static const struct mistake mistakes[] = {
        {.fn = waits_for_a_closed_one,
         .said = {"weir_fd_wait() on a weir_fd that is closed", "task="},
         .is_real = true},
        {.fn = selects_a_closed_one,
         .said = {"weir_select() on a weir_fd that is closed", "task="},
         .is_real = true},
    };

    (void)state;
    assert_caught(mistakes, sizeof mistakes / sizeof mistakes[0]);
}

/* --- from threads that are no loops --- */

static int run_thread_mistake(void *arg)
{
    weir_options options = {.io = WEIR_IO_EPOLL};

    (void)arg;
    return weir_run(&options, shuts_down_from_a_thread, NULL);
}

static int listen_outside(void *arg)
{
    weir_listener *l;

    (void)arg;
    return weir_listen("127.0.0.1:0", &l);
}

static void other_threads_end_in_a_sentence(void **state)
{
    char said[SAID_BYTES];
    int status = run_in_child(run_thread_mistake, NULL, said, sizeof said);

    (void)state;
    assert_true(WIFSIGNALED(status));
    assert_non_null(strstr(said, "weir_stream_shutdown() from another thread, on a stream of loop 0"));
    status = run_in_child(listen_outside, NULL, said, sizeof said);
    assert_true(WIFSIGNALED(status));
    assert_non_null(strstr(said, "weir_listen() outside a task"));
}

/* --- left open --- */

static int leaves_open(void *arg)
{
    weir_listener *l;
    weir_stream *s;

    (void)arg;
    assert_int_equal(weir_listen("127.0.0.1:0", &l), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(weir_connect(weir_listener_address(l), &s), 0);
    return 0;
}

static int run_leaving(void *arg)
{
    weir_options options = {.io = *(enum weir_io *)arg};

    return weir_run(&options, leaves_open, NULL);
}

static void what_is_left_open_is_reported(void **state)
{
    enum weir_io types[] = {WEIR_IO_EPOLL, WEIR_IO_SIM, WEIR_IO_URING};
    char said[SAID_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0] && io_is_here(types[i]); i++) {
        const char *line;

        assert_int_equal(run_in_child(run_leaving, &types[i], said, sizeof said), 0);
        line = strstr(said, "streams left open at the end of weir_run() count=3 opened_at=");
        assert_non_null(line);
        assert_non_null(strstr(line, "misuse_test.c"));
        assert_non_null(strstr(said, "listeners left open at the end of weir_run() count=1 opened_at="));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_with_streams_end_in_a_sentence),
        cmocka_unit_test(mistakes_with_listeners_end_in_a_sentence),
        cmocka_unit_test(mistakes_with_descriptors_end_in_a_sentence),
        cmocka_unit_test(other_threads_end_in_a_sentence),
        cmocka_unit_test(what_is_left_open_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
