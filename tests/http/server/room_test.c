/* SPDX-License-Identifier: MIT */
/* Connections beyond the limit, of all clients and of one, and beyond the descriptors. */
#include "http/server/clients.h"
#include "http/server/handlers.h"
#include "http/server/server_rig.h"
#include "support/descriptors.h"

#include <weir/connections.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>

static char answer[1 << 14];
static weir_event go_on;

static int hold(weir_request *req, weir_response *res, void *state)
{
    int err = weir_event_wait(&go_on);

    (void)req, (void)state;
    return err < 0 ? err : weir_respond_text(res, 200, "held");
}

static int large(weir_request *req, weir_response *res, void *state)
{
    static const char bytes[1 << 20];

    (void)req, (void)state;
    for (int i = 0; i < 16; i++) {
        int err = i == 0 ? weir_respond_begin(res, 200, NULL, 16 * (int64_t)sizeof bytes) : 0;
        if (err == 0)
            err = weir_respond_write(res, bytes, sizeof bytes);
        if (err < 0)
            return err;
    }
    return 0;
}

static int hold_but_on_the_last(weir_request *req, weir_response *res, void *state);

static const weir_route routes[] = {
    {.path = "/hello", .handler = hello},
    {.path = "/hold", .handler = hold},
    {.path = "/hold_but", .handler = hold_but_on_the_last},
    {.path = "/large", .handler = large},
    {.path = "/health", .handler = hello, .vital = true},
};

#define RIG(fn)                                                                                              \
    {                                                                                                        \
        .routes = routes, .route_count = sizeof routes / sizeof *routes, .test = (fn)                        \
    }

