/* SPDX-License-Identifier: MIT */
/* The writer of the log: logging never waits for the reader, and lost lines are counted. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <weir.h>

#include "base/clock.h"
#include "core/log/log_writer.h"
#include "support/child.h"

enum { SAID_BYTES = 1 << 20, LINES = 500, SECOND_NS = 1000000000 };
static char said[SAID_BYTES];

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { HAS_HANDLERS = 1 }; /* of its own, for faults */
#else
enum { HAS_HANDLERS = 0 };
#endif

static size_t count_of(const char *text, const char *what)
{
    size_t count = 0;

    for (; (text = strstr(text, what)) != NULL; text += strlen(what))
        count++;
    return count;
}

/* --- weir_log() --- */

struct numbered {
    const char *name;
    int count;
};

static void log_numbered(const struct numbered *n)
{
    for (int i = 0; i < n->count; i++)
        weir_log(WEIR_LOG_INFO, n->name, WEIR_KV_INT("n", i));
}

/* Each line of that name once, in order, and whole. */
static void assert_numbered(const struct numbered *n)
{
    const char *at = said;
    char line[64];

    for (int i = 0; i < n->count; i++) {
        (void)snprintf(line, sizeof line, "Z info %s n=%d\n", n->name, i);
        at = strstr(at, line);
        assert_non_null(at);
    }
    (void)snprintf(line, sizeof line, "info %s ", n->name);
    assert_int_equal(count_of(said, line), n->count);
}

static const struct numbered of_task = {"task", LINES}, of_job = {"job", LINES},
                             of_thread = {"thread", LINES};

static void *log_on_thread(void *arg)
{
    log_numbered(arg);
    return NULL;
}

static int log_on_worker(weir_job *job, void *arg)
{
    (void)job;
    log_numbered(arg);
    return 0;
}

static int log_everywhere(void *arg)
{
    pthread_t thread;
    int err;

    (void)arg;
    if (pthread_create(&thread, NULL, log_on_thread, (void *)(uintptr_t)&of_thread) != 0)
        return 1;
    err = weir_offload(weir_pool_blocking(), "log", log_on_worker, (void *)(uintptr_t)&of_job);
    log_numbered(&of_task);
    pthread_join(thread, NULL);
    return err;
}

static int run_given(void *arg)
{
    return weir_run(NULL, *(int (**)(void *))arg, NULL);
}

/* Runs fn in a weir_run() of a child; what that says on stderr is in said. Returns: its status. */
static int say_in_run(int (*fn)(void *arg))
{
    return run_in_child(run_given, &fn, said, sizeof said);
}

static void lines_of_all_threads_are_there_in_order(void **state)
{
    (void)state;
    assert_int_equal(say_in_run(log_everywhere), 0);
    assert_numbered(&of_task);
    assert_numbered(&of_job);
    assert_numbered(&of_thread);
}

static int log_and_abort(void *arg)
{
    (void)arg;
    log_numbered(&of_task);
    abort();
}

static int log_and_fault(void *arg)
{
    volatile uintptr_t nowhere = 8;

    (void)arg;
    log_numbered(&of_task);
    return *(volatile int *)nowhere;
}

static int log_and_exit(void *arg)
{
    (void)arg;
    log_numbered(&of_task);
    exit(7);
}

static int log_and_leave_at_once(void *arg)
{
    (void)arg;
    log_numbered(&of_task);
    if (!weir_log_flush(weir_seconds(20)))
        _exit(1);
    _exit(8);
}

static void the_last_lines_of_a_program_that_ends_are_there(void **state)
{
    int status;

    (void)state;
    status = say_in_run(log_and_abort);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_numbered(&of_task);
    status = say_in_run(log_and_exit);
    assert_true(WIFEXITED(status) && (WEXITSTATUS(status) == 7 || HAS_HANDLERS)); /* or has found a leak */
    assert_numbered(&of_task);
    status = say_in_run(log_and_leave_at_once);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 8);
    assert_numbered(&of_task);
    if (HAS_HANDLERS)
        return;
    status = say_in_run(log_and_fault);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    assert_numbered(&of_task);
}

static int log_in_child_of_fork(void *arg)
{
    int status = 1;
    pid_t pid;

    (void)arg;
    weir_log(WEIR_LOG_INFO, "before");
    pid = fork();
    if (pid == 0) {
        weir_log(WEIR_LOG_INFO, "in the child");
        _exit(0);
    }
    waitpid(pid, &status, 0);
    weir_log(WEIR_LOG_INFO, "after");
    return status;
}

static void the_child_of_a_fork_writes_its_own_lines_alone(void **state)
{
    (void)state;
    assert_int_equal(say_in_run(log_in_child_of_fork), 0);
    assert_int_equal(count_of(said, "info before\n"), 1);
    assert_int_equal(count_of(said, "info in the child\n"), 1);
    assert_int_equal(count_of(said, "info after\n"), 1);
}

