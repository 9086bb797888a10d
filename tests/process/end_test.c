/* SPDX-License-Identifier: MIT */
/* How processes end: by themselves, asked, killed, with their scope; and what becomes of their group. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/process_rig.h"

/* A script that has said "ready" once its process is one. */
struct script {
    struct said said;
    weir_scope scope;
    weir_process *process;
    weir_event ready;
};

static void hear(void *arg, bool is_error, const char *line, size_t length)
{
    struct script *s = arg;

    note_line(&s->said, is_error, line, length);
    if (strncmp(line, "ready", 5) == 0)
        weir_event_set(&s->ready);
}

static void begin(struct script *s, const char *text, weir_duration grace)
{
    const char *argv[4];
    weir_process_options options = sh(argv, text, NULL);

    *s = (struct script){.process = NULL};
    options.line = hear;
    options.arg = s;
    options.grace = grace;
    weir_event_init(&s->ready);
    weir_scope_open(&s->scope, weir_never(), WEIR_COLLECT);
    assert_int_equal(weir_process_start(&s->scope, &options, &s->process), 0);
    assert_int_equal(weir_event_wait(&s->ready), 0);
}

static void expect_text(const weir_process_end *end, const char *text)
{
    char words[WEIR_PROCESS_END_BYTES];

    assert_string_equal(weir_process_end_text(end, words), text);
}

/* The number in "out ready N|". */
static pid_t number_said(const struct script *s)
{
    const char *at = strstr(s->said.text, "ready ");

    assert_non_null(at);
    return (pid_t)strtol(at + 6, NULL, 10);
}

static void await_death(pid_t pid)
{
    while (is_alive(pid))
        assert_int_equal(weir_sleep(weir_ms(2)), 0);
}

/* --- asked --- */

static int stops(void *arg)
{
    struct script s;
    weir_process_end end;

    (void)arg;
    begin(&s, "echo ready; exec sleep 1000", weir_ms(0));
    assert_int_equal(weir_process_stop(s.process, weir_seconds(1000), &end), 0);
    assert_int_equal(end.status, -1);
    assert_int_equal(end.signal, SIGTERM);
    assert_true(end.asked);
    assert_int_equal(end.asked_by, SIGTERM);
    expect_text(&end, "ended by SIGTERM");
    assert_int_equal(weir_process_stop(s.process, weir_ms(-1), &end), 0); /* only reports it */
    assert_int_equal(end.signal, SIGTERM);
    assert_int_equal(weir_scope_close(&s.scope), 0);

    begin(&s, "trap 'echo bye; exit 4' TERM; echo ready; while :; do sleep 0.01; done", weir_ms(0));
    assert_int_equal(weir_process_stop(s.process, weir_seconds(1000), &end), 0);
    expect_text(&end, "exited with status 4");
    assert_true(end.asked && end.after_asked.ns > 0 && end.after_asked.ns < end.took.ns);
    assert_said(&s.said, "out bye|");
    assert_int_equal(weir_scope_close(&s.scope), 0);
    return 0;
}

static void a_process_is_asked_to_end(void **state)
{
    (void)state;
    run_really(stops, NULL);
}

static int kills_after_grace(void *arg)
{
    struct script s;
    weir_process_end end;
    char text[WEIR_PROCESS_END_BYTES];

    (void)arg;
    begin(&s, "trap '' TERM; echo ready; while :; do sleep 0.01; done", weir_ms(0));
    assert_int_equal(weir_process_stop(s.process, weir_ms(20), &end), 0);
    assert_int_equal(end.signal, SIGKILL);
    assert_int_equal(end.asked_by, SIGTERM);
    assert_true(end.after_asked.ns >= 20000000);
    assert_memory_equal(weir_process_end_text(&end, text), "killed ", 7);
    assert_non_null(strstr(text, " s after SIGTERM"));
    assert_int_equal(weir_scope_close(&s.scope), 0);

    /* without being asked */
    begin(&s, "trap 'echo asked' TERM; echo ready; while :; do sleep 0.01; done", weir_ms(0));
    assert_int_equal(weir_process_stop(s.process, weir_ms(-1), &end), 0);
    expect_text(&end, "ended by SIGKILL");
    assert_true(end.asked);
    assert_int_equal(end.asked_by, 0);
    assert_null(strstr(s.said.text, "asked"));
    assert_int_equal(weir_scope_close(&s.scope), 0);
    return 0;
}