static void ask(weir_stream *s, const char *path)
{
    char request[100];

    (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
    rig_send(s, request);
}

static int64_t ms_since(weir_instant start)
{
    return weir_between(start, weir_now()).ns / 1000000;
}

/* --- in all --- */

enum { MOST = 4 };

static int fill_with_idle(struct rig *rig)
{
    weir_stream *idle[MOST], *more;
    weir_instant start;

    for (int i = 0; i < MOST; i++) {
        idle[i] = rig_connect(rig);
        assert_int_equal(weir_sleep(weir_seconds(1)), 0);
    }
    ask(idle[0], "/hello"); /* the first is not the one idle longest any more */
    assert_int_equal(rig_answer(idle[0], answer, sizeof answer), 200);
    start = weir_now();
    more = rig_connect(rig);
    ask(more, "/hello");
    assert_int_equal(rig_answer(more, answer, sizeof answer), 200);
    assert_in_range(ms_since(start), 0, 100);
    assert_true(rig_is_closed(idle[1]));
    ask(idle[0], "/hello");
    assert_int_equal(rig_answer(idle[0], answer, sizeof answer), 200);
    ask(idle[2], "/hello");
    assert_int_equal(rig_answer(idle[2], answer, sizeof answer), 200);
    for (int i = 0; i < MOST; i++)
        weir_stream_close(idle[i]);
    weir_stream_close(more);
    return 0;
}

static void the_one_idle_longest_makes_room(void **state)
{
    struct rig rig = RIG(fill_with_idle);

    (void)state;
    rig.options.limits.connections = MOST;
    rig_run_simulated(&rig);
}

/* First slow clients: half a head, a response that is not read; then the oldest, though it is busy. */
static int fill_with_slow(struct rig *rig)
{
    weir_stream *busy = rig_connect(rig), *slow[MOST - 1], *more[MOST];

    weir_event_init(&go_on);
    ask(busy, "/hold");
    for (int i = 0; i < MOST - 1; i++) {
        slow[i] = rig_connect(rig);
        ask(slow[i], "/large");
    }
    weir_stream_close(slow[0]);
    slow[0] = rig_connect(rig);
    rig_send(slow[0], "GET /hel");
    assert_int_equal(weir_sleep(weir_seconds(2)), 0);
    for (int i = 0; i < MOST; i++) {
        weir_instant start = weir_now();
        more[i] = rig_connect(rig);
        ask(more[i], "/hello");
        assert_int_equal(rig_answer(more[i], answer, sizeof answer), 200);
        assert_in_range(ms_since(start), 0, 200);
        ask(more[i], "/hold");
    }
    assert_true(rig_is_closed(busy));
    weir_event_set(&go_on);
    for (int i = 0; i < MOST; i++) {
        assert_int_equal(rig_answer(more[i], answer, sizeof answer), 200);
        weir_stream_close(more[i]);
    }
    for (int i = 0; i < MOST - 1; i++)
        weir_stream_close(slow[i]);
    weir_stream_close(busy);
    return 0;
}

static void there_is_always_room_if_that_is_wanted(void **state)
{
    struct rig rig = RIG(fill_with_slow);

    (void)state;
    rig.options.limits.connections = MOST;
    rig.options.limits.always_room = true;
    rig_run_simulated(&rig);
}

static int fill_the_exchanges(struct rig *rig)
{
    weir_stream *busy = rig_connect(rig), *more = rig_connect(rig);

    weir_event_init(&go_on);
    ask(busy, "/hold");
    assert_int_equal(weir_sleep(weir_ms(100)), 0);
    ask(more, "/hello");
    assert_int_equal(rig_answer(more, answer, sizeof answer), 503);
    ask(more, "/health");
    assert_int_equal(rig_answer(more, answer, sizeof answer), 200);
    weir_event_set(&go_on);
    assert_int_equal(rig_answer(busy, answer, sizeof answer), 200);
    weir_stream_close(busy);
    weir_stream_close(more);
    return 0;
}

static void what_is_vital_is_answered_all_the_same(void **state)
{
    struct rig rig = RIG(fill_the_exchanges);

    (void)state;
    rig.options.limits.exchanges = 1;
    rig_run_simulated(&rig);
}

static int fill_with_busy(struct rig *rig)
{
    weir_stream *busy[MOST], *half, *more;
    weir_instant start;

    weir_event_init(&go_on);
    for (int i = 0; i + 1 < MOST; i++) {
        busy[i] = rig_connect(rig);
        ask(busy[i], "/hold");
    }
    half = rig_connect(rig);
    rig_send(half, "GET /hel"); /* this connection is not idle */
    assert_int_equal(weir_sleep(weir_seconds(1)), 0);
    more = rig_connect(rig); /* the kernel accepts it, the server does not yet */
    ask(more, "/hello");
    assert_int_equal(weir_sleep(weir_seconds(2)), 0);
    assert_int_equal(rig->records, 0);
    rig_send(half, "lo HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(rig_answer(half, answer, sizeof answer), 200);
    start = weir_now();
    assert_int_equal(rig_answer(more, answer, sizeof answer),
                     200); /* `half` has become idle, and is closed for it */
    assert_in_range(ms_since(start), 400, 700);
    assert_true(rig_is_closed(half));
    weir_event_set(&go_on);
    for (int i = 0; i + 1 < MOST; i++) {
        assert_int_equal(rig_answer(busy[i], answer, sizeof answer), 200);
        weir_stream_close(busy[i]);
    }
    weir_stream_close(half);
    weir_stream_close(more);
    return 0;
}

static void whoever_is_busy_makes_no_room(void **state)
{
    struct rig rig = RIG(fill_with_busy);

    (void)state;
    rig.unsecured = true;
    rig.options.limits.connections = MOST;
    rig_run_simulated(&rig);
}

/* All at once, each asking right away: no connection is closed before its response. */
static int come_at_once(struct rig *rig)
{
    weir_stream *s[5 * MOST];

    for (int i = 0; i < 5 * MOST; i++)
        s[i] = rig_connect(rig);
    for (int i = 0; i < 5 * MOST; i++)
        ask(s[i], "/hello");
    for (int i = 0; i < 5 * MOST; i++)
        assert_int_equal(rig_answer(s[i], answer, sizeof answer), 200);
    for (int i = 0; i < 5 * MOST; i++)
        weir_stream_close(s[i]);
    return 0;
}

static void a_crowd_is_served_one_after_the_other(void **state)
{
    struct rig rig = RIG(come_at_once);

    (void)state;
    rig.options.limits.connections = MOST;
    rig_run(&rig);
}

/* --- without descriptors --- */

static weir_stream *come_and_ask(struct rig *rig, const char *path)
{
    weir_stream *s = rig_connect(rig);

    ask(s, path);
    return s;
}

/* The oldest connection has a request under way. Of the others, the one that is idle longest is closed for
 * each that comes; a descriptor is left for each new client's own socket. */
static int have_no_descriptor(struct rig *rig)
{
    weir_stream *busy, *idle[MOST], *more[MOST - 1];
    weir_server_stats stats;

    weir_event_init(&go_on);
    busy = come_and_ask(rig, "/hold");
    for (int i = 0; i < MOST; i++) {
        idle[i] = come_and_ask(rig, "/hello");
        assert_int_equal(rig_answer(idle[i], answer, sizeof answer), 200);
    }
    for (int i = 0; i < MOST - 1; i++) {
        leave_descriptors(1);
        more[i] = come_and_ask(rig, "/hello");
        assert_int_equal(rig_answer(more[i], answer, sizeof answer), 200);
        assert_true(rig_is_closed(idle[i]));
    }
    weir_server_stats_get(rig->server, &stats);
    assert_int_equal(stats.connections, MOST + 1);
    leave_descriptors(-1);
    ask(idle[MOST - 1], "/hello");
    assert_int_equal(rig_answer(idle[MOST - 1], answer, sizeof answer), 200);
    weir_event_set(&go_on);
    assert_int_equal(rig_answer(busy, answer, sizeof answer), 200);
    weir_stream_close(busy);
    for (int i = 0; i < MOST; i++)
        weir_stream_close(idle[i]);
    for (int i = 0; i < MOST - 1; i++)
        weir_stream_close(more[i]);
    return 0;
}

/* Not in memory, where no descriptors are used up. */
static void without_descriptors_the_one_idle_longest_makes_room(void **state)
{
    struct rig rig = RIG(have_no_descriptor);

    (void)state;
    run_everywhere(rig_main, &rig);
}

/* A connection to be made takes the descriptor of a client that is idle; one that is accepted, that of a
 * connection to a backend. */
static int share_descriptors(struct rig *rig)
{
    weir_connections_options options = {0};
    weir_connections_stats stats;
    weir_connections *pool;
    weir_connection *kept;
    weir_listener *backend;
    weir_stream *idle = come_and_ask(rig, "/hello"), *more;

    assert_int_equal(rig_answer(idle, answer, sizeof answer), 200);
    assert_int_equal(weir_sleep(weir_seconds(1)), 0);
    assert_int_equal(weir_listen("127.0.0.1:0", &backend), 0);
    options.address = weir_listener_address(backend);
    assert_int_equal(weir_connections_open(&options, &pool), 0);
    leave_descriptors(0);
    assert_int_equal(weir_connection_take(pool, &kept), 0);
    assert_true(rig_is_closed(idle));
    weir_connection_give_back(kept);
    leave_descriptors(1);
    more = come_and_ask(rig, "/hello");
    assert_int_equal(rig_answer(more, answer, sizeof answer), 200);
    weir_connections_stats_get(pool, &stats);
    assert_int_equal(stats.idle, 0);
    leave_descriptors(-1);
    weir_stream_close(idle);
    weir_stream_close(more);
    weir_connections_close(pool);
    weir_listener_close(backend);
    return 0;
}

static void clients_and_backends_share_descriptors(void **state)
{
    struct rig rig = RIG(share_descriptors);

    (void)state;
    run_simulated(1, rig_main, &rig);
}

static int have_none_and_are_busy(struct rig *rig)
{
    weir_stream *busy[MOST], *more;

    weir_event_init(&go_on);
    for (int i = 0; i < MOST; i++)
        busy[i] = come_and_ask(rig, "/hold");
    assert_int_equal(weir_sleep(weir_seconds(1)), 0);
    leave_descriptors(1);
    more = come_and_ask(rig, "/hello");
    assert_int_equal(weir_sleep(weir_seconds(5)), 0);
    assert_int_equal(rig->records, 0);
    weir_event_set(&go_on);
    for (int i = 0; i < MOST; i++)
        assert_int_equal(rig_answer(busy[i], answer, sizeof answer), 200);
    assert_int_equal(rig_answer(more, answer, sizeof answer), 200);
    leave_descriptors(-1);
    for (int i = 0; i < MOST; i++)
        weir_stream_close(busy[i]);
    weir_stream_close(more);
    return 0;
}

/* Not even where there is always room. */
static void without_descriptors_the_busy_make_no_room(void **state)
{
    (void)state;
    for (int always = 0; always < 2; always++) {
        struct rig rig = RIG(have_none_and_are_busy);
        rig.options.limits.always_room = always;
        run_simulated(1, rig_main, &rig);
    }
}

/* --- on several loops --- */

enum { LOOPS = 3, CROWD = 24 };

static int come_to_several_loops(struct rig *rig)
{
    weir_stream *idle[CROWD], *s;

    for (int i = 0; i < CROWD; i++) {
        idle[i] = rig_connect(rig);
        ask(idle[i], "/hello");
        assert_int_equal(rig_answer(idle[i], answer, sizeof answer), 200);
    }
    for (int i = 0; i < CROWD; i++) {
        s = rig_connect(rig);
        ask(s, "/hello");
        assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
        weir_stream_close(s);
    }
    for (int i = 0; i < CROWD; i++)
        weir_stream_close(idle[i]);
    return 0;
}

static void room_is_made_on_any_loop(void **state)
{
    static const enum weir_io kinds[] = {WEIR_IO_EPOLL, WEIR_IO_URING};

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct rig rig = RIG(come_to_several_loops);
        weir_options options = {.io = kinds[i], .loops = LOOPS};
        rig.unrecorded = true;
        rig.options.limits.connections = CROWD;
        if (io_is_here(kinds[i]))
            assert_int_equal(weir_run(&options, rig_main, &rig), 0);
    }
}

static atomic_int held, not_held;
static atomic_bool released;

/* Holds every loop but the last. */
static int hold_but_on_the_last(weir_request *req, weir_response *res, void *state)
{
    (void)req, (void)state;
    if (weir_loop_index() == LOOPS - 1) {
        atomic_fetch_add(&not_held, 1);
        return weir_respond_text(res, 200, "on the last");
    }
    atomic_fetch_add(&held, 1);
    while (!atomic_load(&released)) {
        int err = weir_sleep(weir_ms(5));
        if (err < 0)
            return err;
    }
    return weir_respond_text(res, 200, "held");
}

/* Only a loop that does not accept has idle connections: it closes one for each of those that come. */
static int have_none_where_loops_accept(struct rig *rig)
{
    weir_stream *s[100 * CROWD], *more[2];
    int count = 0;

    while (count < CROWD || atomic_load(&not_held) < 2) { /* the last loop may be held for a while */
        assert_true(count < 100 * CROWD);
        s[count++] = come_and_ask(rig, "/hold_but");
        while (atomic_load(&held) + atomic_load(&not_held) < count)
            assert_int_equal(weir_sleep(weir_ms(1)), 0);
    }
    for (int i = 0; i < 2; i++) {
        leave_descriptors(1);
        more[i] = come_and_ask(rig, "/hello");
        assert_int_equal(rig_answer(more[i], answer, sizeof answer), 200);
    }
    leave_descriptors(-1);
    atomic_store(&released, true);
    for (int i = 0; i < count; i++) {
        assert_int_equal(rig_answer(s[i], answer, sizeof answer), 200);
        weir_stream_close(s[i]);
    }
    for (int i = 0; i < 2; i++)
        weir_stream_close(more[i]);
    return 0;
}

static void a_descriptor_comes_from_any_loop(void **state)
{
    static const enum weir_io kinds[] = {WEIR_IO_EPOLL, WEIR_IO_URING};

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct rig rig = RIG(have_none_where_loops_accept);
        weir_options options = {.io = kinds[i], .loops = LOOPS};
        rig.unrecorded = true;
        rig.options.limits.idle_timeout = weir_seconds(3600); /* which makes no room */
        atomic_store(&held, 0);
        atomic_store(&not_held, 0);
        atomic_store(&released, false);
        if (io_is_here(kinds[i]))
            assert_int_equal(weir_run(&options, rig_main, &rig), 0);
    }
}

