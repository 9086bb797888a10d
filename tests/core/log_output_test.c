/* SPDX-License-Identifier: MIT */
/* The log of a runtime with a descriptor or a sink of its own. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/child.h"
#include "support/run.h"

enum { LINES = 200, TEXT_BYTES = 64 << 10 };

static int log_on_worker(weir_job *job, void *arg)
{
    (void)job;
    (void)arg;
    weir_log(WEIR_LOG_WARN, "of a job");
    return 0;
}

static int log_lines(void *arg)
{
    (void)arg;
    for (int i = 0; i < LINES; i++)
        weir_log(WEIR_LOG_INFO, "of a task", WEIR_KV_INT("n", i));
    weir_log(WEIR_LOG_DEBUG, "below the level");
    return weir_offload(weir_pool_blocking(), "log", log_on_worker, NULL);
}

/* --- a descriptor --- */

static void assert_written(FILE *file)
{
    static char text[TEXT_BYTES];
    ssize_t n = pread(fileno(file), text, sizeof text - 1, 0);
    const char *at = text;
    char line[64];

    assert_true(n > 0);
    text[n] = '\0';
    for (int i = 0; i < LINES; i++) {
        (void)snprintf(line, sizeof line, "Z info of a task n=%d\n", i);
        at = strstr(at, line);
        assert_non_null(at);
    }
    assert_non_null(strstr(text, "Z warn of a job\n"));
    assert_null(strstr(text, "below the level"));
}

static void lines_go_to_the_descriptor_of_the_options(void **state)
{
    const enum weir_io kernels[] = {WEIR_IO_EPOLL, WEIR_IO_SIM};

    (void)state;
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) {
        FILE *file = tmpfile();
        weir_options options = {.io = kernels[i], .log_fd = fileno(file)};
        assert_int_equal(weir_run(&options, log_lines, NULL), 0);
        assert_written(file);
        fclose(file);
    }
}

static int close_it_and_log(void *arg)
{
    close(*(int *)arg);
    return log_lines(NULL);
}

static void the_descriptor_may_be_closed_meanwhile(void **state)
{
    FILE *file = tmpfile();
    int fd = dup(fileno(file));
    weir_options options = {.io = WEIR_IO_EPOLL, .log_fd = fd};

    (void)state;
    assert_int_equal(weir_run(&options, close_it_and_log, &fd), 0);
    assert_written(file);
    fclose(file);
}

static void what_is_no_descriptor_is_refused(void **state)
{
    weir_options none = {.io = WEIR_IO_SIM, .log_fd = 100000};
    weir_options negative = {.io = WEIR_IO_SIM, .log_fd = -1};

    (void)state;
    assert_int_equal(weir_run(&none, log_lines, NULL), -EBADF);
    assert_int_equal(weir_run(&negative, log_lines, NULL), -EINVAL);
}

/* --- a sink --- */

struct sink {
    pthread_t caller;
    int infos, warnings, others;
    bool is_whole, was_caller;
};

static void take(void *arg, enum weir_log_level level, const char *line, size_t length)
{
    struct sink *sink = arg;
    char expected[64];

    if (level == WEIR_LOG_INFO) {
        (void)snprintf(expected, sizeof expected, "Z info of a task n=%d", sink->infos++);
        sink->is_whole &= strstr(line, expected) != NULL && strlen(line) == length;
    } else if (level == WEIR_LOG_WARN) {
        sink->warnings++;
        sink->is_whole &= strcmp(line + length - strlen("of a job"), "of a job") == 0;
    } else {
        sink->others++;
    }
    sink->was_caller = pthread_equal(pthread_self(), sink->caller) != 0;
}

static void a_sink_gets_each_line_and_its_level(void **state)
{
    const enum weir_io kernels[] = {WEIR_IO_EPOLL, WEIR_IO_SIM};

    (void)state;
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) {
        struct sink sink = {.caller = pthread_self(), .is_whole = true};
        weir_options options = {.io = kernels[i],
                                .log_sink = take,
                                .log_sink_arg = &sink,
                                .stall_after = weir_seconds(60)}; /* a busy machine has no lines of its own */
        assert_int_equal(weir_run(&options, log_lines, NULL), 0);
        assert_int_equal(sink.infos, LINES);
        assert_int_equal(sink.warnings, 1);
        assert_int_equal(sink.others, 0);
        assert_true(sink.is_whole);
        assert_true(sink.was_caller == (kernels[i] == WEIR_IO_SIM));
    }
}

static void a_sink_and_a_descriptor_contradict_each_other(void **state)
{
    struct sink sink = {0};
    weir_options options = {.io = WEIR_IO_SIM, .log_fd = 2, .log_sink = take, .log_sink_arg = &sink};

    (void)state;
    assert_int_equal(weir_run(&options, log_lines, NULL), -EINVAL);
}

/* --- the end of a program --- */

static int log_and_abort(void *arg)
{
    (void)arg;
    weir_log(WEIR_LOG_ERROR, "the last line");
    abort();
}

static void take_to_stderr(void *arg, enum weir_log_level level, const char *line, size_t length)
{
    (void)arg;
    (void)fprintf(stderr, "%d %.*s\n", (int)level, (int)length, line);
}

static int run_with_sink(void *arg)
{
    weir_options options = {.io = WEIR_IO_EPOLL, .log_sink = take_to_stderr};

    (void)arg;
    return weir_run(&options, log_and_abort, NULL);
}

static void a_sink_gets_the_last_line_of_a_program_that_aborts(void **state)
{
    char said[4096];

    (void)state;
    assert_int_not_equal(run_in_child(run_with_sink, NULL, said, sizeof said), 0);
    assert_non_null(strstr(said, "error the last line\n"));
    assert_non_null(strstr(said, "4 "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_go_to_the_descriptor_of_the_options),
        cmocka_unit_test(the_descriptor_may_be_closed_meanwhile),
        cmocka_unit_test(what_is_no_descriptor_is_refused),
        cmocka_unit_test(a_sink_gets_each_line_and_its_level),
        cmocka_unit_test(a_sink_and_a_descriptor_contradict_each_other),
        cmocka_unit_test(a_sink_gets_the_last_line_of_a_program_that_aborts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
