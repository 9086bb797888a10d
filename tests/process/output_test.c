/* SPDX-License-Identifier: MIT */
/* What processes say, however they say it. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "process/process_rig.h"

/* Runs a script to its end. */
static void run_script(const char *script, struct said *said)
{
    const char *argv[4];
    weir_process_options options = sh(argv, script, said);
    weir_process *process;
    weir_scope scope;

    *said = (struct said){{0}, 0, 0};
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_process_start(&scope, &options, &process), 0);
    assert_int_equal(weir_process_wait(process, NULL), 0);
    assert_int_equal(weir_scope_close(&scope), 0);
}

static int hears(void *arg)
{
    struct said said;

    (void)arg;
    run_script("echo 1; echo 2; echo 3; echo; printf rest", &said);
    assert_string_equal(said.text, "out 1|out 2|out 3|out |out rest|");
    run_script("exec >&-; echo only >&2", &said); /* one of them ends early */
    assert_string_equal(said.text, "err only|");
    run_script("exec >&- 2>&-; exit 0", &said);
    assert_string_equal(said.text, "");
    run_script("printf 'a\\000b\\n\\000\\n'", &said);
    assert_int_equal(said.lines, 2);
    assert_int_equal(said.bytes, 4);
    run_script("head -c 10000 /dev/zero | tr '\\000' x; echo; echo next", &said);
    assert_int_equal(said.lines, 4); /* 4096, 4096 and 1808 bytes, next */
    assert_int_equal(said.bytes, 10004);
    assert_said(&said, "out next|");
    run_script("head -c 5000 /dev/zero", &said);
    assert_int_equal(said.lines, 2);
    assert_int_equal(said.bytes, 5000);
    return 0;
}

static void every_line_is_given(void **state)
{
    (void)state;
    run_really(hears, NULL);
}

/* --- a flood --- */

enum { FLOOD_LINES = 300000 };

struct flood {
    uint64_t lines, lines_at_turn, most_between;
    bool ended;
};

static void count_line(void *arg, bool is_error, const char *line, size_t length)
{
    struct flood *f = arg;

    (void)is_error, (void)line;
    assert_int_equal(length, 1);
    f->lines++;
    if (f->lines - f->lines_at_turn > f->most_between)
        f->most_between = f->lines - f->lines_at_turn;
}

static int take_turns(void *arg)
{
    struct flood *f = arg;

    while (!f->ended) {
        f->lines_at_turn = f->lines;
        assert_int_equal(weir_yield(), 0);
    }
    return 0;
}

static int floods(void *arg)
{
    const char *argv[4];
    weir_process_options options = sh(argv, "yes | head -n 300000", NULL);
    struct flood f = {0};
    weir_process *process;
    weir_scope scope;

    (void)arg;
    options.line = count_line;
    options.arg = &f;
    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "takes turns", take_turns, &f);
    assert_int_equal(weir_process_start(&scope, &options, &process), 0);
    assert_int_equal(weir_process_wait(process, NULL), 0);
    f.ended = true;
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_int_equal(f.lines, FLOOD_LINES);
    assert_true(f.most_between <= 64); /* others run between a few lines */
    return 0;
}

static void a_flood_of_lines_leaves_turns_to_others(void **state)
{
    (void)state;
    run_really(floods, NULL);
}

/* A process that never stops is ended nevertheless. */
static int floods_for_ever(void *arg)
{
    const char *argv[4];
    weir_process_options options = sh(argv, "trap '' TERM; while :; do yes; done", NULL);
    struct flood f = {0};
    weir_process *process;
    weir_process_end end;
    weir_scope scope;

    (void)arg;
    options.line = count_line;
    options.arg = &f;
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_process_start(&scope, &options, &process), 0);
    while (f.lines < 1000)
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
    assert_int_equal(weir_process_stop(process, weir_ms(20), &end), 0);
    assert_int_equal(end.signal, SIGKILL);
    assert_int_equal(weir_scope_close(&scope), 0);
    return 0;
}

static void a_process_that_floods_is_ended(void **state)
{
    (void)state;
    run_really(floods_for_ever, NULL);
}

/* A grandchild with a session of its own floods, and cannot be ended: its lines are not waited for. */
static void note_number(void *arg, bool is_error, const char *line, size_t length)
{
    (void)length;
    if (is_error)
        *(pid_t *)arg = (pid_t)strtol(line, NULL, 10);
}

