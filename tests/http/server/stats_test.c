/* SPDX-License-Identifier: MIT */
/* The records of exchanges, and the statistics of a server. */
#include "server_rig.h"

static int held; /* handlers wait until it is more than 0 */

static int hold(weir_request *req, weir_response *res, void *state)
{
    (void)req, (void)state;
    while (held == 0) {
        int err = weir_sleep(weir_us(100));
        if (err < 0)
            return err;
    }
    return weir_respond_text(res, 200, "held");
}

static int data;

static const weir_route routes[] = {
    {.path = "/held", .handler = hold},
    {.path = "/get", .methods = "GET", .handler = hold, .data = &data},
};

/* Asks on a connection of its own; when it returns, the exchange is recorded. */
static int ask(struct rig *rig, const char *request)
{
    weir_stream *s = rig_connect(rig);
    int records = rig->records;
    char text[1024];
    int status;

    rig_send(s, request);
    status = rig_answer(s, text, sizeof text);
    while (rig->records == records)
        assert_int_equal(weir_sleep(weir_us(100)), 0);
    weir_stream_close(s);
    return status;
}

/* --- records --- */

static int refused(struct rig *rig)
{
    static const struct {
        const char *request;
        int status;
        const char *reason;
    } cases[] = {
        {"GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n", 404, "not_found"},
        {"PUT /get HTTP/1.1\r\nHost: h\r\n\r\n", 405, "method_not_allowed"},
        {"GET /get HTTP/1.1\r\n\r\n", 400, "malformed"},
        {"PUT /held HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n", 413, "too_large"},
        {"GET /get HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501, "not_implemented"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(ask(rig, cases[i].request), cases[i].status);
        assert_int_equal(rig->last.status, cases[i].status);
        assert_string_equal(rig->last.refused, cases[i].reason);
        assert_true(rig->last.complete);
    }
    return 0;
}

static void a_record_says_why_it_was_refused(void **state)
{
    struct rig rig = {.routes = routes, .route_count = 2, .test = refused};

    (void)state;
    held = 1;
    rig_run(&rig);
}

/* --- what a handler gives up is refused on its behalf --- */

static int give_up(weir_request *req, weir_response *res, void *state)
{
    (void)res, (void)state;
    return -(int)strtol(weir_request_query(req), NULL, 10);
}

static const weir_route giving_up[] = {{.path = "/", .handler = give_up}};

static int gave_up(struct rig *rig)
{
    static const struct {
        int err, status;
        const char *reason;
    } cases[] = {
        {-WEIR_EBUSY, 503, "busy"},
        {-ENOMEM, 503, "memory"},
        {-WEIR_ETOOLARGE, 413, "too_large"},
        {-WEIR_ENESTED, 503, "pool_other"},
        {-EIO, 500, NULL},
        {-WEIR_EDEADLINE, 504, NULL},
        {-WEIR_ETRUNCATED, 400, "truncated"},
        {0, 500, NULL},
        {-WEIR_EOPEN, 503, "backend_open"},
        {-WEIR_ELIMITED, 503, "backend_limited"},
    };
    char request[64];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)snprintf(request, sizeof request, "GET /?%d HTTP/1.1\r\nHost: h\r\n\r\n", -cases[i].err);
        assert_int_equal(ask(rig, request), cases[i].status);
        if (cases[i].reason != NULL)
            assert_string_equal(rig->last.refused, cases[i].reason);
        else
            assert_null(rig->last.refused);
    }
    return 0;
}

static void what_a_handler_gives_up_has_its_reason(void **state)
{
    struct rig rig = {.routes = giving_up, .route_count = 1, .test = gave_up};

    (void)state;
    rig_run(&rig);
}

/* --- what a handler refuses itself --- */

static int refuse_busy(weir_request *req, weir_response *res, void *state)
{
    (void)req, (void)state;
    return weir_respond_busy(res, "app_busy", weir_ms(1001), "too much to do");
}

static const weir_route refusing[] = {{.path = "/", .handler = refuse_busy}};

