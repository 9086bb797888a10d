/* SPDX-License-Identifier: MIT */
/* Sending and receiving without waiting. */
#include <errno.h>
#include <string.h>

#include "support/child.h"
#include "support/run.h"

static int receive(void *arg)
{
    weir_channel *channel = arg;
    int item = 0;

    return weir_channel_receive(channel, &item) < 0 ? 0 : item;
}

static int receive_three(void *arg)
{
    assert_int_equal(receive(arg), 3);
    return 0;
}

static int try_both(void *arg)
{
    weir_channel *channel;
    weir_scope scope;
    int item = 1, got = 0;

    (void)arg;
    assert_int_equal(weir_channel_open(sizeof item, 2, &channel), 0);
    assert_int_equal(weir_channel_try_receive(channel, &got), -EAGAIN);
    assert_int_equal(weir_channel_try_send(channel, &item), 0);
    item = 2;
    assert_int_equal(weir_channel_try_send(channel, &item), 0);
    assert_int_equal(weir_channel_try_send(channel, &item), -WEIR_EBUSY);
    assert_int_equal(weir_channel_try_receive(channel, &got), 0);
    assert_int_equal(got, 1);
    assert_int_equal(weir_channel_try_receive(channel, &got), 0);
    assert_int_equal(got, 2);
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "receiver", receive_three, channel), 0);
    assert_int_equal(weir_yield(), 0);
    item = 3;
    assert_int_equal(weir_channel_try_send(channel, &item), 0); /* goes to the task that waits */
    assert_int_equal(weir_channel_try_receive(channel, &got), -EAGAIN);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_int_equal(weir_channel_try_send(channel, &item), 0);
    weir_channel_end(channel);
    assert_int_equal(weir_channel_try_send(channel, &item), -WEIR_ECLOSED);
    assert_int_equal(weir_channel_try_receive(channel, &got), 0);
    assert_int_equal(weir_channel_try_receive(channel, &got), -WEIR_ECLOSED);
    weir_channel_close(channel);
    return 0;
}

static void trying_does_not_wait(void **state)
{
    (void)state;
    run_everywhere(try_both, NULL);
}

/* --- left open --- */

static int leave_open(void *arg)
{
    weir_channel *channel;

    (void)arg;
    return weir_channel_open(1, 1, &channel);
}

static int run_and_leave_open(void *arg)
{
    (void)arg;
    return weir_run(NULL, leave_open, NULL);
}

static void one_that_is_left_open_is_reported(void **state)
{
    char said[2048];

    (void)state;
    assert_int_equal(run_in_child(run_and_leave_open, NULL, said, sizeof said), 0);
    assert_non_null(strstr(said, "warn channels left open at the end of weir_run() count=1 opened_at="));
    assert_non_null(strstr(said, "leave_open"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trying_does_not_wait),
        cmocka_unit_test(one_that_is_left_open_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
