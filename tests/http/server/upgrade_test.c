/* SPDX-License-Identifier: MIT */
/* Another protocol on the connection of a request: 101 and CONNECT, bytes that came early, clients that stop
 * sending or leave, drains, cancels. */
#include "http/server/handlers.h"
#include "support/torture.h"

static const char request[] = "GET /echo HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n"
                              "Upgrade: other/1, ECHO\r\n\r\n";

static int result_of_upgrade, result_of_read, upgrades;

/* Echoes lines in capitals until the client's end. */
static int echo_lines(weir_stream *stream)
{
    char data[256];
    ssize_t n;
    int err = 0;

    while (err == 0 && (n = weir_read(stream, data, sizeof data)) != 0) {
        if (n < 0)
            return (int)n;
        for (ssize_t i = 0; i < n; i++)
            if (data[i] >= 'a' && data[i] <= 'z')
                data[i] = (char)(data[i] - 'a' + 'A');
        err = weir_write(stream, data, (size_t)n);
    }
    return err;
}

static int upgrade(weir_request *req, weir_response *res, void *state)
{
    const char *protocol = strcmp(weir_request_method(req), "CONNECT") == 0 ? NULL : "echo";
    weir_stream *stream = NULL;
    unsigned char ip[16];

    (void)state;
    assert_int_equal(weir_response_header_add(res, "X-Mine", "1"), 0);
    result_of_upgrade = weir_request_upgrade(req, res, protocol, &stream);
    if (result_of_upgrade < 0)
        return result_of_upgrade;
    assert_int_equal(weir_request_upgrade(req, res, protocol, &stream), -WEIR_EBUSY);
    assert_int_equal(weir_respond_text(res, 200, "x"), -WEIR_EBUSY);
    assert_int_equal(weir_response_header_add(res, "x", "y"), -WEIR_EBUSY);
    assert_string_not_equal(weir_request_peer(req), "?");
    assert_true(weir_request_peer_ip(req, ip));
    upgrades++;
    result_of_read = echo_lines(stream);
    weir_stream_close(stream);
    return result_of_read;
}

/* Reads the body first: an upgrade comes behind it. */
static int upgrade_with_body(weir_request *req, weir_response *res, void *state)
{
    weir_bytes body = {0};

    if (strcmp(weir_request_query(req), "read") == 0)
        assert_int_equal(weir_request_read_body(req, &body, 100), 0);
    return upgrade(req, res, state);
}

/* Hands the stream to a task that outlives the request. */
static int keep_stream(void *arg)
{
    weir_stream *stream = arg;

    result_of_read = echo_lines(stream);
    weir_stream_close(stream);
    return 0;
}

static int hand_on(weir_request *req, weir_response *res, void *state)
{
    weir_stream *stream;
    int err = weir_request_upgrade(req, res, "echo", &stream);

    (void)state;
    if (err < 0)
        return err;
    assert_int_equal(weir_spawn(weir_server_scope(weir_request_server(req)), "echo", keep_stream, stream), 0);
    return 0;
}

static const weir_route routes[] = {
    {.path = "/echo", .handler = upgrade}, {.path = "/body", .handler = upgrade_with_body},
    {.path = "/on", .handler = hand_on},   {.path = "/", .methods = "CONNECT", .handler = upgrade},
    {.path = "/hello", .handler = hello},
};

#define RIG(fn)                                                                                              \
    {                                                                                                        \
        .routes = routes, .route_count = 5, .test = (fn)                                                     \
    }

static void expect(weir_stream *s, const char *text)
{
    size_t len = strlen(text);
    char *got = malloc(len + 1);

    for (size_t at = 0; at < len;) {
        ssize_t n = weir_read(s, got + at, len - at);
        if (n <= 0)
            fail_msg("the end (%zd) after %zu bytes of: %s", n, at, text);
        at += (size_t)n;
    }
    got[len] = '\0';
    assert_string_equal(got, text);
    free(got);
}

static void wait_for_records(struct rig *rig, int count)
{
    while (rig->records < count)
        assert_int_equal(weir_sleep(weir_us(100)), 0);
}

static void wait_for_no_connection(struct rig *rig)
{
    weir_server_stats stats;

    do {
        assert_int_equal(weir_sleep(weir_us(100)), 0);
        weir_server_stats_get(rig->server, &stats);
    } while (stats.connections > 0 || stats.exchanges > 0);
}

