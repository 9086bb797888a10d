/* SPDX-License-Identifier: MIT */
/* A server behind a proxy that speaks the PROXY protocol: the client is the one that the header tells. */
#include <arpa/inet.h>

#include "http/server/handlers.h"
#include "http/server/server_rig.h"

#define FROM(client) "PROXY TCP4 " client " 198.51.100.7 56324 443\r\n"
#define HELLO "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"
#define PEER "GET /peer HTTP/1.1\r\nHost: h\r\n\r\n"
#define IP "GET /ip HTTP/1.1\r\nHost: h\r\n\r\n"
#define LOCAL_HEADER "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"

static char answer[1 << 10];

/* The address as bytes is that of the text, whichever is asked for first. */
static void check_ip(weir_request *req)
{
    unsigned char first[16], ip[16], wanted[16] = {[10] = 0xff, [11] = 0xff};
    const bool known = weir_request_peer_ip(req, first);
    const char *text = weir_request_peer(req), *end = strrchr(text, ':');
    const bool six = text[0] == '[';
    char host[WEIR_ADDRESS_BYTES];

    assert_true(known);
    (void)snprintf(host, sizeof host, "%.*s", (int)(end - text) - 2 * six, text + six);
    assert_int_equal(inet_pton(six ? AF_INET6 : AF_INET, host, wanted + (six ? 0 : 12)), 1);
    assert_memory_equal(first, wanted, sizeof first);
    assert_true(weir_request_peer_ip(req, ip));
    assert_memory_equal(ip, wanted, sizeof ip);
}

static int peer(weir_request *req, weir_response *res, void *state)
{
    char text[2 * WEIR_ADDRESS_BYTES];

    (void)state;
    check_ip(req);
    (void)snprintf(text, sizeof text, "%s %s %s", weir_request_peer(req), weir_request_local(req),
                   weir_request_scheme(req));
    return weir_respond_text(res, 200, text);
}

/* Tells the address of which no text was asked for. */
static int ip(weir_request *req, weir_response *res, void *state)
{
    unsigned char bytes[16];
    char text[INET6_ADDRSTRLEN];

    (void)state;
    assert_true(weir_request_peer_ip(req, bytes));
    return weir_respond_text(res, 200, inet_ntop(AF_INET6, bytes, text, sizeof text));
}

static const weir_route routes[] = {
    {.path = "/hello", .handler = hello}, {.path = "/peer", .handler = peer}, {.path = "/ip", .handler = ip}};

#define RIG(fn)                                                                                              \
    {                                                                                                        \
        .routes = routes, .route_count = sizeof routes / sizeof *routes, .test = (fn),                       \
        .listener.proxy_protocol = true                                                                      \
    }

static void expect_body(weir_stream *s, const char *body)
{
    assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
    assert_string_equal(strstr(answer, "\r\n\r\n") + 4, body);
}

/* --- the client --- */

static int tells_bytes(struct rig *rig)
{
    static const char *const requests[] = {FROM("192.0.2.1") IP IP, FROM("192.0.2.2") IP IP,
                                           FROM("192.0.2.3") IP IP};
    static const char *const ips[] = {"::ffff:192.0.2.1", "::ffff:192.0.2.2", "::ffff:192.0.2.3"};

    for (size_t i = 0; i < 3; i++) {
        weir_stream *s = rig_connect(rig);

        rig_send(s, requests[i]);
        expect_body(s, ips[i]);
        expect_body(s, ips[i]);
        weir_stream_close(s);
    }
    return 0;
}

static void the_bytes_are_those_of_the_connection(void **state)
{
    struct rig rig = RIG(tells_bytes);

    (void)state;
    rig_run(&rig);
}

static int tells(struct rig *rig)
{
    weir_stream *s = rig_connect(rig);

    rig_send(s, FROM("192.0.2.1") PEER);
    expect_body(s, "192.0.2.1:56324 198.51.100.7:443 http");
    rig_send(s, PEER PEER); /* of all requests of the connection */
    expect_body(s, "192.0.2.1:56324 198.51.100.7:443 http");
    expect_body(s, "192.0.2.1:56324 198.51.100.7:443 http");
    weir_stream_close(s);

    s = rig_connect(rig);
    assert_int_equal(weir_write(s, LOCAL_HEADER PEER, sizeof LOCAL_HEADER PEER - 1), 0);
    assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
    assert_memory_equal(strstr(answer, "\r\n\r\n") + 4, "127.0.0.1:", 10);
    weir_stream_close(s);
    return 0;
}

static void requests_have_the_address_of_the_client(void **state)
{
    struct rig rig = RIG(tells);

    (void)state;
    rig_run(&rig);
}

