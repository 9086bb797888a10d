/* SPDX-License-Identifier: MIT */
/* Simulated processes: late, obedient, deaf, crashing, hanging; each seed has its own order of things. */
#include <errno.h>
#include <signal.h>

#include "process/process_rig.h"

static const char *const argv[] = {"/usr/bin/server", "-x", NULL};

static weir_process_options of(int (*simulate)(void *arg, weir_simulated_process *self), struct said *said)
{
    return (weir_process_options){
        .argv = argv, .simulate = simulate, .line = note_line, .arg = said, .grace = weir_seconds(10)};
}

static void expect_text(const weir_process_end *end, const char *text)
{
    char words[WEIR_PROCESS_END_BYTES];

    assert_string_equal(weir_process_end_text(end, words), text);
}

/* Runs one to its end by itself. */
static weir_process_end run_simulation(int (*simulate)(void *arg, weir_simulated_process *self),
                                       struct said *said)
{
    weir_process_options options = of(simulate, said);
    weir_process *process;
    weir_process_end end;
    weir_scope scope;

    *said = (struct said){{0}, 0, 0};
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_process_start(&scope, &options, &process), 0);
    assert_true(weir_process_id(process) > 0);
    assert_int_equal(weir_process_wait(process, &end), 0);
    assert_int_equal(weir_process_signal(process, SIGTERM), -ESRCH);
    assert_int_equal(weir_scope_close(&scope), 0);
    return end;
}

/* --- processes --- */

static int says_and_exits(void *arg, weir_simulated_process *self)
{
    const weir_process_options *o = weir_simulated_process_options(self);

    (void)arg;
    assert_string_equal(o->argv[1], "-x");
    assert_string_equal(o->name, "server");
    assert_int_equal(weir_simulated_process_print(self, false, "one"), 0);
    assert_int_equal(weir_simulated_process_print(self, true, ""), 0);
    assert_int_equal(weir_sleep(weir_seconds(3600)), 0);
    assert_int_equal(weir_simulated_process_print(self, false, "two"), 0);
    return 7;
}

static int crashes(void *arg, weir_simulated_process *self)
{
    (void)arg, (void)self;
    return -SIGSEGV;
}

static int obeys(void *arg, weir_simulated_process *self)
{
    (void)arg;
    for (;;) {
        int number = weir_simulated_process_signal(self);

        if (number == SIGTERM)
            break;
        if (number < 0)
            return 99; /* killed: nobody sees the status */
        assert_int_equal(number, SIGHUP);
        assert_int_equal(weir_simulated_process_print(self, false, "again"), 0);
    }
    assert_int_equal(weir_sleep(weir_seconds(2)), 0);
    assert_int_equal(weir_simulated_process_print(self, false, "bye"), 0);
    return 0;
}

static int is_deaf(void *arg, weir_simulated_process *self)
{
    struct said *said = arg;

    weir_simulated_process_ignore(self, SIGTERM);
    weir_simulated_process_ignore(self, SIGKILL); /* has no effect */
    (void)!weir_simulated_process_print(self, false, "ready");
    assert_int_equal(weir_sleep_until(weir_never()), -WEIR_ECANCELED);
    assert_int_equal(weir_sleep(weir_ms(1)), -WEIR_ECANCELED);
    assert_int_equal(weir_simulated_process_signal(self), -WEIR_ECANCELED);
    assert_int_equal(weir_simulated_process_print(self, false, "no"), -WEIR_ECANCELED);
    said->bytes = 1000;
    return 5;
}

static int only_sleeps(void *arg, weir_simulated_process *self)
{
    (void)arg, (void)self;
    return weir_sleep_until(weir_never());
}

static int floods(void *arg, weir_simulated_process *self)
{
    (void)arg;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(weir_simulated_process_print(self, i % 2 == 1, "x"), 0);
    return 0;
}

/* --- ends --- */

static int ends(void *arg)
{
    struct said said;
    weir_process_end end = run_simulation(says_and_exits, &said);

    (void)arg;
    expect_text(&end, "exited with status 7");
    assert_string_equal(said.text, "out one|err |out two|");
    assert_true(end.took.ns >= INT64_C(3600000000000));
    end = run_simulation(crashes, &said);
    expect_text(&end, "ended by SIGSEGV");
    assert_int_equal(end.status, -1);
    end = run_simulation(floods, &said);
    assert_int_equal(said.lines, 1000);
    return 0;
}

static void a_simulated_process_ends(void **state)
{
    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(20); seed++)
        run_simulated(seed, ends, NULL);
}

