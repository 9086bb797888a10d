/* SPDX-License-Identifier: MIT */
/* Cancels at every wait: nothing is left, neither tasks nor descriptors nor children. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "process/process_rig.h"
#include "support/torture.h"

static void hear(void *arg, bool is_error, const char *line, size_t length)
{
    (void)is_error, (void)length;
    if (strcmp(line, "ready") == 0)
        weir_event_set(arg);
}

/* The same under simulation. */
static int obey(void *arg, weir_simulated_process *self)
{
    int number;

    (void)arg;
    if (weir_simulated_process_print(self, false, "ready") < 0)
        return 0;
    number = weir_simulated_process_signal(self);
    return number == SIGTERM && weir_simulated_process_print(self, true, "bye") == 0 ? 3 : 0;
}

static int start_and_stop(void *arg)
{
    const char *argv[4];
    weir_process_options options =
        sh(argv, "trap 'echo bye >&2; exit 3' TERM; echo ready; sleep 1000 & wait", NULL);
    weir_process *process;
    weir_process_end end;
    weir_event ready;
    weir_scope scope;
    int err, closed;

    (void)arg;
    options.line = hear;
    options.arg = &ready;
    options.simulate = obey;
    weir_event_init(&ready);
    weir_scope_open(&scope, weir_never(), 0);
    err = weir_process_start(&scope, &options, &process);
    if (err == 0)
        assert_int_equal(weir_cancelled(), 0); /* else nothing was started */
    if (err == 0)
        err = weir_event_wait(&ready);
    if (err == 0)
        err = weir_process_stop(process, weir_seconds(1000), &end);
    if (err == 0)
        assert_int_equal(end.status, 3);
    closed = weir_scope_close(&scope);
    return err < 0 ? err : closed;
}

static int starting_and_stopping(struct torture *t)
{
    siginfo_t child;
    int result = torture_victim(t, start_and_stop, NULL);

    assert_int_equal(waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT), -1);
    assert_int_equal(errno, ECHILD);
    return result;
}

static void starting_and_stopping_can_be_cancelled(void **state)
{
    (void)state;
    torture(starting_and_stopping, NULL);
}

/* --- a scope that is cancelled at any moment of a start --- */

enum { MOMENTS = 60 };

struct moment {
    weir_scope *scope; /* NULL: it is closed */
    int64_t after_us;
};

static int cancel_then(void *arg)
{
    struct moment *m = arg;
    int err = weir_sleep(weir_us(m->after_us));

    if (err == 0 && m->scope != NULL)
        weir_scope_cancel(m->scope);
    return 0;
}

static int cancels_at_moments(void *arg)
{
    const char *argv[4];
    weir_process_options options = sh(argv, "echo one; echo two", NULL);
    siginfo_t child;
    int started = 0;

    (void)arg;
    options.output = WEIR_PROCESS_NULL;
    for (int i = 0; i < MOMENTS; i++) {
        weir_scope inner, outer;
        struct moment m = {&inner, i * 50};
        weir_process *process;
        weir_scope_open(&outer, weir_never(), 0);
        weir_scope_open(&inner, weir_never(), 0);
        weir_spawn(&outer, "cancels", cancel_then, &m);
        started += weir_process_start(&inner, &options, &process) == 0;
        (void)weir_scope_close(&inner);
        weir_scope_cancel(&outer);
        (void)weir_scope_close(&outer);
        assert_int_equal(waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT), -1);
        assert_int_equal(errno, ECHILD);
    }
    assert_true(started <= MOMENTS);
    return 0;
}

/* Only the call is cancelled, not the scope that the process would be in. */
static int cancels_the_call(void *arg)
{
    const char *argv[] = {"sleep", "1000", NULL};
    weir_process_options options = {.argv = argv, .output = WEIR_PROCESS_NULL};
    siginfo_t child;

    (void)arg;
    for (int i = 0; i < MOMENTS; i++) {
        weir_scope call, owner, outer;
        struct moment m = {&call, i * 50};
        weir_process *process;
        int err;

        weir_scope_open(&outer, weir_never(), 0);
        weir_scope_open(&owner, weir_never(), 0);
        weir_scope_open(&call, weir_never(), 0);
        weir_spawn(&outer, "cancels", cancel_then, &m);
        err = weir_process_start(&owner, &options, &process);
        if (err == 0) {
            assert_int_equal(weir_scope_cause(&call), 0);
            assert_true(weir_process_id(process) > 0);
        } else {
            assert_int_equal(err, -WEIR_ECANCELED);
            assert_int_equal(waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT), -1);
        }
        m.scope = NULL;
        (void)weir_scope_close(&call);
        weir_scope_cancel(&owner);
        (void)weir_scope_close(&owner);
        weir_scope_cancel(&outer);
        (void)weir_scope_close(&outer);
    }
    return 0;
}

static void a_scope_may_be_cancelled_at_any_moment(void **state)
{
    (void)state;
    run_really(cancels_at_moments, NULL);
    run_really(cancels_the_call, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starting_and_stopping_can_be_cancelled),
        cmocka_unit_test(a_scope_may_be_cancelled_at_any_moment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
