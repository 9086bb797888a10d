/* SPDX-License-Identifier: MIT */
/* Uses of a channel after its close, and after others were closed. */
#include "support/mistake.h"
#include "support/run.h"

enum { OTHERS = 63 }; /* so many are closed after it, and it is recognised */

static void close_others(void)
{
    for (int i = 0; i < OTHERS; i++) {
        weir_channel *other;

        if (weir_channel_open(100, 100, &other) == 0)
            weir_channel_close(other);
    }
}

static weir_channel *closed_channel(void)
{
    weir_channel *channel = NULL;

    if (weir_channel_open(100, 100, &channel) == 0)
        weir_channel_close(channel);
    close_others();
    return channel;
}

static int send_to_closed(void *arg)
{
    (void)arg;
    return weir_channel_send(closed_channel(), "x");
}

static int try_send_to_closed(void *arg)
{
    (void)arg;
    return weir_channel_try_send(closed_channel(), "x");
}

static int receive_from_closed(void *arg)
{
    char item[100];

    (void)arg;
    return weir_channel_receive(closed_channel(), item);
}

static int try_receive_from_closed(void *arg)
{
    char item[100];

    (void)arg;
    return weir_channel_try_receive(closed_channel(), item);
}

static int end_closed(void *arg)
{
    (void)arg;
    weir_channel_end(closed_channel());
    return 0;
}

static int close_channel_twice(void *arg)
{
    (void)arg;
    weir_channel_close(closed_channel());
    return 0;
}

static int select_closed(void *arg)
{
    weir_case c = weir_on_send(closed_channel(), "x");

    (void)arg;
    return weir_select(&c, 1, NULL);
}

static void uses_of_a_closed_channel_are_caught(void **state)
{
    static const struct mistake mistakes[] = {
        {.fn = send_to_closed, .said = {"weir_channel_send() on a channel that is closed", "task=main"}},
        {.fn = try_send_to_closed, .said = {"weir_channel_try_send() on a channel that is closed"}},
        {.fn = receive_from_closed, .said = {"weir_channel_receive() on a channel that is closed"}},
        {.fn = try_receive_from_closed, .said = {"weir_channel_try_receive() on a channel that is closed"}},
        {.fn = end_closed, .said = {"weir_channel_end() on a channel that is closed"}},
        {.fn = close_channel_twice, .said = {"weir_channel_close() on a channel that is closed"}},
        {.fn = select_closed, .said = {"weir_select() on a channel that is closed"}},
    };

    (void)state;
    assert_caught(mistakes, sizeof mistakes / sizeof *mistakes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uses_of_a_closed_channel_are_caught),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