/* --- upgrades --- */

static int switches(struct rig *rig)
{
    weir_stream *s = rig_connect(rig);
    char text[512];

    rig_send(s, request);
    assert_int_equal(rig_answer(s, text, sizeof text), 101);
    assert_non_null(strstr(text, "HTTP/1.1 101 Switching Protocols\r\n"));
    assert_non_null(strstr(text, "\r\nconnection: upgrade\r\n"));
    assert_non_null(strstr(text, "\r\nupgrade: echo\r\n"));
    assert_non_null(strstr(text, "\r\nX-Mine: 1\r\n"));
    assert_null(strstr(text, "content-length"));
    for (int i = 0; i < 3; i++) {
        rig_send(s, "one\n");
        expect(s, "ONE\n");
    }
    assert_int_equal(rig->records, 0); /* the exchange goes on */
    assert_int_equal(weir_stream_shutdown(s), 0);
    assert_true(rig_is_closed(s));
    weir_stream_close(s);
    wait_for_records(rig, 1);
    assert_int_equal(rig->last.status, 101);
    assert_true(rig->last.complete);
    assert_null(rig->last.refused);
    assert_int_equal(result_of_read, 0);
    wait_for_no_connection(rig);
    return 0;
}

static void a_connection_is_handed_over(void **state)
{
    struct rig rig = RIG(switches);

    (void)state;
    rig_run(&rig);
}

/* All at once: the request, what comes behind it, and the end. */
static int early_bytes(struct rig *rig)
{
    weir_stream *s = rig_connect(rig);
    char text[512], all[sizeof request + 64];

    (void)snprintf(all, sizeof all, "%sone\ntwo\n", request);
    rig_send(s, all);
    assert_int_equal(weir_stream_shutdown(s), 0);
    assert_int_equal(rig_answer(s, text, sizeof text), 101);
    expect(s, "ONE\nTWO\n");
    assert_true(rig_is_closed(s));
    weir_stream_close(s);
    wait_for_records(rig, 1);
    assert_int_equal(result_of_read, 0);
    return 0;
}

/* Far more than is kept with a request. */
static int many_early_bytes(struct rig *rig)
{
    weir_stream *s = rig_connect(rig);
    char text[512];

    for (int i = 0; i < 200; i++)
        rig_send(s, i == 0 ? request : "line\n");
    assert_int_equal(rig_answer(s, text, sizeof text), 101);
    for (int i = 1; i < 200; i++)
        expect(s, "LINE\n");
    weir_stream_close(s);
    wait_for_records(rig, 1);
    return 0;
}

static void bytes_behind_the_request_are_the_first(void **state)
{
    struct rig rig = RIG(early_bytes);

    (void)state;
    rig_run(&rig);
    rig.test = many_early_bytes;
    rig_run(&rig);
}

/* The request in pieces of every size, with early bytes. */
static int in_pieces(struct rig *rig)
{
    char text[512], all[sizeof request + 64];
    size_t len = (size_t)snprintf(all, sizeof all, "%sone\n", request);

    for (size_t piece = 1; piece < len; piece += 7) {
        weir_stream *s = rig_connect(rig);

        for (size_t at = 0; at < len; at += piece) {
            assert_int_equal(weir_write(s, all + at, len - at < piece ? len - at : piece), 0);
            assert_int_equal(weir_sleep(weir_ms((int64_t)(piece % 3))), 0);
        }
        assert_int_equal(rig_answer(s, text, sizeof text), 101);
        expect(s, "ONE\n");
        weir_stream_close(s);
    }
    return 0;
}

static void requests_may_come_in_pieces(void **state)
{
    struct rig rig = RIG(in_pieces);

    (void)state;
    rig_run_simulated(&rig);
}

static int with_body(struct rig *rig)
{
    char text[512], all[512];

    for (int read = 0; read < 2; read++)
        for (int chunked = 0; chunked < 2; chunked++) {
            weir_stream *s = rig_connect(rig);

            (void)snprintf(all, sizeof all,
                           "POST /body?%s HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: "
                           "echo\r\n%s\r\n\r\n%sone\n",
                           read ? "read" : "", chunked ? "Transfer-Encoding: chunked" : "Content-Length: 3",
                           chunked ? "3\r\nabc\r\n0\r\n\r\n" : "abc");
            rig_send(s, all);
            assert_int_equal(rig_answer(s, text, sizeof text), 101);
            expect(s, "ONE\n");
            weir_stream_close(s);
        }
    return 0;
}

