/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "process/process_rig.h"

static int says_lines_and_ends(void *arg)
{
    struct said said = {{0}, 0, 0};
    const char *argv[4];
    weir_process_options options = sh(argv, "echo hello; echo oh >&2; printf rest; exit 3", &said);
    weir_process *process;
    weir_process_end end;
    weir_scope scope;
    char text[WEIR_PROCESS_END_BYTES];

    (void)arg;
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_process_start(&scope, &options, &process), 0);
    assert_true(weir_process_id(process) > 0);
    assert_int_equal(weir_process_wait(process, &end), 0);
    assert_int_equal(end.status, 3);
    assert_int_equal(end.signal, 0);
    assert_false(end.asked);
    assert_true(end.took.ns > 0 && end.cpu.ns > 0 && end.memory_bytes_max > 0);
    assert_string_equal(weir_process_end_text(&end, text), "exited with status 3");
    assert_non_null(strstr(said.text, "out hello|"));
    assert_non_null(strstr(said.text, "err oh|"));
    assert_non_null(strstr(said.text, "out rest|"));
    assert_int_equal(said.lines, 3);
    assert_int_equal(weir_process_signal(process, SIGTERM), -ESRCH);
    assert_int_equal(weir_process_wait(process, &end), 0);
    assert_int_equal(weir_scope_close(&scope), 0);
    return 0;
}

static void a_process_says_lines_and_ends(void **state)
{
    (void)state;
    run_really(says_lines_and_ends, NULL);
}

static int is_stopped(void *arg)
{
    const char *argv[4];
    weir_process_options options = sh(argv, "exec sleep 1000", NULL);
    weir_process *process;
    weir_process_end end;
    weir_scope scope;
    char text[WEIR_PROCESS_END_BYTES];

    (void)arg;
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_process_start(&scope, &options, &process), 0);
    assert_int_equal(weir_process_stop(process, weir_seconds(60), &end), 0);
    assert_int_equal(end.status, -1);
    assert_int_equal(end.signal, SIGTERM);
    assert_true(end.asked);
    assert_string_equal(weir_process_end_text(&end, text), "ended by SIGTERM");
    assert_int_equal(weir_scope_close(&scope), 0);
    return 0;
}

static void a_process_is_stopped(void **state)
{
    (void)state;
    run_really(is_stopped, NULL);
}

static int ends_with_scope(void *arg)
{
    const char *argv[4];
    weir_process_options options = sh(argv, "trap '' TERM; while :; do sleep 1000; done", NULL);
    weir_process *process;
    weir_scope scope;
    pid_t pid;

    (void)arg;
    options.grace = weir_ms(30);
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_process_start(&scope, &options, &process), 0);
    pid = weir_process_id(process);
    weir_scope_cancel(&scope);
    assert_int_equal(weir_scope_close(&scope), -WEIR_ECANCELED);
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(errno, ESRCH);
    return 0;
}

static void a_process_does_not_outlive_its_scope(void **state)
{
    (void)state;
    run_really(ends_with_scope, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_says_lines_and_ends),
        cmocka_unit_test(a_process_is_stopped),
        cmocka_unit_test(a_process_does_not_outlive_its_scope),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
