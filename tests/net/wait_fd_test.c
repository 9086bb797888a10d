/* SPDX-License-Identifier: MIT */
/* Waiting for descriptors that are not Weir's. */
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <termios.h>

#include "net/net_rig.h"

/* --- real descriptors --- */

static int write_later(void *arg)
{
    int err = weir_sleep(weir_ms(2));

    return err < 0 || write(*(int *)arg, "x", 1) != 1 ? -EIO : 0;
}

static int close_later(void *arg)
{
    int err = weir_sleep(weir_ms(2));

    return err < 0 || close(*(int *)arg) != 0 ? -EIO : 0;
}

static int waits_for_input(void *arg)
{
    return weir_wait_fd(*(int *)arg, POLLIN) == POLLIN ? 0 : -EIO;
}

static int wait_for_a_pipe(void *arg)
{
    int ends[2], got;
    char byte;
    weir_scope scope;

    (void)arg;
    if (is_simulated())
        return 0;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(weir_wait_fd(ends[1], POLLOUT), POLLOUT);
    assert_int_equal(weir_wait_fd(ends[1], POLLIN | POLLOUT), POLLOUT);
    for (int i = 0; i < 3; i++) { /* three wait for the same */
        weir_scope_open(&scope, weir_after_ms(20000), 0);
        weir_spawn(&scope, "writes", write_later, &ends[1]);
        weir_spawn(&scope, "waits", waits_for_input, &ends[0]);
        weir_spawn(&scope, "waits", waits_for_input, &ends[0]);
        assert_int_equal(weir_wait_fd(ends[0], POLLIN), POLLIN);
        assert_int_equal(weir_scope_close(&scope), 0);
        assert_int_equal(weir_wait_fd(ends[0], POLLIN), POLLIN); /* a level, not an edge */
        assert_int_equal(read(ends[0], &byte, 1), 1);
        weir_scope_open(&scope, weir_after_ms(2), 0);
        assert_int_equal(weir_wait_fd(ends[0], POLLIN), -WEIR_EDEADLINE);
        assert_int_equal(weir_scope_close(&scope), -WEIR_EDEADLINE);
    }
    weir_scope_open(&scope, weir_after_ms(20000), 0);
    weir_spawn(&scope, "closes", close_later, &ends[1]);
    got = weir_wait_fd(ends[0], POLLIN);
    assert_true(got > 0 && (got & POLLHUP) != 0);
    assert_int_equal(weir_scope_close(&scope), 0);
    close(ends[0]);

    assert_int_equal(weir_wait_fd(ends[0], POLLIN), -EBADF);
    assert_int_equal(pipe(ends), 0); /* the same numbers, afresh */
    assert_int_equal(weir_wait_fd(ends[1], POLLOUT), POLLOUT);
    assert_true(fcntl(ends[1], F_GETFD) >= 0);
    close(ends[0]);
    assert_true((weir_wait_fd(ends[1], POLLOUT) & POLLERR) != 0);
    close(ends[1]);
    return 0;
}

static void foreign_descriptors_are_waited_for(void **state)
{
    (void)state;
    run_everywhere(wait_for_a_pipe, NULL);
}

/* Changing a terminal's modes wakes all who wait for it, for nothing; then something is typed. */
static int wakes_for_nothing(void *arg)
{
    const int *ends = arg;
    struct termios modes;

    for (int i = 0; i < 5; i++) {
        if (weir_sleep(weir_ms(2)) < 0 || tcgetattr(ends[1], &modes) != 0 ||
            tcsetattr(ends[1], TCSANOW, &modes) != 0)
            return -EIO;
    }
    return write_later(arg);
}

static int wait_for_a_terminal(void *arg)
{
    int ends[2];
    struct termios modes;
    weir_scope scope;

    (void)arg;
    if (is_simulated())
        return 0;
    assert_int_equal(openpty(&ends[0], &ends[1], NULL, NULL, NULL), 0);
    assert_int_equal(tcgetattr(ends[1], &modes), 0);
    cfmakeraw(&modes);
    assert_int_equal(tcsetattr(ends[1], TCSANOW, &modes), 0);
    weir_scope_open(&scope, weir_after_ms(20000), 0);
    weir_spawn(&scope, "wakes for nothing", wakes_for_nothing, ends);
    assert_int_equal(weir_wait_fd(ends[1], POLLIN), POLLIN);
    assert_int_equal(weir_scope_close(&scope), 0);
    close(ends[0]);
    close(ends[1]);
    return 0;
}