/* --- of one client --- */

static int come_too_often(struct rig *rig)
{
    weir_stream *s[3];
    weir_server_stats stats;

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 2; i++) {
            s[i] = rig_connect(rig);
            ask(s[i], "/hello");
            assert_int_equal(rig_answer(s[i], answer, sizeof answer), 200);
        }
        s[2] = rig_connect(rig);
        assert_int_equal(rig_answer(s[2], answer, sizeof answer), 503);
        assert_non_null(strstr(answer, "too many connections from your address"));
        assert_true(rig_is_closed(s[2]));
        for (int i = 0; i < 3; i++)
            weir_stream_close(s[i]);
        for (int tries = 0; tries < 1000; tries++) { /* their places are free once the server has noticed */
            weir_server_stats_get(rig->server, &stats);
            if (stats.connections == 0)
                break;
            assert_int_equal(weir_sleep(weir_ms(5)), 0);
        }
        assert_int_equal(stats.connections, 0);
    }
    assert_int_equal(stats.unserved[WEIR_UNSERVED_CLIENT_LIMIT], 2);
    return 0;
}

static void a_client_has_so_many_connections(void **state)
{
    struct rig rig = RIG(come_too_often);

    (void)state;
    rig.unsecured = true;
    rig.options.limits.connections_per_client = 2;
    rig_run(&rig);
}

