/* SPDX-License-Identifier: MIT */
/* Clients that do not get as far as a request by TLS: slow, without TLS, with garbage, without a certificate,
 * behind a proxy. */
#include "http/server/handlers.h"
#include "http/server/tls_rig.h"

#define HELLO "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"
#define FROM(client) "PROXY TCP4 " client " 198.51.100.7 56324 443\r\n"

static char answer[1 << 10];

static int peer(weir_request *req, weir_response *res, void *state)
{
    (void)state;
    return weir_respond_text(res, 200, weir_request_peer(req));
}

static const weir_route routes[] = {{.path = "/hello", .handler = hello}, {.path = "/peer", .handler = peer}};

#define RIG(fn, secure)                                                                                      \
    {                                                                                                        \
        .routes = routes, .route_count = sizeof routes / sizeof *routes, .prepare = secure_prepare,          \
        .unsecured = true, .test = (fn), .finish = secure_finish, .data = (secure)                           \
    }

/* The server goes on serving others. */
static void expect_service(struct rig *rig)
{
    weir_stream *s = secure_connect(rig);

    rig_send(s, HELLO);
    assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
    weir_stream_close(s);
}

static void wait_until_closed(struct rig *rig)
{
    while (rig_stats(rig).connections != 0)
        assert_int_equal(weir_sleep(weir_us(100)), 0);
}

/* --- slow --- */

/* A client that sends nothing, and one that begins its handshake and drips. */
static int slow(struct rig *rig)
{
    weir_stream *silent = rig_connect(rig), *drips = rig_connect(rig), *done = secure_connect(rig);
    weir_instant start = weir_now();

    rig_send(drips, "\x16\x03\x01\x02");
    for (int i = 0; i < 4; i++) {
        assert_int_equal(weir_sleep(weir_ms(200)), 0);
        assert_int_equal(weir_write(drips, "\x01", 1), 0); /* does not renew the time */
    }
    assert_true(rig_is_closed(silent));
    assert_true(rig_is_closed(drips));
    assert_in_range(weir_between(start, weir_now()).ns, weir_ms(900).ns, weir_ms(1200).ns); /* virtual */
    rig_wait_for_ended(rig, WEIR_UNSERVED_HEAD_TIMEOUT, 2);
    assert_int_equal(weir_sleep(weir_seconds(5)), 0);
    rig_send(done, HELLO); /* its handshake is over: it is idle */
    assert_int_equal(rig_answer(done, answer, sizeof answer), 200);
    weir_stream_close(silent);
    weir_stream_close(drips);
    weir_stream_close(done);
    assert_int_equal(secure_stats(rig).failures[WEIR_TLS_FAILED_TIME], 1); /* the silent one began none */
    assert_int_equal(secure_stats(rig).in_progress, 0);
    return 0;
}

static void a_handshake_has_the_time_of_a_head(void **state)
{
    struct secure secure = {0};
    struct rig rig = RIG(slow, &secure);

    (void)state;
    rig.options.limits = (weir_limits){.head_timeout = weir_seconds(1), .idle_timeout = weir_seconds(30)};
    rig_run_simulated(&rig);
}

/* --- no TLS --- */

static int speaks_http(struct rig *rig)
{
    weir_stream *s = rig_connect(rig);

    rig_send(s, HELLO);
    assert_int_equal(rig_answer(s, answer, sizeof answer), 400);
    assert_string_equal(strstr(answer, "\r\n\r\n") + 4, "this port speaks TLS: use https://\n");
    assert_non_null(strstr(answer, "\r\nconnection: close\r\n"));
    assert_true(rig_is_closed(s));
    weir_stream_close(s);
    rig_wait_for_ended(rig, WEIR_UNSERVED_TLS, 1);
    assert_int_equal(secure_stats(rig).failures[WEIR_TLS_FAILED_PLAIN], 1);
    assert_int_equal(rig->records, 0);
    expect_service(rig);
    return 0;
}

static void plain_http_is_told_to_use_tls(void **state)
{
    struct secure secure = {0};
    struct rig rig = RIG(speaks_http, &secure);

    (void)state;
    rig_run(&rig);
}