static void a_terminal_that_wakes_for_nothing_is_waited_for(void **state)
{
    (void)state;
    run_everywhere(wait_for_a_terminal, NULL);
}

static int wait_for_nonsense(void *arg)
{
    (void)arg;
    assert_int_equal(weir_wait_fd(-1, POLLIN), -EBADF);
    assert_int_equal(weir_wait_fd(0, 0), -EINVAL);
    assert_int_equal(weir_wait_fd(0, POLLIN | POLLHUP), -EINVAL);
    return 0;
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    run_everywhere(wait_for_nonsense, NULL);
}

/* --- a simulated one --- */

enum { FOREIGN = 77 };

static int becomes_ready(void *arg)
{
    (void)arg;
    if (weir_sleep(weir_ms(300)) < 0)
        return -EIO;
    weir__sim_foreign_set_ready(this_io(), FOREIGN, POLLIN);
    return 0;
}

static int wait_for_fiction(void *arg)
{
    weir_instant began = weir_now();
    weir_scope scope;

    (void)arg;
    weir__sim_foreign_set_ready(this_io(), FOREIGN, 0);
    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "becomes ready", becomes_ready, NULL);
    assert_int_equal(weir_wait_fd(FOREIGN, POLLIN), POLLIN);
    assert_int_equal(weir_between(began, weir_now()).ns / 1000000, 300);
    return weir_scope_close(&scope);
}

static void simulated_descriptors_are_waited_for(void **state)
{
    (void)state;
    run_simulated(1, wait_for_fiction, NULL);
}

/* Not a simulated one, but under simulation: asked, and never waited for. */
static int ask_a_real_one(void *arg)
{
    int ends[2];

    (void)arg;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(weir_wait_fd(ends[1], POLLOUT), POLLOUT);
    assert_int_equal(weir_wait_fd(ends[0], POLLIN), -ENOTSUP);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(weir_wait_fd(ends[0], POLLIN), POLLIN);
    close(ends[0]);
    close(ends[1]);
    return 0;
}

static void real_descriptors_are_asked_under_simulation(void **state)
{
    (void)state;
    run_simulated(1, ask_a_real_one, NULL);
}

/* --- registered once --- */

struct waiting {
    weir_fd *fd;
    int result;
};

static int wait_registered(void *arg)
{
    struct waiting *w = arg;

    w->result = weir_fd_wait(w->fd, POLLIN);
    return 0;
}

static int use_registered(void *arg)
{
    struct waiting waiting[3];
    weir_event event;
    weir_scope scope;
    weir_fd *in, *out;
    int ends[2];
    char byte;

    (void)arg;
    if (is_simulated())
        return 0;
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    assert_int_equal(weir_fd_open(ends[0], &in), 0);
    assert_int_equal(weir_fd_open(ends[1], &out), 0);
    assert_int_equal(weir_fd_wait(in, 0), -EINVAL);
    assert_int_equal(weir_fd_wait(out, POLLIN | POLLOUT), POLLOUT);
    for (int i = 0; i < 20; i++) {
        weir_scope_open(&scope, weir_after_ms(20000), 0);
        weir_spawn(&scope, "writes", write_later, &ends[1]);
        for (int k = 0; k < 3; k++) {
            waiting[k] = (struct waiting){.fd = in};
            weir_spawn(&scope, "waits", wait_registered, &waiting[k]);
        }
        assert_int_equal(weir_fd_wait(in, POLLIN), POLLIN);
        assert_int_equal(weir_scope_close(&scope), 0);
        for (int k = 0; k < 3; k++)
            assert_int_equal(waiting[k].result, POLLIN);
        assert_int_equal(read(ends[0], &byte, 1), 1);
        weir_scope_open(&scope, weir_after_ms(1), 0); /* leaves a poll under way, for the next round */
        assert_int_equal(weir_fd_wait(in, POLLIN), -WEIR_EDEADLINE);
        (void)weir_scope_close(&scope);
    }
    weir_event_init(&event);
    assert_int_equal(weir_select((weir_case[]){weir_on_event(&event), weir_on_fd(out, POLLOUT)}, 2, NULL), 1);
    weir_event_set(&event);
    assert_int_equal(weir_select((weir_case[]){weir_on_fd(in, POLLIN), weir_on_event(&event)}, 2, NULL), 1);
    weir_event_reset(&event);
    weir_scope_open(&scope, weir_after_ms(20000), 0);
    weir_spawn(&scope, "writes", write_later, &ends[1]);
    assert_int_equal(
        weir_select((weir_case[]){weir_on_event(&event), weir_on_fd(in, POLLIN), weir_on_fd(in, POLLIN)}, 3,
                    NULL),
        1);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_int_equal(read(ends[0], &byte, 1), 1);

    waiting[0] = (struct waiting){.fd = in};
    weir_scope_open(&scope, weir_after_ms(20000), 0);
    weir_spawn(&scope, "waits", wait_registered, &waiting[0]);
    assert_int_equal(weir_yield(), 0);
    weir_fd_close(in);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_int_equal(waiting[0].result, -WEIR_ECLOSED);
    weir_fd_close(out);
    weir_fd_close(NULL);
    assert_int_equal(close(ends[0]) | close(ends[1]), 0); /* they stayed ours */
    assert_int_equal(weir_fd_open(ends[0], &in), -EBADF);
    return 0;
}

