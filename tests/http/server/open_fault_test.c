/* SPDX-License-Identifier: MIT */
/* A server with several listeners on two loops, of which every allocation fails once while it is opened: the
 * 1st, the 2nd, … until an opening reaches no more. Each opening says -ENOMEM or does without, and leaves
 * nothing behind: the next one succeeds. ASan finds the leaks. */
#include <errno.h>
#include <string.h>

#include "support/fault.h"
#include "support/run.h"

static int answer(weir_request *req, weir_response *res, void *state)
{
    (void)req;
    (void)state;
    return weir_respond_text(res, 200, "here");
}

static const weir_route route = {.path = "/", .handler = answer};
static const weir_listener_options listeners[] = {
    {.address = "127.0.0.1:0"}, {.address = "127.0.0.1:0"}, {.address = "127.0.0.1:0"}};
static const weir_server_options options = {.listeners = listeners,
                                            .listener_count = sizeof listeners / sizeof *listeners};

/* Each loop listens at the addresses that the first one was given. */
static void open_in_full(void)
{
    weir_server *server = NULL;

    assert_int_equal(weir_server_open(&options, &route, 1, &server), 0);
    for (size_t i = 0; i < options.listener_count; i++)
        assert_null(strstr(weir_server_address(server, i), ":0"));
    weir_server_close(server);
}

static int open_without_memory(void *arg)
{
    int *refused = arg;
    bool struck = true;

    open_in_full();
    for (long n = 1; struck; n++) {
        weir_server *server = NULL;
        int err;

        fault_at(n);
        err = weir_server_open(&options, &route, 1, &server);
        struck = fault_end();
        if (err < 0 && (err != -ENOMEM || !struck))
            fail_msg("allocation %ld: %s", n, weir_error_text(err));
        if (err < 0)
            ++*refused;
        else
            weir_server_close(server);
        open_in_full();
    }
    return 0;
}

static void an_opening_without_memory_leaves_nothing(void **state)
{
    const weir_options two = {.loops = 2, .io = WEIR_IO_EPOLL, .stall_after = weir_ms(-1)};
    int refused = 0;

    (void)state;
    assert_int_equal(weir_run(&two, open_without_memory, &refused), 0);
    assert_true(refused > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_opening_without_memory_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
