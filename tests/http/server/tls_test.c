/* SPDX-License-Identifier: MIT */
/* HTTP over TLS: what handlers are told, requests in records of any size, upgrades, bodies that are cut off,
 * clients that leave, drains. */
#include "http/server/handlers.h"
#include "http/server/tls_rig.h"
#include "support/torture.h"

#define HELLO "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"
#define FACTS "GET /facts HTTP/1.1\r\nHost: h\r\n\r\n"

enum { LARGE = 3 << 20, ECHOED = 300000 };

static char answer[1 << 10], large[LARGE + 1024], sent[ECHOED];
static int body_result, was_cancelled, upgraded;

static int facts(weir_request *req, weir_response *res, void *state)
{
    weir_tls_info info;
    char text[512];

    (void)state;
    if (weir_request_tls_info(req, &info) < 0)
        return weir_respond_text(res, 200, weir_request_scheme(req));
    (void)snprintf(text, sizeof text, "%s %d %s sni=%s peer=%s alpn=%s", weir_request_scheme(req),
                   info.version, info.cipher, info.server_name, info.peer, info.alpn);
    return weir_respond_text(res, 200, text);
}

static int read_body(weir_request *req, weir_response *res, void *state)
{
    weir_bytes body;

    (void)state;
    body_result = weir_request_read_body(req, &body, 1 << 20);
    return body_result < 0 ? body_result : weir_respond_bytes(res, 200, NULL, body.data, body.len);
}

static int give_much(weir_request *req, weir_response *res, void *state)
{
    static const char bytes[1 << 16];
    int err = weir_respond_begin(res, 200, NULL, LARGE);

    (void)req, (void)state;
    for (size_t at = 0; err == 0 && at < LARGE; at += sizeof bytes)
        err = weir_respond_write(res, bytes, sizeof bytes);
    return err;
}

static int sleep_long(weir_request *req, weir_response *res, void *state)
{
    int err = weir_sleep(weir_seconds(3600));

    (void)req, (void)state;
    was_cancelled += err == -WEIR_ECANCELED;
    return err < 0 ? err : weir_respond_text(res, 200, "slept");
}

static int upgrade(weir_request *req, weir_response *res, void *state)
{
    weir_tls_info info;
    weir_stream *s;
    char data[64];
    ssize_t n;
    int err = weir_request_upgrade(req, res, "echo", &s);

    (void)state;
    if (err < 0)
        return err;
    upgraded++;
    assert_int_equal(weir_request_tls_info(req, &info), -ENOTCONN);
    assert_string_equal(weir_request_scheme(req), "https");
    assert_int_equal(weir_stream_tls_info(s, &info), 0);
    while (err == 0 && (n = weir_read(s, data, sizeof data)) != 0)
        err = n < 0 ? (int)n : weir_write(s, data, (size_t)n);
    weir_stream_close(s);
    return err;
}

static const weir_route routes[] = {
    {.path = "/hello", .handler = hello},      {.path = "/facts", .handler = facts},
    {.path = "/body", .handler = read_body},   {.path = "/much", .handler = give_much},
    {.path = "/sleep", .handler = sleep_long}, {.path = "/upgrade", .handler = upgrade},
};

#define RIG(fn, secure)                                                                                      \
    {                                                                                                        \
        .routes = routes, .route_count = sizeof routes / sizeof *routes, .prepare = secure_prepare,          \
        .unsecured = true, .test = (fn), .finish = secure_finish, .data = (secure)                           \
    }

static const char *body_of(const char *text)
{
    return strstr(text, "\r\n\r\n") + 4;
}

static void expect_body(weir_stream *s, const char *body)
{
    assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
    assert_string_equal(body_of(answer), body);
}

/* --- what handlers are told --- */

static int tells(struct rig *rig)
{
    struct secure *secure = rig->data;
    weir_stream *s = rig_connect(rig);

    if (secure->asks_for_certificates)
        assert_int_equal(weir_stream_start_tls(s, secure->known, "localhost"), 0);
    else
        (void)secure_over(rig, s);
    rig_send(s, FACTS);
    assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
    assert_memory_equal(body_of(answer), "https 13 TLS_", 13);
    assert_non_null(strstr(answer, " sni=localhost "));
    assert_non_null(strstr(answer, secure->asks_for_certificates ? " peer=CN=billing" : " peer= "));
    weir_stream_close(s);
    return 0;
}

static void handlers_are_told_of_it(void **state)
{
    struct secure secure = {0};
    struct rig rig = RIG(tells, &secure);

    (void)state;
    rig_run(&rig);
}