static int busy(struct rig *rig)
{
    weir_stream *s = rig_connect(rig);
    char text[1024];

    rig_send(s, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_int_equal(rig_answer(s, text, sizeof text), 503);
    assert_non_null(strcasestr(text, "\r\nRetry-After: 2\r\n"));
    assert_non_null(strstr(text, "{\"code\":\"busy\",\"message\":\"too much to do\"}"));
    while (rig->records == 0)
        assert_int_equal(weir_sleep(weir_us(100)), 0);
    assert_string_equal(rig->last.refused, "app_busy");
    weir_stream_close(s);
    return 0;
}

static void a_handler_refuses_with_a_reason(void **state)
{
    struct rig rig = {.routes = refusing, .route_count = 1, .test = busy};

    (void)state;
    rig_run(&rig);
}

static void *setup(void *arg, weir_server *server)
{
    (void)arg, (void)server;
    return &held;
}

static int answered(struct rig *rig)
{
    assert_int_equal(ask(rig, "GET /get HTTP/1.1\r\nHost: h\r\n\r\n"), 200);
    assert_null(rig->last.refused);
    assert_ptr_equal(rig->last.data, &data);
    assert_ptr_equal(rig->last.state, &held);
    assert_int_equal(ask(rig, "GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n"), 404);
    assert_null(rig->last.data);
    assert_ptr_equal(rig->last.state, &held);
    return 0;
}

static void a_record_brings_the_route_s_data_and_the_loop_s_state(void **state)
{
    struct rig rig = {.routes = routes, .route_count = 2, .test = answered, .options = {.setup = setup}};

    (void)state;
    held = 1;
    rig_run(&rig);
}

/* --- what is now --- */

static weir_server_stats look(const struct rig *rig)
{
    weir_server_stats stats;

    weir_server_stats_get(rig->server, &stats);
    return stats;
}

static void wait_for_exchanges(const struct rig *rig, int count)
{
    while (look(rig).exchanges != count)
        assert_int_equal(weir_sleep(weir_us(100)), 0);
}

static void wait_for_connections(const struct rig *rig, int count)
{
    while (look(rig).connections != count)
        assert_int_equal(weir_sleep(weir_us(100)), 0);
}

static int counted(struct rig *rig)
{
    weir_stream *s[3];
    char text[1024];

    held = 0;
    assert_int_equal(look(rig).connections, 0);
    for (int i = 0; i < 3; i++) {
        s[i] = rig_connect(rig);
        if (i < 2)
            rig_send(s[i], "GET /held HTTP/1.1\r\nHost: h\r\n\r\n");
    }
    wait_for_connections(rig, 3);
    wait_for_exchanges(rig, 2);
    assert_int_equal(ask(rig, "GET /held HTTP/1.1\r\nHost: h\r\n\r\n"), 503);
    assert_string_equal(rig->last.refused, "exchanges");
    assert_string_equal(rig->last.route, "/held");
    assert_int_equal(look(rig).accepted, 4);
    held = 1;
    for (int i = 0; i < 2; i++)
        assert_int_equal(rig_answer(s[i], text, sizeof text), 200);
    wait_for_exchanges(rig, 0);
    for (int i = 0; i < 3; i++)
        weir_stream_close(s[i]);
    wait_for_connections(rig, 0);
    assert_int_equal(look(rig).accepted, 4);
    assert_int_equal(look(rig).turned_away, 0);
    return 0;
}

static void connections_and_exchanges_are_counted(void **state)
{
    struct rig rig = {.routes = routes, .route_count = 2, .test = counted, .options.limits.exchanges = 2};

    (void)state;
    rig_run(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_says_why_it_was_refused),
        cmocka_unit_test(what_a_handler_gives_up_has_its_reason),
        cmocka_unit_test(a_handler_refuses_with_a_reason),
        cmocka_unit_test(a_record_brings_the_route_s_data_and_the_loop_s_state),
        cmocka_unit_test(connections_and_exchanges_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