static void a_descriptor_is_registered_once(void **state)
{
    (void)state;
    run_everywhere(use_registered, NULL);
}

/* What one task uses does not wake another: the poll of an earlier wait saw it. */
static int steal(void *arg)
{
    weir_scope scope;
    struct waiting w;
    int ends[2];
    char byte;

    (void)arg;
    if (is_simulated())
        return 0;
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    assert_int_equal(weir_fd_open(ends[0], &w.fd), 0);
    weir_scope_open(&scope, weir_after_ms(1), 0);
    assert_int_equal(weir_fd_wait(w.fd, POLLIN), -WEIR_EDEADLINE);
    (void)weir_scope_close(&scope);
    assert_int_equal(write(ends[1], "x", 1), 1); /* the poll is under way, and sees it */
    assert_int_equal(read(ends[0], &byte, 1), 1);
    weir_scope_open(&scope, weir_after_ms(20000), 0);
    w.result = 0;
    weir_spawn(&scope, "waits", wait_registered, &w);
    assert_int_equal(weir_sleep(weir_ms(2)), 0);
    assert_int_equal(w.result, 0);
    assert_int_equal(write(ends[1], "y", 1), 1);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_int_equal(w.result, POLLIN);
    weir_fd_close(w.fd);
    close(ends[0]);
    close(ends[1]);
    return 0;
}

static void what_was_used_wakes_no_other(void **state)
{
    (void)state;
    run_everywhere(steal, NULL);
}

/* --- cancelled at every wait --- */

static int wait_victim(void *arg)
{
    return weir_wait_fd(*(int *)arg, POLLIN);
}

static int wait_world(struct torture *t)
{
    int ends[2], result;
    weir_scope scope;

    if (is_simulated()) {
        ends[0] = FOREIGN;
        weir__sim_foreign_set_ready(this_io(), FOREIGN, 0);
        weir_scope_open(&scope, weir_never(), 0);
        weir_spawn(&scope, "becomes ready", becomes_ready, NULL);
        result = torture_victim(t, wait_victim, &ends[0]);
        assert_int_equal(weir_scope_close(&scope), 0);
        return result;
    }
    assert_int_equal(pipe(ends), 0);
    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "writes", write_later, &ends[1]);
    result = torture_victim(t, wait_victim, &ends[0]);
    assert_int_equal(weir_scope_close(&scope), 0);
    close(ends[0]);
    close(ends[1]);
    return result;
}

static void waiting_can_be_cancelled(void **state)
{
    (void)state;
    torture(wait_world, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(foreign_descriptors_are_waited_for),
        cmocka_unit_test(a_terminal_that_wakes_for_nothing_is_waited_for),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(simulated_descriptors_are_waited_for),
        cmocka_unit_test(real_descriptors_are_asked_under_simulation),
        cmocka_unit_test(a_descriptor_is_registered_once),
        cmocka_unit_test(what_was_used_wakes_no_other),
        cmocka_unit_test(waiting_can_be_cancelled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