static void handlers_are_told_the_client(void **state)
{
    struct secure secure = {.asks_for_certificates = true};
    struct rig rig = RIG(tells, &secure);

    (void)state;
    rig_run(&rig);
}

/* A listener without TLS beside it: rig.h has one listener, so this one has none. */
static int plain(struct rig *rig)
{
    weir_stream *s = rig_connect(rig);

    rig_send(s, FACTS);
    expect_body(s, "http");
    weir_stream_close(s);
    return 0;
}

static void without_tls_it_is_http(void **state)
{
    struct rig rig = {.routes = routes, .route_count = sizeof routes / sizeof *routes, .test = plain};

    (void)state;
    rig_run(&rig);
}

/* --- requests and records --- */

static int records(struct rig *rig)
{
    weir_stream *s = secure_connect(rig);
    const char *text = FACTS;

    rig_send(s, HELLO HELLO HELLO); /* three requests in a record */
    for (int i = 0; i < 3; i++)
        expect_body(s, "hello");
    for (const char *c = text; *c != '\0'; c++) /* records of a byte */
        assert_int_equal(weir_write(s, c, 1), 0);
    assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
    rig_send(s, "GET /hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    expect_body(s, "hello");
    assert_int_equal(weir_read(s, answer, 1), 0); /* an end that nobody has made up */
    weir_stream_close(s);
    while (rig_stats(rig).connections != 0)
        assert_int_equal(weir_sleep(weir_us(100)), 0);
    assert_int_equal(secure_stats(rig).handshakes, 1);
    return 0;
}

static void records_are_no_messages(void **state)
{
    struct secure secure = {0};
    struct rig rig = RIG(records, &secure);

    (void)state;
    rig_run(&rig);
}

static int write_body(void *arg)
{
    return weir_write(arg, sent, sizeof sent);
}

static int bodies(struct rig *rig)
{
    weir_stream *s = secure_connect(rig);
    weir_scope scope;

    for (size_t i = 0; i < sizeof sent; i++)
        sent[i] = (char)(i * 2654435761u >> 13);
    rig_send(s, "POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n\r\n");
    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "sends", write_body, s);
    assert_int_equal(rig_answer(s, large, sizeof large), 200);
    assert_memory_equal(body_of(large), sent, sizeof sent);
    assert_int_equal(weir_scope_close(&scope), 0);
    rig_send(s, "GET /much HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_int_equal(rig_answer(s, large, sizeof large), 200);
    rig_send(s, HELLO);
    expect_body(s, "hello");
    weir_stream_close(s);
    return 0;
}

static void large_bodies_pass_both_ways(void **state)
{
    struct secure secure = {0};
    struct rig rig = RIG(bodies, &secure);

    (void)state;
    rig_run(&rig);
}

static int upgrades(struct rig *rig)
{
    weir_stream *s = secure_connect(rig);
    char data[16];

    upgraded = 0;
    rig_send(s, "GET /upgrade HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nearly");
    assert_int_equal(rig_answer(s, answer, sizeof answer), 101);
    for (size_t have = 0; have < 5;) {
        ssize_t n = weir_read(s, data + have, 5 - have);
        assert_true(n > 0);
        have += (size_t)n;
    }
    assert_memory_equal(data, "early", 5);
    rig_send(s, "late");
    for (size_t have = 0; have < 4;) {
        ssize_t n = weir_read(s, data + have, 4 - have);
        assert_true(n > 0);
        have += (size_t)n;
    }
    assert_memory_equal(data, "late", 4);
    assert_int_equal(weir_stream_shutdown(s), 0);
    assert_int_equal(weir_read(s, data, 1), 0);
    weir_stream_close(s);
    while (rig_stats(rig).connections != 0 || rig_stats(rig).exchanges != 0)
        assert_int_equal(weir_sleep(weir_us(100)), 0);
    assert_int_equal(upgraded, 1);
    return 0;
}

static void a_connection_is_taken_over_with_its_tls(void **state)
{
    struct secure secure = {0};
    struct rig rig = RIG(upgrades, &secure);

    (void)state;
    rig_run(&rig);
}

static void seeds_change_nothing(void **state)
{
    struct secure secure = {0};
    struct rig rig = RIG(NULL, &secure);

    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(30); seed++) {
        rig.test = seed % 5 == 0 ? bodies : seed % 5 < 3 ? records : upgrades;
        run_simulated_plainly(seed, rig_main, &rig);
    }
}

/* --- clients that leave --- */