static int in_pieces(struct rig *rig)
{
    const char *text = FROM("192.0.2.1") PEER;
    weir_stream *s = rig_connect(rig);

    for (const char *c = text; *c != '\0'; c++) {
        assert_int_equal(weir_write(s, c, 1), 0);
        if (c - text < 50)
            assert_int_equal(weir_sleep(weir_us(100)), 0);
    }
    expect_body(s, "192.0.2.1:56324 198.51.100.7:443 http");
    weir_stream_close(s);
    return 0;
}

static void the_header_may_come_in_pieces(void **state)
{
    struct rig rig = RIG(in_pieces);

    (void)state;
    rig_run(&rig);
}

/* --- no header --- */

static int strangers(struct rig *rig)
{
    weir_stream *s = rig_connect(rig);

    rig_send(s, HELLO);
    assert_true(rig_is_closed(s));
    weir_stream_close(s);
    rig_wait_for_ended(rig, WEIR_UNSERVED_PROXY_HEADER, 1);

    s = rig_connect(rig);
    rig_send(s, "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443 \r\n" HELLO);
    assert_true(rig_is_closed(s));
    weir_stream_close(s);
    rig_wait_for_ended(rig, WEIR_UNSERVED_PROXY_HEADER, 2);

    s = rig_connect(rig);
    rig_send(s, "PROXY TCP4 192.0.2.1 198");
    assert_int_equal(weir_stream_shutdown(s), 0);
    assert_true(rig_is_closed(s));
    weir_stream_close(s);
    rig_wait_for_ended(rig, WEIR_UNSERVED_PROXY_HEADER, 3);

    s = rig_connect(rig); /* a health check that only connects */
    weir_stream_close(s);
    rig_wait_for_ended(rig, WEIR_UNSERVED_CLOSED, 1);
    while (rig_stats(rig).connections != 0)
        assert_int_equal(weir_sleep(weir_us(100)), 0);
    assert_int_equal(rig->records, 0);
    return 0;
}

static void a_connection_without_a_header_is_broken_off(void **state)
{
    struct rig rig = RIG(strangers);

    (void)state;
    rig_run(&rig);
}

static int slow(struct rig *rig)
{
    weir_stream *silent = rig_connect(rig), *half = rig_connect(rig), *s = rig_connect(rig);
    weir_instant start = weir_now();

    rig_send(half, "PROXY TCP4 192.0.2.1");
    rig_send(s, FROM("192.0.2.1"));
    assert_true(rig_is_closed(silent));
    assert_true(weir_between(start, weir_now()).ns >= weir_ms(900).ns);
    assert_true(rig_is_closed(half));
    rig_wait_for_ended(rig, WEIR_UNSERVED_HEAD_TIMEOUT, 2);
    rig_send(s, PEER); /* its header has come: it is idle */
    expect_body(s, "192.0.2.1:56324 198.51.100.7:443 http");
    weir_stream_close(silent);
    weir_stream_close(half);
    weir_stream_close(s);
    return 0;
}

static void a_slow_header_has_the_time_of_a_head(void **state)
{
    struct rig rig = RIG(slow);

    (void)state;
    rig.options.limits = (weir_limits){.head_timeout = weir_seconds(1), .idle_timeout = weir_seconds(30)};
    rig_run_simulated(&rig);
}

/* --- connections of a client --- */

static int limited(struct rig *rig)
{
    weir_stream *first = rig_connect(rig), *second = rig_connect(rig), *waiting[4], *third, *other;

    for (int i = 0; i < 4; i++) /* of nobody yet, and not of the proxy */
        waiting[i] = rig_connect(rig);
    rig_send(first, FROM("192.0.2.1") HELLO);
    expect_body(first, "hello");
    rig_send(second, FROM("192.0.2.1"));
    rig_send(second, HELLO);
    expect_body(second, "hello");

    third = rig_connect(rig);
    rig_send(third, FROM("192.0.2.1") HELLO);
    assert_int_equal(rig_answer(third, answer, sizeof answer), 503);
    assert_non_null(strstr(answer, "too many connections from your address"));
    assert_true(rig_is_closed(third));
    weir_stream_close(third);
    rig_wait_for_ended(rig, WEIR_UNSERVED_CLIENT_LIMIT, 1);

    other = rig_connect(rig);
    rig_send(other, FROM("192.0.2.2") HELLO);
    expect_body(other, "hello");
    weir_stream_close(other);

    weir_stream_close(first);
    while (rig_stats(rig).connections > 5)
        assert_int_equal(weir_sleep(weir_us(100)), 0);
    third = rig_connect(rig); /* there is a place again */
    rig_send(third, FROM("192.0.2.1") HELLO);
    expect_body(third, "hello");
    weir_stream_close(third);
    weir_stream_close(second);
    for (int i = 0; i < 4; i++)
        weir_stream_close(waiting[i]);
    return 0;
}

static void connections_count_for_the_client(void **state)
{
    struct rig rig = RIG(limited);

    (void)state;
    rig.options.limits.connections_per_client = 2;
    rig.unsecured = true;
    rig_run(&rig);
}