static int is_stopped(void *arg)
{
    weir_process_options options;
    struct said said = {{0}, 0, 0};
    weir_process *process;
    weir_process_end end;
    weir_scope scope;

    (void)arg;
    options = of(obeys, &said);
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_process_start(&scope, &options, &process), 0);
    assert_int_equal(weir_sleep(weir_seconds(1)), 0);
    assert_int_equal(weir_process_signal(process, SIGHUP), 0);
    assert_int_equal(weir_sleep(weir_seconds(1)), 0);
    assert_int_equal(weir_process_signal_group(process, SIGHUP), 0);
    assert_int_equal(weir_sleep(weir_seconds(1)), 0);
    assert_int_equal(weir_process_signal(process, 0), -EINVAL);
    assert_int_equal(weir_process_stop(process, weir_seconds(10), &end), 0);
    expect_text(&end, "exited with status 0");
    assert_true(end.asked && end.after_asked.ns >= INT64_C(2000000000));
    assert_string_equal(said.text, "out again|out again|out bye|");
    assert_int_equal(weir_scope_close(&scope), 0);

    options = of(is_deaf, &said);
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_process_start(&scope, &options, &process), 0);
    assert_int_equal(weir_sleep(weir_seconds(1)), 0);
    assert_int_equal(weir_process_stop(process, weir_seconds(10), &end), 0);
    expect_text(&end, "killed 10.0 s after SIGTERM");
    assert_true(said.bytes >= 1000);
    assert_null(strstr(said.text, "out no|"));
    assert_int_equal(weir_scope_close(&scope), 0);

    options = of(obeys, &said);
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_process_start(&scope, &options, &process), 0);
    assert_int_equal(weir_sleep(weir_seconds(1)), 0); /* it waits for a signal, and does not get this one */
    assert_int_equal(weir_process_signal(process, SIGKILL), 0);
    assert_int_equal(weir_process_wait(process, &end), 0);
    expect_text(&end, "ended by SIGKILL");
    assert_int_equal(weir_scope_close(&scope), 0);

    options = of(only_sleeps, &said);
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_process_start(&scope, &options, &process), 0);
    assert_int_equal(weir_process_signal(process, SIGCHLD), 0); /* does nothing by default */
    assert_int_equal(weir_process_stop(process, weir_seconds(10), &end), 0);
    expect_text(&end, "ended by SIGTERM"); /* the default action, perhaps before it began */
    assert_int_equal(weir_scope_close(&scope), 0);
    return 0;
}

static void a_simulated_process_is_stopped(void **state)
{
    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(50); seed++)
        run_simulated(seed, is_stopped, NULL);
}

static int ends_with_scope(void *arg)
{
    int (*const all[])(void *arg, weir_simulated_process *self) = {obeys, is_deaf, only_sleeps, floods};
    struct said said[4] = {{.lines = 0}};
    weir_process *process;
    weir_instant began = weir_now();
    weir_scope scope;

    (void)arg;
    weir_scope_open(&scope, weir_after_ms(100), 0);
    for (int i = 0; i < 4; i++) {
        weir_process_options options = of(all[i], &said[i]);

        assert_int_equal(weir_process_start(&scope, &options, &process), 0);
    }
    assert_int_equal(weir_scope_close(&scope), -WEIR_EDEADLINE);
    assert_true(weir_between(began, weir_now()).ns >= INT64_C(10000000000)); /* one had to be killed */
    assert_string_equal(said[0].text, "out bye|");
    return 0;
}

static void simulated_processes_end_with_their_scope(void **state)
{
    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(50); seed++)
        run_simulated(seed, ends_with_scope, NULL);
}

/* --- what differs by seed --- */

struct order {
    int64_t began_ns, heard_ns;
};

static int notes_times(void *arg, weir_simulated_process *self)
{
    struct order *o = arg;

    o->began_ns = weir_now().ns;
    assert_int_equal(weir_simulated_process_signal(self), SIGTERM);
    o->heard_ns = weir_now().ns;
    return 0;
}

static int takes_times(void *arg)
{
    struct order *o = arg;
    weir_process_options options = {
        .argv = argv, .simulate = notes_times, .output = WEIR_PROCESS_NULL, .arg = o};
    weir_instant began = weir_now(), asked;
    weir_process *process;
    weir_process_end end;
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_process_start(&scope, &options, &process), 0);
    assert_int_equal(weir_sleep(weir_ms(20)), 0);
    asked = weir_now();
    assert_int_equal(weir_process_stop(process, weir_seconds(10), &end), 0);
    o->began_ns -= began.ns;
    o->heard_ns -= asked.ns;
    return weir_scope_close(&scope);
}

static void seeds_decide_how_long_things_take(void **state)
{
    struct order first = {0}, o, again;
    bool differs = false;

    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(20); seed++) {
        run_simulated(seed, takes_times, &o);
        run_simulated(seed, takes_times, &again);
        assert_memory_equal(&o, &again, sizeof o);
        assert_true(o.began_ns >= 0 && o.heard_ns >= 0);
        first = seed == seed_first() ? o : first;
        differs = differs || (o.began_ns != first.began_ns && o.heard_ns != first.heard_ns);
    }
    assert_true(differs || seed_is_alone());
}

/* --- refused --- */

static int refuses(void *arg)
{
    weir_process_options options = of(NULL, NULL);
    weir_process *process;
    weir_scope scope;

    (void)arg;
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    assert_int_equal(weir_process_start(&scope, &options, &process), -ENOTSUP);
    options.simulate = crashes;
    options.stop_signal = 65;
    assert_int_equal(weir_process_start(&scope, &options, &process), -EINVAL);
    weir_scope_cancel(&scope);
    options.stop_signal = 0;
    assert_int_equal(weir_process_start(&scope, &options, &process), -WEIR_ECANCELED);
    assert_int_equal(weir_scope_close(&scope), -WEIR_ECANCELED);
    return 0;
}

static void nothing_is_executed_under_simulation(void **state)
{
    (void)state;
    run_simulated(1, refuses, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_simulated_process_ends),
        cmocka_unit_test(a_simulated_process_is_stopped),
        cmocka_unit_test(simulated_processes_end_with_their_scope),
        cmocka_unit_test(seeds_decide_how_long_things_take),
        cmocka_unit_test(nothing_is_executed_under_simulation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