static int cut(struct rig *rig)
{
    static const char *const requests[] = {
        "POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n12345",
        "POST /body HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
    };

    for (int notified = 0; notified < 2; notified++)
        for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
            weir_stream *s = secure_connect(rig);
            int before = rig->records;

            body_result = 0;
            rig_send(s, requests[i]);
            if (notified)
                assert_int_equal(weir_stream_shutdown(s), 0);
            else
                secure_cut(s);
            while (rig->records == before)
                assert_int_equal(weir_sleep(weir_us(100)), 0);
            assert_true(body_result < 0); /* never a whole body */
            weir_stream_close(s);
        }
    return 0;
}

static void a_body_that_is_cut_off_is_never_whole(void **state)
{
    struct secure secure = {0};
    struct rig rig = RIG(cut, &secure);

    (void)state;
    rig_run(&rig);
}

static int half_closes(struct rig *rig)
{
    weir_stream *s = secure_connect(rig);

    rig_send(s, HELLO);
    assert_int_equal(weir_stream_shutdown(s), 0);
    expect_body(s, "hello");
    assert_int_equal(weir_read(s, answer, 1), 0);
    weir_stream_close(s);
    return 0;
}

static void a_client_that_only_stops_sending_is_answered(void **state)
{
    struct secure secure = {0};
    struct rig rig = RIG(half_closes, &secure);

    (void)state;
    rig_run(&rig);
}

static int leaves(struct rig *rig)
{
    was_cancelled = 0;
    for (int way = 0; way < 3; way++) {
        weir_stream *s = secure_connect(rig);

        rig_send(s, "GET /sleep HTTP/1.1\r\nHost: h\r\n\r\n");
        while (rig_stats(rig).exchanges == 0)
            assert_int_equal(weir_sleep(weir_us(100)), 0);
        if (way == 0)
            weir_stream_close(s); /* with a close_notify, which may be half a close */
        else if (way == 1)
            weir_stream_abort(s);
        else
            secure_cut(s);
        while (was_cancelled != way + 1)
            assert_int_equal(weir_sleep(weir_us(100)), 0);
        if (way == 2)
            weir_stream_close(s);
    }
    return 0;
}

static void the_handler_of_a_client_that_leaves_is_cancelled(void **state)
{
    struct secure secure = {0};
    struct rig rig = RIG(leaves, &secure);

    (void)state;
    rig_run(&rig);
}

/* Connections that are reset anywhere leave nothing behind: memory.h and the rig look. */
static int resets(struct rig *rig)
{
    const struct memory_options usual = memory_usual();
    struct memory_options bad = usual;

    if (!memory_is_here())
        return 0;
    bad.reset_per_million = 60000;
    for (int i = 0; i < 20; i++) {
        weir_stream *s = rig_connect(rig);

        memory_configure(&bad);
        if (weir_stream_start_tls(s, ((struct secure *)rig->data)->client, "localhost") == 0 &&
            weir_write(s, HELLO HELLO, 2 * strlen(HELLO)) == 0 && rig_answer(s, answer, sizeof answer) == 200)
            assert_string_equal(body_of(answer), "hello");
        memory_configure(&usual);
        weir_stream_close(s);
    }
    return 0;
}

static void a_reset_anywhere_leaves_nothing(void **state)
{
    struct secure secure = {0};
    struct rig rig = RIG(resets, &secure);

    (void)state;
    rig.unrecorded = true;
    for (uint64_t seed = seed_first(); seed <= seed_last(10); seed++)
        run_simulated_plainly(seed, rig_main, &rig);
}

static struct secure tortured_secure;
static struct rig tortured = RIG(NULL, &tortured_secure);

/* Ends whenever it is cancelled: in the handshake, with a part of a request, while it is answered. */
static int ask_and_perhaps_leave(void *arg)
{
    enum { PIECE = 20 };
    static const char request[] = "POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab";
    weir_stream *s;
    int err = weir_connect(tortured.address, &s);
    ssize_t n = 1;

    (void)arg;
    if (err < 0)
        return err;
    err = weir_stream_start_tls(s, tortured_secure.client, "localhost");
    for (size_t at = 0; err == 0 && at < sizeof request - 1; at += PIECE) {
        size_t left = sizeof request - 1 - at;
        err = weir_write(s, request + at, left < PIECE ? left : PIECE);
    }
    if (err == 0)
        err = weir_stream_shutdown(s);
    while (err == 0 && n > 0)
        n = weir_read(s, answer, sizeof answer);
    weir_stream_close(s);
    return err < 0 ? err : (int)n;
}

static int torture_test(struct rig *rig)
{
    return torture_victim(((struct secure *)rig->data)->arg, ask_and_perhaps_leave, NULL);
}