static int floods_after_death(void *arg)
{
    const char *argv[4];
    weir_process_options options =
        sh(argv, "trap exit USR1; setsid sh -c 'echo $$ >&2; exec yes' & while :; do sleep 0.01; done", NULL);
    weir_process *process;
    weir_scope scope;
    pid_t other = 0;

    (void)arg;
    options.line = note_number;
    options.arg = &other;
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_process_start(&scope, &options, &process), 0);
    while (other == 0)
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
    assert_int_equal(weir_process_signal(process, SIGUSR1), 0);
    assert_int_equal(weir_process_wait(process, NULL), 0);
    assert_int_equal(weir_scope_close(&scope), 0); /* the pipe is closed, and the flood ends by SIGPIPE */
    while (is_alive(other))
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
    return 0;
}

static void a_flood_of_another_process_is_not_waited_for(void **state)
{
    (void)state;
    run_really(floods_after_death, NULL);
}

/* --- a function for lines that waits --- */

struct slow {
    weir_event go_on;
    int lines, err;
};

static void wait_for_event(void *arg, bool is_error, const char *line, size_t length)
{
    struct slow *s = arg;

    (void)is_error, (void)line, (void)length;
    s->lines++;
    s->err = weir_event_wait(&s->go_on);
}

static int waits_in_line(void *arg)
{
    const char *argv[4];
    weir_process_options options = sh(argv, "yes | head -n 100000", NULL);
    weir_process_end end;
    struct slow s = {.lines = 0};
    weir_process *process;
    weir_scope scope, wait;

    (void)arg;
    weir_event_init(&s.go_on);
    options.line = wait_for_event;
    options.arg = &s;
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_process_start(&scope, &options, &process), 0);
    weir_scope_open(&wait, weir_after_ms(50), 0);
    assert_int_equal(weir_process_wait(process, NULL), -WEIR_EDEADLINE); /* the process waits for room */
    (void)weir_scope_close(&wait);
    assert_int_equal(s.lines, 1);
    weir_event_set(&s.go_on);
    assert_int_equal(weir_process_wait(process, &end), 0);
    assert_int_equal(end.status, 0);
    assert_int_equal(s.lines, 100000);
    assert_int_equal(weir_scope_close(&scope), 0);

    /* its wait ends with the scope, and the process with it */
    weir_event_reset(&s.go_on);
    s.lines = 0;
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_process_start(&scope, &options, &process), 0);
    while (s.lines == 0)
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
    weir_scope_cancel(&scope);
    assert_int_equal(weir_scope_close(&scope), -WEIR_ECANCELED);
    assert_int_equal(s.err, -WEIR_ECANCELED);
    return 0;
}

static void a_function_for_lines_may_wait(void **state)
{
    (void)state;
    run_really(waits_in_line, NULL);
}

/* --- the log --- */

static int logs(void *arg)
{
    const char *argv[4];
    weir_process_options options = sh(argv, "echo 'some words'; echo trouble >&2", NULL);
    weir_process *process;
    weir_scope scope;

    (void)arg;
    options.name = "talker";
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_process_start(&scope, &options, &process), 0);
    return weir_scope_close(&scope);
}

static void keep_log(void *arg, enum weir_log_level level, const char *line, size_t length)
{
    struct said *said = arg;

    (void)level, (void)length;
    (void)strncat(said->text, line, sizeof said->text - strlen(said->text) - 1);
}

static void lines_are_logged_without_a_function(void **state)
{
    struct said said = {{0}, 0, 0};
    weir_options options = {.io = WEIR_IO_EPOLL, .log_sink = keep_log, .log_sink_arg = &said};

    (void)state;
    assert_int_equal(weir_run(&options, logs, NULL), 0);
    assert_said(&said, "process=talker");
    assert_said(&said, "to=stdout line=\"some words\"");
    assert_said(&said, "to=stderr line=trouble");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_is_given),
        cmocka_unit_test(a_flood_of_lines_leaves_turns_to_others),
        cmocka_unit_test(a_process_that_floods_is_ended),
        cmocka_unit_test(a_flood_of_another_process_is_not_waited_for),
        cmocka_unit_test(a_function_for_lines_may_wait),
        cmocka_unit_test(lines_are_logged_without_a_function),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