static void send_and_wait(struct rig *rig, const char *data, size_t bytes)
{
    weir_stream *s = rig_connect(rig);
    ssize_t n;

    assert_int_equal(weir_write(s, data, bytes), 0);
    do
        n = weir_read(s, answer, sizeof answer);
    while (n > 0); /* an alert */
    weir_stream_close(s);
    wait_until_closed(rig);
}

static int garbage(struct rig *rig)
{
    static const char other_version[] = "\x16\x03\x00\x00\x05\x01\x00\x00\x01\x03";
    static const char alert[] = "\x15\x03\x01\x00\x02\x02\x28";
    char noise[600];
    uint64_t failed = 0;

    for (int i = 0; i < 20; i++) {
        for (size_t k = 0; k < sizeof noise; k++)
            noise[k] = (char)weir_random_u64();
        noise[0] = (char)(noise[0] | 0x80); /* never the beginning of a record or of a method */
        noise[2] = (char)(noise[2] | 0x80); /* nor a hello of SSL 2, of which more would be awaited */
        send_and_wait(rig, noise, sizeof noise);
    }
    send_and_wait(rig, other_version, sizeof other_version - 1);
    send_and_wait(rig, alert, sizeof alert - 1);
    rig_wait_for_ended(rig, WEIR_UNSERVED_TLS, 22);
    for (int i = 0; i < WEIR_TLS_FAILURES; i++)
        failed += secure_stats(rig).failures[i];
    assert_int_equal(failed, 22);
    assert_int_equal(rig->records, 0);
    expect_service(rig);
    return 0;
}

static void garbage_is_closed(void **state)
{
    struct secure secure = {0};
    struct rig rig = RIG(garbage, &secure);

    (void)state;
    rig_run(&rig);
}

static int leave(struct rig *rig)
{
    weir_stream *s = rig_connect(rig);

    weir_stream_close(s); /* a health check that only connects */
    rig_wait_for_ended(rig, WEIR_UNSERVED_CLOSED, 1);
    assert_int_equal(secure_stats(rig).failures[WEIR_TLS_FAILED_LEFT], 0);
    assert_int_equal(secure_stats(rig).in_progress, 0);
    s = secure_connect(rig);
    weir_stream_close(s);
    rig_wait_for_ended(rig, WEIR_UNSERVED_CLOSED, 2);
    s = secure_connect(rig);
    secure_cut(s);
    rig_wait_for_ended(rig, WEIR_UNSERVED_CLOSED, 3);
    weir_stream_close(s);
    return 0;
}

static void who_only_connects_is_counted(void **state)
{
    struct secure secure = {0};
    struct rig rig = RIG(leave, &secure);

    (void)state;
    rig_run(&rig);
}

/* --- no certificate --- */

static int unknown(struct rig *rig)
{
    struct secure *secure = rig->data;
    weir_stream *s = rig_connect(rig);

    if (weir_stream_start_tls(s, secure->client, "localhost") == 0 && /* TLS 1.3 tells it later */
        weir_write(s, HELLO, strlen(HELLO)) == 0)
        assert_true(weir_read(s, answer, sizeof answer) < 0);
    weir_stream_close(s);
    rig_wait_for_ended(rig, WEIR_UNSERVED_TLS, 1);
    assert_int_equal(secure_stats(rig).failures[WEIR_TLS_FAILED_NONE], 1);
    assert_int_equal(rig->records, 0);
    s = rig_connect(rig);
    assert_int_equal(weir_stream_start_tls(s, secure->known, "localhost"), 0);
    rig_send(s, HELLO);
    assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
    weir_stream_close(s);
    return 0;
}

static void a_client_without_a_certificate_is_refused(void **state)
{
    struct secure secure = {.asks_for_certificates = true};
    struct rig rig = RIG(unknown, &secure);

    (void)state;
    rig_run(&rig);
}

/* --- limits --- */

static int limited(struct rig *rig)
{
    weir_stream *first = secure_connect(rig), *second = rig_connect(rig);

    assert_int_equal(weir_read(second, answer, 1), 0); /* closed without a handshake */
    rig_wait_for_ended(rig, WEIR_UNSERVED_CLIENT_LIMIT, 1);
    weir_stream_close(second);
    weir_stream_close(first);
    wait_until_closed(rig);
    expect_service(rig);
    return 0;
}