static int leaving_world(struct torture *t)
{
    tortured_secure.arg = t;
    tortured.test = torture_test;
    tortured.unrecorded = true;
    return rig_main(&tortured);
}

static void clients_may_leave_at_every_moment(void **state)
{
    (void)state;
    assert_true(torture_all_transports(leaving_world, NULL) > 4);
}

/* --- storms --- */

enum { STORM = 60 };

static int shakes;

static int shake(void *arg)
{
    weir_stream_close(secure_connect(arg));
    shakes++;
    return 0;
}

/* Counts requests that are answered while others have their handshakes: of these one step is done in a turn
 * of the loop, so that the storm takes many more turns than a request. */
static int storms(struct rig *rig)
{
    weir_stream *s = secure_connect(rig);
    weir_scope scope;
    int answered = 0;

    shakes = 0;
    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < STORM; i++)
        weir_spawn(&scope, "shakes", shake, rig);
    for (; shakes < STORM; answered++) {
        rig_send(s, HELLO);
        assert_true(weir_read(s, answer, sizeof answer) > 0); /* one record, in one turn */
        assert_memory_equal(answer, "HTTP/1.1 200", 12);
    }
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_true(answered >= 10);
    weir_stream_close(s);
    return 0;
}

static void others_are_served_in_a_storm_of_handshakes(void **state)
{
    static const enum weir_io kinds[] = {WEIR_IO_EPOLL, WEIR_IO_URING};
    struct secure secure = {0};
    struct rig rig = RIG(storms, &secure);

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (io_is_here(kinds[i]))
            assert_int_equal(weir_run(&(weir_options){.io = kinds[i]}, rig_main, &rig), 0);
}

/* --- several loops --- */

static int on_loops(struct rig *rig)
{
    for (int i = 0; i < 12; i++) {
        weir_stream *s = secure_connect(rig);

        rig_send(s, HELLO);
        expect_body(s, "hello");
        weir_stream_close(s);
    }
    assert_int_equal(secure_stats(rig).handshakes, 12);
    return 0;
}

static void loops_share_a_context(void **state)
{
    static const enum weir_io kinds[] = {WEIR_IO_EPOLL, WEIR_IO_URING};
    struct secure secure = {0};
    struct rig rig = RIG(on_loops, &secure);

    (void)state;
    rig.unrecorded = true; /* the rig's record belongs to one loop */
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (io_is_here(kinds[i]))
            assert_int_equal(weir_run(&(weir_options){.io = kinds[i], .loops = 3}, rig_main, &rig), 0);
}

/* --- the end --- */

static int drains(struct rig *rig)
{
    weir_stream *idle = secure_connect(rig), *busy = secure_connect(rig), *half = rig_connect(rig);

    rig_send(idle, HELLO);
    expect_body(idle, "hello");
    rig_send(busy, "POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n12");
    while (rig_stats(rig).exchanges == 0)
        assert_int_equal(weir_sleep(weir_us(100)), 0);
    weir_server_drain(rig->server);
    rig_send(busy, "34");
    expect_body(busy, "1234");
    assert_int_equal(weir_read(busy, answer, 1), 0);
    assert_int_equal(weir_read(idle, answer, 1), 0);
    assert_true(rig_is_closed(half));
    weir_stream_close(idle);
    weir_stream_close(busy);
    weir_stream_close(half);
    return 0;
}

static void a_drain_ends_connections_in_order(void **state)
{
    struct secure secure = {0};
    struct rig rig = RIG(drains, &secure);

    (void)state;
    rig_run_simulated(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handlers_are_told_of_it),
        cmocka_unit_test(handlers_are_told_the_client),
        cmocka_unit_test(without_tls_it_is_http),
        cmocka_unit_test(records_are_no_messages),
        cmocka_unit_test(large_bodies_pass_both_ways),
        cmocka_unit_test(a_connection_is_taken_over_with_its_tls),
        cmocka_unit_test(seeds_change_nothing),
        cmocka_unit_test(a_body_that_is_cut_off_is_never_whole),
        cmocka_unit_test(a_client_that_only_stops_sending_is_answered),
        cmocka_unit_test(the_handler_of_a_client_that_leaves_is_cancelled),
        cmocka_unit_test(a_reset_anywhere_leaves_nothing),
        cmocka_unit_test(clients_may_leave_at_every_moment),
        cmocka_unit_test(others_are_served_in_a_storm_of_handshakes),
        cmocka_unit_test(loops_share_a_context),
        cmocka_unit_test(a_drain_ends_connections_in_order),
    };

    return cmocka_run_group_tests(tests, certificates_begin, certificates_end);
}