static void a_process_that_does_not_end_is_killed(void **state)
{
    (void)state;
    run_really(kills_after_grace, NULL);
}

/* A stop whose wait is cancelled goes on; a second one does not ask again, and may shorten the grace. */
static int stops_twice(void *arg)
{
    struct script s;
    weir_process_end end;
    weir_scope wait;

    (void)arg;
    begin(&s, "trap 'echo asked' TERM; echo ready; while :; do sleep 0.01; done", weir_ms(0));
    weir_scope_open(&wait, weir_after_ms(20), 0);
    assert_int_equal(weir_process_stop(s.process, weir_seconds(1000), NULL), -WEIR_EDEADLINE);
    assert_int_equal(weir_scope_close(&wait), -WEIR_EDEADLINE);
    while (strstr(s.said.text, "asked") == NULL)
        assert_int_equal(weir_sleep(weir_ms(2)), 0);
    assert_int_equal(weir_process_stop(s.process, weir_ms(30), &end), 0);
    assert_int_equal(end.signal, SIGKILL);
    assert_null(strstr(strstr(s.said.text, "asked") + 1, "asked"));
    assert_int_equal(weir_scope_close(&s.scope), 0);

    begin(&s, "trap '' TERM; echo ready; while :; do sleep 0.01; done", weir_ms(0));
    weir_scope_open(&wait, weir_never(), 0);
    weir_scope_cancel(&wait);
    assert_int_equal(weir_process_stop(s.process, weir_ms(10), NULL), -WEIR_ECANCELED);
    assert_int_equal(weir_scope_close(&wait), -WEIR_ECANCELED);
    assert_int_equal(weir_process_wait(s.process, &end), 0); /* it was asked, and is killed */
    assert_int_equal(end.signal, SIGKILL);
    assert_int_equal(weir_scope_close(&s.scope), 0);
    return 0;
}

static void a_stop_goes_on_without_its_caller(void **state)
{
    (void)state;
    run_really(stops_twice, NULL);
}

/* The signal of a stop waits in a stopped process, which goes on for it. */
static int stops_stopped(void *arg)
{
    struct script s;
    weir_process_end end;

    (void)arg;
    begin(&s, "trap 'exit 5' TERM; echo ready; while :; do sleep 0.01; done", weir_ms(0));
    assert_int_equal(weir_process_signal(s.process, SIGSTOP), 0);
    assert_int_equal(weir_process_stop(s.process, weir_seconds(1000), &end), 0);
    expect_text(&end, "exited with status 5");
    assert_int_equal(weir_scope_close(&s.scope), 0);

    begin(&s, "trap '' TERM; echo ready; while :; do sleep 0.01; done", weir_ms(0));
    assert_int_equal(weir_process_signal(s.process, SIGSTOP), 0);
    assert_int_equal(weir_process_stop(s.process, weir_ms(10), &end), 0);
    assert_int_equal(end.signal, SIGKILL);
    assert_int_equal(weir_scope_close(&s.scope), 0);
    return 0;
}

static void a_stopped_process_is_ended(void **state)
{
    (void)state;
    run_really(stops_stopped, NULL);
}

/* --- signals --- */

static int signals(void *arg)
{
    struct script s;
    weir_process_end end;

    (void)arg;
    begin(&s, "trap 'echo usr; exit 0' USR1; echo ready; while :; do sleep 0.01; done", weir_ms(0));
    assert_int_equal(weir_process_signal(s.process, 0), -EINVAL);
    assert_int_equal(weir_process_signal(s.process, 65), -EINVAL);
    assert_int_equal(weir_process_signal_group(s.process, -1), -EINVAL);
    assert_int_equal(weir_process_signal(s.process, SIGUSR1), 0);
    assert_int_equal(weir_process_wait(s.process, &end), 0);
    assert_said(&s.said, "out usr|");
    assert_false(end.asked);
    assert_int_equal(weir_process_signal(s.process, SIGUSR1), -ESRCH);
    assert_int_equal(weir_process_signal_group(s.process, SIGKILL), -ESRCH);
    assert_int_equal(weir_scope_close(&s.scope), 0);

    begin(&s, "echo ready; exec sleep 1000", weir_ms(0));
    assert_int_equal(weir_process_signal(s.process, SIGKILL), 0);
    assert_int_equal(weir_process_wait(s.process, &end), 0);
    assert_true(end.asked); /* it was killed by this program */
    expect_text(&end, "ended by SIGKILL");
    assert_int_equal(weir_scope_close(&s.scope), 0);

    begin(&s, "echo ready; kill -SEGV $$; sleep 1000", weir_ms(0));
    assert_int_equal(weir_process_wait(s.process, &end), 0);
    assert_false(end.asked);
    assert_int_equal(end.signal, SIGSEGV);
    assert_int_equal(weir_scope_close(&s.scope), 0);
    return 0;
}