static void a_client_has_so_many_connections(void **state)
{
    struct secure secure = {0};
    struct rig rig = RIG(limited, &secure);

    (void)state;
    rig.options.limits.connections_per_client = 1;
    rig_run(&rig);
}

static int full(struct rig *rig)
{
    weir_stream *silent = rig_connect(rig);

    assert_int_equal(weir_sleep(weir_seconds(1)), 0);
    expect_service(rig);
    assert_true(rig_is_closed(silent));
    weir_stream_close(silent);
    rig_wait_for_ended(rig, WEIR_UNSERVED_MADE_ROOM, 1);
    return 0;
}

static void who_does_not_go_on_makes_room(void **state)
{
    struct secure secure = {0};
    struct rig rig = RIG(full, &secure);

    (void)state;
    rig.options.limits = (weir_limits){.connections = 1, .head_timeout = weir_seconds(60)};
    rig_run_simulated(&rig);
}

/* --- behind a proxy --- */

static int behind_proxy(struct rig *rig)
{
    weir_stream *s = rig_connect(rig), *second;

    rig_send(s, FROM("192.0.2.1"));
    (void)secure_over(rig, s);
    rig_send(s, "GET /peer HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
    assert_string_equal(strstr(answer, "\r\n\r\n") + 4, "192.0.2.1:56324");

    second = rig_connect(rig); /* the limit holds before the handshake */
    rig_send(second, FROM("192.0.2.1"));
    assert_true(weir_stream_start_tls(second, ((struct secure *)rig->data)->client, "localhost") < 0);
    weir_stream_close(second);
    rig_wait_for_ended(rig, WEIR_UNSERVED_CLIENT_LIMIT, 1);

    second = rig_connect(rig); /* TLS without the header */
    assert_true(weir_stream_start_tls(second, ((struct secure *)rig->data)->client, "localhost") < 0);
    weir_stream_close(second);
    rig_wait_for_ended(rig, WEIR_UNSERVED_PROXY_HEADER, 1);
    assert_int_equal(secure_stats(rig).failures[WEIR_TLS_FAILED_LEFT], 0); /* no handshake was begun */

    second = rig_connect(rig); /* the header, and HTTP without TLS */
    rig_send(second, FROM("192.0.2.2") HELLO);
    assert_int_equal(rig_answer(second, answer, sizeof answer), 400);
    weir_stream_close(second);
    rig_wait_for_ended(rig, WEIR_UNSERVED_TLS, 1);
    weir_stream_close(s);
    return 0;
}

static void the_header_comes_before_the_handshake(void **state)
{
    struct secure secure = {0};
    struct rig rig = RIG(behind_proxy, &secure);

    (void)state;
    rig.listener.proxy_protocol = true;
    rig.options.limits.connections_per_client = 1;
    rig_run(&rig);
}

/* --- contexts --- */

static int wrong_context(struct rig *rig)
{
    struct secure *secure = rig->data;
    weir_listener_options options = {.address = "127.0.0.1:0", .tls = secure->client};
    weir_server_options server = {.listeners = &options, .listener_count = 1};
    weir_server *other;
    weir_listener *l;

    assert_int_equal(weir_listener_open(&options, &l), -EINVAL);
    assert_int_equal(weir_server_open(&server, routes, 1, &other), -EINVAL);
    return 0;
}

static void a_context_for_clients_does_not_listen(void **state)
{
    struct secure secure = {0};
    struct rig rig = RIG(wrong_context, &secure);

    (void)state;
    rig_run(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handshake_has_the_time_of_a_head),
        cmocka_unit_test(plain_http_is_told_to_use_tls),
        cmocka_unit_test(garbage_is_closed),
        cmocka_unit_test(who_only_connects_is_counted),
        cmocka_unit_test(a_client_without_a_certificate_is_refused),
        cmocka_unit_test(a_client_has_so_many_connections),
        cmocka_unit_test(who_does_not_go_on_makes_room),
        cmocka_unit_test(the_header_comes_before_the_handshake),
        cmocka_unit_test(a_context_for_clients_does_not_listen),
    };

    return cmocka_run_group_tests(tests, certificates_begin, certificates_end);
}
