/* SPDX-License-Identifier: MIT */
/* A server on several loops: connections spread over them, and each loop has its own state. */
#include <stdatomic.h>

#include "http/server/server_rig.h"

static char answer[1 << 16];
static const char *header; /* of the PROXY protocol; "": none */

enum { LOOPS = 3, CLIENTS = 24 };

static int which_loop(weir_request *req, weir_response *res, void *state)
{
    char text[16];

    if (header[0] != '\0') /* whichever loop accepted the connection, its layers came along */
        assert_string_equal(weir_request_peer(req), "192.0.2.1:5");
    assert_int_equal(*(int *)state, weir_loop_index());
    (void)snprintf(text, sizeof text, "loop %d", weir_loop_index());
    return weir_respond_text(res, 200, text);
}

static int loop_states[LOOPS];
static atomic_int set_up, torn_down;

static void *set_up_loop(void *arg, weir_server *server)
{
    int *state = &loop_states[weir_loop_index()];

    (void)arg, (void)server;
    *state = weir_loop_index();
    atomic_fetch_add(&set_up, 1);
    return state;
}

static void tear_down_loop(void *state)
{
    assert_int_equal(*(int *)state, weir_loop_index());
    atomic_fetch_add(&torn_down, 1);
}

static int use_all_loops(struct rig *rig)
{
    weir_stream *clients[CLIENTS];
    int answers[LOOPS] = {0};

    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = rig_connect(rig);
        rig_send(clients[i], header);
        rig_send(clients[i], "GET /which HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_int_equal(rig_answer(clients[i], answer, sizeof answer), 200);
        answers[atoi(strstr(answer, "loop ") + 5)]++;
    }
    /* Whichever loop accepted a connection, it was given to the loop with the fewest. */
    for (int i = 0; i < LOOPS; i++)
        assert_in_range(answers[i], CLIENTS / LOOPS - 2, CLIENTS / LOOPS + 2);
    for (int i = 0; i < CLIENTS / 2; i++)
        weir_stream_close(clients[i]);
    for (int i = CLIENTS / 2; i < CLIENTS; i++) {
        rig_send(clients[i], "GET /which HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        assert_int_equal(rig_answer(clients[i], answer, sizeof answer), 200);
        weir_stream_close(clients[i]);
    }
    return 0;
}

static void spread(const char *text)
{
    static const weir_route which[] = {{.path = "/which", .handler = which_loop}};
    static const enum weir_io kinds[] = {WEIR_IO_EPOLL, WEIR_IO_URING};

    header = text;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct rig rig = {.routes = which, .route_count = 1, .test = use_all_loops};
        weir_options options = {.io = kinds[i], .loops = LOOPS};
        rig.listener.proxy_protocol = header[0] != '\0';
        rig.options.setup = set_up_loop;
        rig.options.teardown = tear_down_loop;
        rig.unrecorded = true; /* the rig's record belongs to one loop */
        atomic_store(&set_up, 0);
        atomic_store(&torn_down, 0);
        if (!io_is_here(kinds[i]))
            continue;
        assert_int_equal(weir_run(&options, rig_main, &rig), 0);
        assert_int_equal(atomic_load(&set_up), LOOPS);
        assert_int_equal(atomic_load(&torn_down), LOOPS);
    }
}

static void connections_spread_over_loops(void **state)
{
    (void)state;
    spread("");
    spread("PROXY TCP4 192.0.2.1 192.0.2.2 5 6\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_spread_over_loops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