static struct weir__client_key key_of(const char *text)
{
    struct sockaddr_storage addr = {0};
    struct sockaddr_in *four = (struct sockaddr_in *)&addr;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&addr;

    addr.ss_family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
    assert_int_equal(inet_pton(addr.ss_family, text,
                               addr.ss_family == AF_INET ? (void *)&four->sin_addr : (void *)&six->sin6_addr),
                     1);
    return weir__client_key_of(&addr);
}

static void clients_are_addresses_or_networks(void **state)
{
    static const char *const same[] = {"2001:db8::1", "2001:db8::ffff:1:2:3", "192.0.2.1",
                                       "::ffff:192.0.2.1"};
    struct weir__clients *clients = weir__clients_open(1, 10, 12345);
    struct weir__client_key key, other;

    (void)state;
    assert_non_null(clients);
    for (int i = 0; i < 4; i += 2) {
        key = key_of(same[i]), other = key_of(same[i + 1]);
        assert_true(weir__clients_enter(clients, &key));
        assert_false(weir__clients_enter(clients, &other));
    }
    key = key_of("2001:db8:0:1::1");
    assert_true(weir__clients_enter(clients, &key));
    key = key_of("192.0.2.2");
    assert_true(weir__clients_enter(clients, &key));
    weir__clients_leave(clients, &key);
    assert_true(weir__clients_enter(clients, &key));
    weir__clients_leave(clients, &key);
    for (uint32_t i = 1; i < 10000; i++)
        assert_true(weir__clients_enter(clients, &(struct weir__client_key){i, AF_INET}));
    weir__clients_close(clients);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_one_idle_longest_makes_room),
        cmocka_unit_test(whoever_is_busy_makes_no_room),
        cmocka_unit_test(there_is_always_room_if_that_is_wanted),
        cmocka_unit_test(what_is_vital_is_answered_all_the_same),
        cmocka_unit_test(a_crowd_is_served_one_after_the_other),
        cmocka_unit_test(without_descriptors_the_one_idle_longest_makes_room),
        cmocka_unit_test(clients_and_backends_share_descriptors),
        cmocka_unit_test(without_descriptors_the_busy_make_no_room),
        cmocka_unit_test(room_is_made_on_any_loop),
        cmocka_unit_test(a_descriptor_comes_from_any_loop),
        cmocka_unit_test(a_client_has_so_many_connections),
        cmocka_unit_test(clients_are_addresses_or_networks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