static void signals_reach_a_process(void **state)
{
    (void)state;
    run_really(signals, NULL);
}

/* --- its group --- */

static int group_is_killed(void *arg)
{
    struct script s;
    weir_process_end end;

    (void)arg;
    /* a grandchild that ignores what the process obeys */
    begin(&s, "sh -c 'trap \"\" TERM; echo ready $$; exec sleep 1000' & wait", weir_ms(0));
    assert_true(is_alive(number_said(&s)));
    assert_int_equal(weir_process_stop(s.process, weir_seconds(1000), &end), 0);
    expect_text(&end, "ended by SIGTERM");
    await_death(number_said(&s));
    assert_int_equal(weir_scope_close(&s.scope), 0);

    /* a process that ends by itself leaves one behind */
    begin(&s, "sleep 1000 & echo ready $!", weir_ms(0));
    assert_int_equal(weir_process_wait(s.process, &end), 0);
    expect_text(&end, "exited with status 0");
    await_death(number_said(&s));
    assert_int_equal(weir_scope_close(&s.scope), 0);

    /* all of the group get a signal */
    begin(&s, "trap : USR1; sh -c 'echo ready $$; exec sleep 1000' & wait; wait", weir_ms(0));
    assert_int_equal(weir_process_signal_group(s.process, SIGUSR1), 0);
    await_death(number_said(&s));
    assert_int_equal(weir_process_wait(s.process, &end), 0);
    assert_int_equal(weir_scope_close(&s.scope), 0);
    return 0;
}

static void the_rest_of_a_group_is_killed(void **state)
{
    (void)state;
    run_really(group_is_killed, NULL);
}

/* A grandchild with a session of its own holds the pipes. */
static int held_back(void *arg)
{
    struct script s;
    weir_process_end end;
    weir_instant began;
    pid_t other;

    (void)arg;
    begin(&s,
          "trap 'printf last; exit' USR1; setsid sh -c 'echo ready $$; exec sleep 1000' & "
          "while :; do sleep 0.01; done",
          weir_ms(0));
    assert_int_equal(weir_process_signal(s.process, SIGUSR1), 0);
    began = weir_now();
    assert_int_equal(weir_process_wait(s.process, &end), 0);
    assert_true(weir_between(began, weir_now()).ns < 60 * INT64_C(1000000000));
    assert_said(&s.said, "out last|"); /* what was there is given */
    other = number_said(&s);
    assert_true(is_alive(other)); /* it is not the process's any more */
    assert_int_equal(kill(other, SIGKILL), 0);
    assert_int_equal(weir_scope_close(&s.scope), 0);
    return 0;
}

static void a_process_of_its_own_holds_no_wait(void **state)
{
    (void)state;
    run_really(held_back, NULL);
}

/* --- its scope --- */

static int scope_ends_it(void *arg)
{
    struct script s;
    weir_process_end end;
    pid_t pid;

    (void)arg;
    begin(&s, "trap 'echo bye; exit' TERM; echo ready; while :; do sleep 0.01; done", weir_seconds(1000));
    pid = weir_process_id(s.process);
    weir_scope_cancel(&s.scope);
    assert_int_equal(weir_scope_close(&s.scope), -WEIR_ECANCELED);
    assert_said(&s.said, "out bye|"); /* what it says as it ends is heard */
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(errno, ESRCH);

    begin(&s, "trap '' TERM; echo ready; while :; do sleep 0.01; done", weir_ms(20));
    pid = weir_process_id(s.process);
    (void)weir_scope_set_deadline(&s.scope, weir_after_ms(20));
    assert_int_equal(weir_process_wait(s.process, &end), -WEIR_EDEADLINE);
    assert_int_equal(weir_scope_close(&s.scope), -WEIR_EDEADLINE);
    assert_int_equal(kill(pid, 0), -1);

    begin(&s, "trap 'echo asked' TERM; echo ready; while :; do sleep 0.01; done", weir_ms(-1));
    weir_scope_cancel(&s.scope);
    assert_int_equal(weir_scope_close(&s.scope), -WEIR_ECANCELED);
    assert_null(strstr(s.said.text, "asked"));

    begin(&s, "echo ready; exec sleep 0.05", weir_ms(0));
    assert_int_equal(weir_scope_close(&s.scope), 0); /* waits for it */
    return 0;
}

