/* SPDX-License-Identifier: MIT */
/* Mistakes with processes end in a sentence. */
#include <signal.h>

#include "process/process_rig.h"
#include "support/mistake.h"

static weir_simulated_process *kept;

static int exits(void *arg, weir_simulated_process *self)
{
    (void)arg;
    kept = self;
    return 0;
}

static int opens_a_scope(void *arg, weir_simulated_process *self)
{
    static weir_scope left_open;

    (void)arg, (void)self;
    weir_scope_open(&left_open, weir_never(), 0);
    return 0;
}

static weir_process *start_in(weir_scope *scope, int (*simulate)(void *arg, weir_simulated_process *self))
{
    static const char *const argv[] = {"true", NULL};
    weir_process_options options = {.argv = argv, .simulate = simulate};
    weir_process *process = NULL;

    (void)!weir_process_start(scope, &options, &process);
    return process;
}

/* A process whose scope is closed. */
static weir_process *gone(void)
{
    weir_process *process;
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), 0);
    process = start_in(&scope, exits);
    (void)weir_scope_close(&scope);
    return process;
}

static int waits_for_gone(void *arg)
{
    (void)arg;
    return weir_process_wait(gone(), NULL);
}

static int signals_gone(void *arg)
{
    (void)arg;
    return weir_process_signal(gone(), SIGTERM);
}

static int stops_gone(void *arg)
{
    (void)arg;
    return weir_process_stop(gone(), weir_ms(1), NULL);
}

static int asks_id_of_gone(void *arg)
{
    (void)arg;
    return weir_process_id(gone());
}

static int starts_in_closed_scope(void *arg)
{
    weir_scope scope;

    (void)arg;
    weir_scope_open(&scope, weir_never(), 0);
    (void)weir_scope_close(&scope);
    (void)start_in(&scope, exits);
    return 0;
}

static int signals_there(void *arg)
{
    return weir_process_signal(arg, SIGTERM);
}

static int signals_from_another_loop(void *arg)
{
    weir_scope scope;

    (void)arg;
    weir_scope_open(&scope, weir_never(), 0);
    (void)!weir_loop_call(1, "there", signals_there, start_in(&scope, exits));
    return weir_scope_close(&scope);
}

static int simulates_after_its_end(void *arg)
{
    weir_scope scope;

    (void)arg;
    weir_scope_open(&scope, weir_never(), 0);
    (void)!weir_process_wait(start_in(&scope, exits), NULL);
    return weir_simulated_process_signal(kept);
}

static int leaves_scope_open(void *arg)
{
    weir_scope scope;

    (void)arg;
    weir_scope_open(&scope, weir_never(), 0);
    (void)start_in(&scope, opens_a_scope);
    return weir_scope_close(&scope);
}

static void leaves_scope_open_in_line(void *arg, bool is_error, const char *line, size_t length)
{
    static weir_scope left_open;

    (void)arg, (void)is_error, (void)line, (void)length;
    weir_scope_open(&left_open, weir_never(), 0);
}

static int prints(void *arg, weir_simulated_process *self)
{
    (void)arg;
    return weir_simulated_process_print(self, false, "line");
}

static int leaves_scope_open_for_line(void *arg)
{
    static const char *const argv[] = {"true", NULL};
    weir_process_options options = {.argv = argv, .simulate = prints, .line = leaves_scope_open_in_line};
    weir_process *process;
    weir_scope scope;

    (void)arg;
    weir_scope_open(&scope, weir_never(), 0);
    (void)!weir_process_start(&scope, &options, &process);
    return weir_scope_close(&scope);
}

#define GONE "on a process that is closed, or was never made"

static void mistakes_end_in_a_sentence(void **state)
{
    static const struct mistake mistakes[] = {
        {waits_for_gone, {"weir_process_wait() " GONE}, 0, false},
        {signals_gone, {"weir_process_signal() " GONE}, 0, false},
        {stops_gone, {"weir_process_stop() " GONE}, 0, false},
        {asks_id_of_gone, {"weir_process_id() " GONE}, 0, false},
        {starts_in_closed_scope, {"weir_process_start() on a scope that is closed"}, 0, false},
        {signals_from_another_loop, {"weir_process_signal() from loop 1, on a process of loop 0"}, 2, true},
        {simulates_after_its_end,
         {"weir_simulated_process_signal() for a simulated process that has ended"},
         0,
         false},
        {leaves_scope_open,
         {"a simulated process returned with a scope open", "opened_at=\"misuse_test.c"},
         0,
         false},
        {leaves_scope_open_for_line, {"the function for lines returned with a scope open"}, 0, false},
    };

    (void)state;
    assert_caught(mistakes, sizeof mistakes / sizeof mistakes[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_end_in_a_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