/* --- levels and forms --- */

static int log_at_all_levels(void *arg)
{
    (void)arg;
    for (int level = WEIR_LOG_DEBUG; level <= WEIR_LOG_ERROR; level++)
        if (weir_log_is_on((enum weir_log_level)level))
            weir_log((enum weir_log_level)level, "inside");
    return 0;
}

static int say_inside_and_outside(void *arg)
{
    int err;

    weir_log(WEIR_LOG_DEBUG, "outside");
    weir_log(WEIR_LOG_INFO, "outside");
    weir_log_configure(WEIR_LOG_DEBUG, true);
    weir_log(WEIR_LOG_DEBUG, "outside");
    err = weir_run(arg, log_at_all_levels, NULL);
    weir_log_configure(0, false);
    weir_log(WEIR_LOG_DEBUG, "outside");
    weir_log(WEIR_LOG_WARN, "outside");
    return err == 0 ? 0 : 1;
}

static void options_and_the_program_say_which_lines_are_written(void **state)
{
    static const enum weir_io ios[] = {WEIR_IO_EPOLL, WEIR_IO_SIM};
    weir_options wrong;

    (void)state;
    for (size_t i = 0; i < 2; i++)
        for (int level = 0; level <= WEIR_LOG_ERROR; level++) {
            weir_options options = {
                .io = ios[i], .log_level = (enum weir_log_level)level, .log_json = level == 1};
            assert_int_equal(run_in_child(say_inside_and_outside, &options, said, sizeof said), 0);
            assert_int_equal(count_of(said, "outside"), 3);
            assert_int_equal(count_of(said, "Z info outside\n"), 1);
            assert_int_equal(count_of(said, "\"level\":\"debug\",\"message\":\"outside\"}\n"), 1);
            assert_int_equal(count_of(said, "Z warn outside\n"), 1);
            assert_int_equal(count_of(said, "inside"), level == 0 ? 3 : WEIR_LOG_ERROR + 1 - level);
            assert_int_equal(count_of(said, "\"message\":\"inside\"}\n"), level == 1 ? 4 : 0);
        }
    wrong = (weir_options){.log_level = (enum weir_log_level)(WEIR_LOG_ERROR + 1)};
    assert_int_equal(weir_run(&wrong, log_at_all_levels, NULL), -EINVAL);
}

/* --- the writer --- */

static const struct weir__logger voice = {.level = WEIR_LOG_INFO, .wall_ns = weir__clock_wall_ns};

struct piped {
    struct weir__log_writer writer;
    int reading;
};

static void open_piped(struct piped *p)
{
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_true(fcntl(ends[1], F_SETPIPE_SZ, 4096) >= 4096);
    *p = (struct piped){.writer = {.fd = ends[1]}, .reading = ends[0]};
    assert_int_equal(weir__log_writer_begin(&p->writer, &voice), 0);
}

static void close_piped(struct piped *p)
{
    free(p->writer.shared);
    close(p->reading);
    close(p->writer.fd);
}

/* Puts lines of about a thousand bytes. */
static void put_lines(struct weir__log_writer *w, struct weir__log_ring *ring, int from, int count)
{
    char line[1024];

    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\n';
    for (int i = from; i < from + count; i++) {
        line[snprintf(line, sizeof line, "line %d", i)] = ' ';
        weir__log_writer_put(w, ring, line, sizeof line);
    }
}

static void *read_to_the_end(void *arg)
{
    struct piped *p = arg;
    size_t n = 0;
    ssize_t got;

    while (n + 1 < sizeof said && (got = read(p->reading, said + n, sizeof said - 1 - n)) > 0)
        n += (size_t)got;
    said[n] = '\0';
    return NULL;
}

static void await_stuck(const struct piped *p)
{
    struct pollfd room = {.fd = p->writer.fd, .events = POLLOUT};

    while (poll(&room, 1, 0) == 1)
        sched_yield();
}