static void the_body_comes_first(void **state)
{
    struct rig rig = RIG(with_body);

    (void)state;
    rig_run(&rig);
}

static int connects(struct rig *rig)
{
    weir_stream *s = rig_connect(rig);
    char text[512];

    rig_send(s, "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\nearly\n");
    assert_int_equal(rig_answer(s, text, sizeof text), 200);
    assert_null(strstr(text, "content-length"));
    assert_null(strstr(text, "transfer-encoding"));
    assert_null(strstr(text, "upgrade"));
    expect(s, "EARLY\n");
    weir_stream_close(s);
    wait_for_records(rig, 1);
    assert_int_equal(rig->last.status, 200);
    return 0;
}

static void a_tunnel_is_asked_for_by_name(void **state)
{
    struct rig rig = RIG(connects);

    (void)state;
    rig_run(&rig);
}

static int refuses(struct rig *rig)
{
    static const char *const requests[] = {
        "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /echo HTTP/1.1\r\nHost: a\r\nUpgrade: echo\r\n\r\n",
        "GET /echo HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n\r\n",
        "GET /echo HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echoes\r\n\r\n",
        "GET /echo HTTP/1.0\r\nConnection: upgrade, keep-alive\r\nUpgrade: echo\r\n\r\n",
    };
    weir_stream *s = rig_connect(rig);
    char text[512];

    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        rig_send(s, requests[i]);
        assert_int_equal(rig_answer(s, text, sizeof text), 426);
        assert_int_equal(result_of_upgrade, -EPROTONOSUPPORT);
        assert_non_null(strstr(text, "upgrade: echo\r\n"));
    }
    rig_send(s, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"); /* the connection is kept */
    assert_int_equal(rig_answer(s, text, sizeof text), 200);
    weir_stream_close(s);
    return 0;
}

static void who_does_not_ask_is_not_upgraded(void **state)
{
    struct rig rig = RIG(refuses);

    (void)state;
    rig_run(&rig);
}

/* --- beyond the request --- */