/* 192.0.2.7 and 2001:db8::7 are proxies. */
static bool is_no_proxy(void *arg, const unsigned char ip[16])
{
    static const unsigned char four[16] = {[10] = 0xff, [11] = 0xff, 192, 0, 2, 7},
                               six[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 7};

    (void)arg;
    return memcmp(ip, four, sizeof four) != 0 && memcmp(ip, six, sizeof six) != 0;
}

static int come_through_proxies(struct rig *rig)
{
    static const char *const headers[] = {FROM("192.0.2.7"), "PROXY TCP6 2001:db8::7 2001:db8::1 1 2\r\n",
                                          FROM("192.0.2.1")};
    weir_stream *s[3 * 3];
    int refused = 0;

    for (int i = 0; i < 3 * 3; i++) {
        s[i] = rig_connect(rig);
        rig_send(s[i], headers[i % 3]);
        rig_send(s[i], HELLO);
        refused += rig_answer(s[i], answer, sizeof answer) == 503;
        assert_int_equal(refused, i < 5 ? 0 : i < 8 ? 1 : 2);
    }
    for (int i = 0; i < 3 * 3; i++)
        weir_stream_close(s[i]);
    return 0;
}

static void connections_of_proxies_are_not_limited(void **state)
{
    struct rig rig = RIG(come_through_proxies);

    (void)state;
    rig.options.limits.connections_per_client = 1;
    rig.options.counts_client = is_no_proxy;
    rig.unsecured = true;
    rig_run(&rig);
}

static void note(void *arg, const weir_server_client *client)
{
    uint64_t *closed = arg;

    if (strcmp(client->address, "192.0.2.9") == 0)
        *closed += client->unserved[WEIR_UNSERVED_CLOSED];
}

static int tells_addresses(struct rig *rig)
{
    weir_stream *s = rig_connect(rig);
    uint64_t closed = 0;

    rig_send(s, FROM("192.0.2.9") "GET /hel");
    while (rig_stats(rig).half_sent != 1)
        assert_int_equal(weir_sleep(weir_us(100)), 0);
    weir_stream_close(s);
    rig_wait_for_ended(rig, WEIR_UNSERVED_CLOSED, 1);
    weir_server_clients_each(rig->server, note, &closed);
    assert_int_equal(closed, 1);
    return 0;
}

static void statistics_name_the_client(void **state)
{
    struct rig rig = RIG(tells_addresses);

    (void)state;
    rig_run(&rig);
}

/* --- room, and the end --- */

static int full(struct rig *rig)
{
    weir_stream *silent = rig_connect(rig), *s;

    assert_int_equal(weir_sleep(weir_seconds(1)), 0);
    s = rig_connect(rig);
    rig_send(s, FROM("192.0.2.1") HELLO);
    expect_body(s, "hello");
    assert_true(rig_is_closed(silent));
    rig_wait_for_ended(rig, WEIR_UNSERVED_MADE_ROOM, 1);
    weir_stream_close(silent);
    weir_stream_close(s);
    return 0;
}

static void who_sends_no_header_makes_room(void **state)
{
    struct rig rig = RIG(full);

    (void)state;
    rig.options.limits = (weir_limits){.connections = 1, .head_timeout = weir_seconds(60)};
    rig_run_simulated(&rig);
}

static int drains(struct rig *rig)
{
    weir_stream *silent = rig_connect(rig), *late = rig_connect(rig);
    weir_instant start = weir_now();

    assert_int_equal(weir_sleep(weir_ms(10)), 0);
    weir_server_drain(rig->server);
    assert_int_equal(weir_sleep(weir_seconds(1)), 0);
    rig_send(late, FROM("192.0.2.1") HELLO);
    expect_body(late, "hello");
    assert_true(rig_is_closed(late));
    assert_true(rig_is_closed(silent));
    assert_true(weir_between(start, weir_now()).ns < weir_seconds(7).ns);
    weir_stream_close(silent);
    weir_stream_close(late);
    return 0;
}

static void a_drain_waits_a_moment_for_it(void **state)
{
    struct rig rig = RIG(drains);

    (void)state;
    rig.options.limits.head_timeout = weir_seconds(60);
    rig_run_simulated(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_are_those_of_the_connection),
        cmocka_unit_test(requests_have_the_address_of_the_client),
        cmocka_unit_test(the_header_may_come_in_pieces),
        cmocka_unit_test(a_connection_without_a_header_is_broken_off),
        cmocka_unit_test(a_slow_header_has_the_time_of_a_head),
        cmocka_unit_test(connections_count_for_the_client),
        cmocka_unit_test(connections_of_proxies_are_not_limited),
        cmocka_unit_test(statistics_name_the_client),
        cmocka_unit_test(who_sends_no_header_makes_room),
        cmocka_unit_test(a_drain_waits_a_moment_for_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