/* The writer ends within its time limit, also when it is stuck; its lines are written if the pipe is read. */
static void a_reader_that_stands_still_is_not_waited_for(void **state)
{
    struct piped p;
    struct weir__log_ring *ring;
    pthread_t reader;
    size_t lines;

    (void)state;
    open_piped(&p);
    ring = weir__log_writer_ring(&p.writer, 64 << 10);
    assert_non_null(ring);
    put_lines(&p.writer, ring, 0, 40);
    await_stuck(&p);
    put_lines(&p.writer, ring, 40, 60);
    assert_true(atomic_load(&p.writer.dropped) > 20);
    assert_false(weir__log_writer_flush(&p.writer, 1000000));
    atomic_store(&ring->given_back, true);
    assert_false(weir__log_writer_end(&p.writer, 1000000));
    assert_int_equal(weir__log_writer_begin(&p.writer, &voice), 0); /* the same one goes on */
    ring = weir__log_writer_ring(&p.writer, 64 << 10);
    assert_int_equal(pthread_create(&reader, NULL, read_to_the_end, &p), 0);
    assert_true(weir__log_writer_flush(&p.writer, INT64_C(20) * SECOND_NS));
    put_lines(&p.writer, ring, 100, 1);
    assert_true(weir__log_writer_end(&p.writer, INT64_C(20) * SECOND_NS));
    close(p.writer.fd);
    p.writer.fd = -1;
    pthread_join(reader, NULL);
    lines = count_of(said, "\n");
    assert_int_equal(lines, 101 + 1 - atomic_load(&p.writer.dropped));
    assert_int_equal(count_of(said, " warn "), 1);
    assert_int_equal(count_of(said, " lines dropped dropped="), 1);
    assert_non_null(strstr(said, "line 0 x"));
    assert_non_null(strstr(said, "line 100 x"));
    close_piped(&p);
}

static void a_reader_that_has_left_is_counted(void **state)
{
    struct piped p;
    sigset_t pending;

    (void)state;
    open_piped(&p);
    close(p.reading);
    p.reading = -1;
    weir__log_writer_put_shared(&p.writer, "line\n", 5);
    assert_true(weir__log_writer_end(&p.writer, INT64_C(20) * SECOND_NS));
    assert_int_equal(atomic_load(&p.writer.dropped), 1);
    weir__log_writer_put_shared(&p.writer, "line\n", 5); /* directly now, and SIGPIPE does not end us */
    assert_int_equal(atomic_load(&p.writer.dropped), 2);
    assert_int_equal(sigpending(&pending), 0);
    assert_false(sigismember(&pending, SIGPIPE));
    close_piped(&p);
}

/* Full, by and by: of a line half is there, and the next one that fits begins on a line of its own. */
static void a_file_that_can_not_grow_is_counted(void **state)
{
    struct weir__log_writer w = {.fd = fileno(tmpfile())};
    struct rlimit before, small = {.rlim_cur = 10000};
    size_t n;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    assert_int_equal(weir__log_writer_begin(&w, &voice), 0);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (int i = 0; i < 20; i++)
        put_lines(&w, w.shared, i, 1);
    assert_true(weir__log_writer_flush(&w, INT64_C(20) * SECOND_NS));
    assert_int_equal(atomic_load(&w.dropped), 20 - 10000 / 1024);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    put_lines(&w, w.shared, 20, 1);
    assert_true(weir__log_writer_end(&w, INT64_C(20) * SECOND_NS));
    n = (size_t)pread(w.fd, said, sizeof said - 1, 0);
    said[n] = '\0';
    assert_int_equal(said[n - 1], '\n');
    assert_non_null(strstr(said, "xxx\nline 20 x"));
    assert_int_equal(count_of(said, " 11 lines dropped dropped=11\n"), 1);
    free(w.shared);
    close(w.fd);
}

/* --- a process that is stopped --- */

/* On the writer's thread: stops the process, and is not ready at once when that goes on. */
static void stop_process(void *arg, enum weir_log_level level, const char *line, size_t length)
{
    (void)arg, (void)level, (void)line, (void)length;
    (void)kill(getpid(), SIGSTOP);
    (void)usleep(20000);
}

static int end_stopped(void)
{
    struct weir__log_writer w = {.fd = -1, .sink = stop_process};

    if (weir__log_writer_begin(&w, &voice) < 0)
        return 1;
    weir__log_writer_put_shared(&w, "3line\n", 6);
    if (!weir__log_writer_end(&w, SECOND_NS))
        return 2;
    free(w.shared);
    return 0;
}

/* The time that a process stands still is none that the thread has had for its lines. */
static void the_time_of_a_stop_is_not_counted(void **state)
{
    pid_t child = fork();
    int status;

    (void)state;
    assert_true(child >= 0);
    if (child == 0)
        _exit(end_stopped());
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    assert_true(WIFSTOPPED(status));
    (void)usleep(1100000); /* longer than the thread is given */
    assert_int_equal(kill(child, SIGCONT), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_all_threads_are_there_in_order),
        cmocka_unit_test(the_last_lines_of_a_program_that_ends_are_there),
        cmocka_unit_test(the_child_of_a_fork_writes_its_own_lines_alone),
        cmocka_unit_test(options_and_the_program_say_which_lines_are_written),
        cmocka_unit_test(a_reader_that_stands_still_is_not_waited_for),
        cmocka_unit_test(a_reader_that_has_left_is_counted),
        cmocka_unit_test(a_file_that_can_not_grow_is_counted),
        cmocka_unit_test(the_time_of_a_stop_is_not_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