static int lives_on(struct rig *rig)
{
    weir_stream *s = rig_connect(rig);
    char text[512];

    result_of_read = 1;
    rig_send(s, "GET /on HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
    assert_int_equal(rig_answer(s, text, sizeof text), 101);
    wait_for_records(rig, 1);
    wait_for_no_connection(rig);
    rig_send(s, "still\n");
    expect(s, "STILL\n");
    assert_int_equal(result_of_read, 1);
    weir_server_drain(rig->server); /* ends the task, and with it the stream */
    assert_true(rig_is_closed(s));
    assert_int_equal(result_of_read, -WEIR_ECANCELED);
    weir_stream_close(s);
    return 0;
}

static void a_stream_may_outlive_its_request(void **state)
{
    struct rig rig = RIG(lives_on);

    (void)state;
    rig_run_simulated(&rig);
}

/* --- leaving and draining --- */

static int client_leaves(struct rig *rig)
{
    weir_stream *s = rig_connect(rig);
    char text[512];

    rig_send(s, request);
    assert_int_equal(rig_answer(s, text, sizeof text), 101);
    rig_send(s, "unread\n");
    weir_stream_abort(s);
    wait_for_records(rig, 1);
    assert_int_equal(rig->last.status, 101);
    wait_for_no_connection(rig);
    return 0;
}

static void a_client_may_leave(void **state)
{
    struct rig rig = RIG(client_leaves);

    (void)state;
    rig_run(&rig);
}

static int drains(struct rig *rig)
{
    weir_stream *s = rig_connect(rig);
    char text[512];
    int before = upgrades;

    rig_send(s, request);
    assert_int_equal(rig_answer(s, text, sizeof text), 101);
    while (upgrades == before)
        assert_int_equal(weir_sleep(weir_us(100)), 0);
    weir_server_drain(rig->server);
    rig_send(s, "more\n"); /* exchanges get their time */
    expect(s, "MORE\n");
    assert_true(rig_is_closed(s));
    weir_stream_close(s);
    wait_for_records(rig, 1);
    assert_int_equal(result_of_read, -WEIR_ECANCELED);
    assert_int_equal(rig->last.status, 101);
    assert_false(rig->last.complete);
    return 0;
}

static void a_drain_cancels_it_in_the_end(void **state)
{
    struct rig rig = RIG(drains);

    (void)state;
    rig.options.drain = weir_ms(100);
    rig_run(&rig);
}

/* --- limits --- */

static int is_counted(struct rig *rig)
{
    weir_stream *s = rig_connect(rig), *other;
    weir_server_stats stats;
    char text[512];

    rig_send(s, request);
    assert_int_equal(rig_answer(s, text, sizeof text), 101);
    weir_server_stats_get(rig->server, &stats);
    assert_int_equal(stats.connections, 1);
    assert_int_equal(stats.exchanges, 1);
    other = rig_connect(rig); /* the client has one already */
    assert_int_equal(rig_answer(other, text, sizeof text), 503);
    weir_stream_close(other);
    weir_stream_close(s);
    wait_for_no_connection(rig);
    s = rig_connect(rig);
    rig_send(s, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(rig_answer(s, text, sizeof text), 200);
    weir_stream_close(s);
    return 0;
}

static void it_counts_as_a_connection(void **state)
{
    struct rig rig = RIG(is_counted);

    (void)state;
    rig.options.limits.connections_per_client = 1;
    rig.unsecured = true;
    rig_run(&rig);
}

/* --- cancels --- */

static struct rig tortured = RIG(NULL);

static int upgrade_and_perhaps_leave(void *arg)
{
    weir_stream *s;
    char text[256];
    ssize_t n = 1;
    int err = weir_connect(tortured.address, &s);

    (void)arg;
    if (err < 0)
        return err;
    err = weir_write(s, request, sizeof request - 1);
    if (err == 0)
        err = weir_write(s, "one\n", 4);
    if (err == 0)
        err = weir_stream_shutdown(s);
    while (err == 0 && n > 0)
        n = weir_read(s, text, sizeof text);
    weir_stream_close(s);
    return err < 0 ? err : (int)n;
}

static int torture_test(struct rig *rig)
{
    struct torture *t = rig->data;

    return torture_victim(t, upgrade_and_perhaps_leave, t->arg);
}

static int leaving_world(struct torture *t)
{
    tortured.data = t;
    tortured.test = torture_test;
    tortured.unrecorded = true;
    t->also_fine = -ECONNRESET;
    return rig_main(&tortured);
}

static void clients_may_leave_at_every_moment(void **state)
{
    (void)state;
    assert_true(torture_all_transports(leaving_world, NULL) > 4);
}

/* The client has sent its last, and resets the connection while it is handed over: just then with seed 170.
 */
static int reset_at_some_moment(struct rig *rig)
{
    weir_stream *s = rig_connect(rig);

    rig_send(s, request);
    assert_int_equal(weir_stream_shutdown(s), 0);
    assert_int_equal(weir_sleep(weir_us((int64_t)weir_random_below(1000))), 0);
    weir_stream_abort(s);
    wait_for_no_connection(rig);
    return 0;
}

static void a_client_may_reset_while_it_is_handed_over(void **state)
{
    struct rig rig = RIG(reset_at_some_moment);

    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(200); seed++)
        run_simulated_and_in_memory(seed, rig_main, &rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_is_handed_over),
        cmocka_unit_test(bytes_behind_the_request_are_the_first),
        cmocka_unit_test(requests_may_come_in_pieces),
        cmocka_unit_test(the_body_comes_first),
        cmocka_unit_test(a_tunnel_is_asked_for_by_name),
        cmocka_unit_test(who_does_not_ask_is_not_upgraded),
        cmocka_unit_test(a_stream_may_outlive_its_request),
        cmocka_unit_test(a_client_may_leave),
        cmocka_unit_test(a_drain_cancels_it_in_the_end),
        cmocka_unit_test(it_counts_as_a_connection),
        cmocka_unit_test(clients_may_leave_at_every_moment),
        cmocka_unit_test(a_client_may_reset_while_it_is_handed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