static void a_process_ends_with_its_scope(void **state)
{
    (void)state;
    run_really(scope_ends_it, NULL);
}

static int wait_for_it(void *arg)
{
    weir_process_end end;
    int err = weir_process_wait(arg, &end);

    return err < 0 ? err : end.status;
}

static int several_wait(void *arg)
{
    struct script s;
    weir_scope others, one;

    (void)arg;
    begin(&s, "echo ready; read x; exit 0", weir_ms(0));
    assert_int_equal(weir_scope_close(&s.scope), 0); /* stdin is /dev/null: it has ended */

    begin(&s, "echo ready; exec sleep 0.1", weir_ms(0));
    weir_scope_open(&others, weir_never(), 0);
    for (int i = 0; i < 5; i++)
        weir_spawn(&others, "waiter", wait_for_it, s.process);
    weir_scope_open(&one, weir_after_ms(5), 0);
    assert_int_equal(weir_process_wait(s.process, NULL), -WEIR_EDEADLINE); /* takes nothing */
    assert_int_equal(weir_scope_close(&one), -WEIR_EDEADLINE);
    assert_int_equal(weir_scope_close(&others), 0);
    assert_int_equal(weir_scope_close(&s.scope), 0);
    return 0;
}

static void several_tasks_wait_for_one_process(void **state)
{
    (void)state;
    run_really(several_wait, NULL);
}

/* --- against the rules --- */

/* A program that ignores SIGCHLD has its children reaped by the kernel: the end is seen, not how it was. */
static int is_reaped_elsewhere(void *arg)
{
    struct script s;
    weir_process_end end;

    (void)arg;
    begin(&s, "echo ready; exit 3", weir_ms(0));
    assert_int_equal(weir_process_wait(s.process, &end), 0);
    assert_int_equal(end.status, -1);
    assert_int_equal(end.signal, 0);
    expect_text(&end, "ended, reaped by another part of this program");
    assert_int_equal(weir_scope_close(&s.scope), 0);
    return 0;
}

static void a_process_may_be_reaped_elsewhere(void **state)
{
    (void)state;
    (void)signal(SIGCHLD, SIG_IGN);
    run_really(is_reaped_elsewhere, NULL);
    (void)signal(SIGCHLD, SIG_DFL);
}

static void ends_have_words(void **state)
{
    (void)state;
    expect_text(&(weir_process_end){.status = 0}, "exited with status 0");
    expect_text(&(weir_process_end){.status = 255, .asked = true, .asked_by = SIGTERM},
                "exited with status 255");
    expect_text(&(weir_process_end){.status = -1, .signal = SIGSEGV, .dumped_core = true},
                "ended by SIGSEGV, with a core dump");
    expect_text(&(weir_process_end){.status = -1, .signal = SIGKILL}, "ended by SIGKILL");
    expect_text(&(weir_process_end){.status = -1, .signal = 40}, "ended by signal 40");
    expect_text(&(weir_process_end){.status = -1,
                                    .signal = SIGKILL,
                                    .asked = true,
                                    .asked_by = SIGINT,
                                    .after_asked = weir_ms(10040)},
                "killed 10.0 s after SIGINT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_is_asked_to_end),
        cmocka_unit_test(a_process_that_does_not_end_is_killed),
        cmocka_unit_test(a_stop_goes_on_without_its_caller),
        cmocka_unit_test(a_stopped_process_is_ended),
        cmocka_unit_test(signals_reach_a_process),
        cmocka_unit_test(the_rest_of_a_group_is_killed),
        cmocka_unit_test(a_process_of_its_own_holds_no_wait),
        cmocka_unit_test(a_process_ends_with_its_scope),
        cmocka_unit_test(several_tasks_wait_for_one_process),
        cmocka_unit_test(a_process_may_be_reaped_elsewhere),
        cmocka_unit_test(ends_have_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
