/* SPDX-License-Identifier: MIT */
/* A proxy route between a client and a backend in one run: what passes in virtual time, and clients that
 * leave at every moment of every kind of exchange, after which nothing is left. */
#include "app/routes/wanted.h"
#include "config/backend.h"
#include "config/load.h"
#include "config/route_kind.h"
#include "http/server/server_rig.h"
#include "routes/table.h"
#include "support/torture.h"

enum { PIECE_BYTES = 4096, LARGE_BYTES = 200000 };

struct world {
    struct rig rig; /* first; the gateway */
    struct config config;
    struct route_loop loop;
    void *state;
    char backend[WEIR_ADDRESS_BYTES];
    weir_event backend_listens;
    struct torture *torture;
    weir_backend *named;  /* NULL: the route has `to` */
    const char *keys;     /* of a backend, behind `urls`; NULL: there is none */
    const char *settings; /* of the route, behind `to` */
    const char *request;  /* of the client */
    const char *wanted;   /* in the answer */
};

/* --- the backend --- */

static int say_hello(weir_request *req, weir_response *res, void *state)
{
    (void)req, (void)state;
    return weir_respond_text(res, 200, "hello");
}

/* Answers with what comes, as it comes. */
static int echo(weir_request *req, weir_response *res, void *state)
{
    char *piece = weir_request_alloc(req, PIECE_BYTES);
    ssize_t n = 0;
    int err = weir_respond_begin(res, 200, NULL, -1);

    (void)state;
    while (err == 0 && (n = weir_request_read(req, piece, PIECE_BYTES)) > 0)
        err = weir_respond_write(res, piece, (size_t)n);
    return err < 0 ? err : (int)n;
}

static int take_whole(weir_request *req, weir_response *res, void *state)
{
    weir_bytes body;
    int err = weir_request_read_body(req, &body, 100);

    (void)state;
    return err < 0 ? err : weir_respond_bytes(res, 200, NULL, body.data, body.len);
}

static int refuse(weir_request *req, weir_response *res, void *state)
{
    (void)req, (void)state;
    return weir_respond_text(res, 403, "early");
}

static int talk(weir_request *req, weir_response *res, void *state)
{
    char data[16];
    weir_stream *s;
    ssize_t n;
    int err = weir_request_upgrade(req, res, "chat", &s);

    (void)state;
    if (err < 0)
        return err;
    while (err == 0 && (n = weir_read(s, data, sizeof data)) > 0)
        err = weir_write(s, data, (size_t)n);
    weir_stream_close(s);
    return 0;
}

static int be_silent(weir_request *req, weir_response *res, void *state)
{
    (void)req, (void)res, (void)state;
    return weir_sleep(weir_seconds(1000));
}

/* Says what it is told of the deadline. */
static int tell_left(weir_request *req, weir_response *res, void *state)
{
    const char *left = weir_request_header_joined(req, "x-weir-deadline-ms");
    char text[64];

    (void)state;
    (void)snprintf(text, sizeof text, "left: %s.", left != NULL ? left : "not told");
    return weir_respond_text(res, 200, text);
}

/* Is silent to first attempts; answers second ones with what they have sent. */
static int echo_second(weir_request *req, weir_response *res, void *state)
{
    return weir_request_header(req, "x-weir-attempt") == NULL ? be_silent(req, res, state)
                                                              : take_whole(req, res, state);
}

static int fail_first(weir_request *req, weir_response *res, void *state)
{
    return weir_request_header(req, "x-weir-attempt") == NULL ? weir_respond_text(res, 503, "first")
                                                              : take_whole(req, res, state);
}

static void backend_listening(void *arg, weir_server *server)
{
    struct world *w = arg;

    (void)snprintf(w->backend, sizeof w->backend, "%s", weir_server_address(server, 0));
    weir_event_set(&w->backend_listens);
}

static int backend(void *arg)
{
    static const weir_route routes[] = {
        {.path = "/hello", .handler = say_hello},  {.path = "/echo", .handler = echo},
        {.path = "/early", .handler = refuse},     {.path = "/chat", .handler = talk},
        {.path = "/silent", .handler = be_silent}, {.path = "/whole", .handler = take_whole},
        {.path = "/left", .handler = tell_left},   {.path = "/second", .handler = echo_second},
        {.path = "/fails", .handler = fail_first},
    };
    const weir_server_options options = {
        .listen = "127.0.0.1:0", .drain = weir_ms(1), .on_listening = backend_listening, .arg = arg};

    (void)!weir_server_run(&options, routes, sizeof routes / sizeof *routes);
    return 0;
}

/* --- the gateway --- */

static void *open_gateway(void *arg, weir_server *server)
{
    struct world *w = arg;

    (void)server;
    w->loop.config = &w->config;
    assert_int_equal(weir_client_open(NULL, &w->loop.client), 0);
    if (w->keys != NULL)
        assert_int_equal(weir_backend_open(&w->config.backends[0].options, &w->named), 0);
    w->loop.backends = &w->named;
    assert_int_equal(w->config.routes[0].kind->open(&w->config.routes[0], &w->loop, &w->state), 0);
    return w;
}

static void close_gateway(void *state)
{
    struct world *w = state;

    w->config.routes[0].kind->close(w->state);
    weir_backend_close(w->named);
    w->named = NULL;
    weir_client_close(w->loop.client);
}

static int pass(weir_request *req, weir_response *res, void *state)
{
    struct world *w = state;

    return w->config.routes[0].kind->handle(req, res, w->state);
}

/* --- the client --- */

static int ask(void *arg)
{
    const struct world *w = arg;

    return ask_for_wanted(w->rig.address, w->request, w->wanted, LARGE_BYTES);
}

static int with_gateway(struct rig *rig)
{
    struct world *w = (struct world *)(void *)rig;

    return w->torture != NULL ? torture_victim(w->torture, ask, w) : ask(w);
}

/* --- the whole --- */

static int world_main(void *arg)
{
    static const weir_route route = {.path = "/*", .handler = pass};
    struct world *w = arg;
    struct config_faults faults;
    weir_scope scope;
    char text[512];
    int length, result;

    weir_event_init(&w->backend_listens);
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "backend", backend, w), 0);
    assert_int_equal(weir_event_wait(&w->backend_listens), 0);
    length = snprintf(text, sizeof text,
                      w->keys != NULL
                          ? "listen: 127.0.0.1:1\nbackends: {b: {urls: 'http://%s', eject: false, %s}}\n"
                            "routes: [{path: '/*', proxy: {backend: b%s}}]\n"
                          : "listen: 127.0.0.1:1\nroutes: [{path: '/*', proxy: {to: 'http://%s'%s%s}}]\n",
                      w->backend, w->keys != NULL ? w->keys : "", w->settings != NULL ? w->settings : "");
    config_faults_open(&faults, "proxy_test");
    assert_int_equal(config_parse(&w->config, text, (size_t)length, &route_kinds, &faults), 0);
    w->rig = (struct rig){.routes = &route, .route_count = 1, .unrecorded = true, .test = with_gateway};
    w->rig.options.setup = open_gateway;
    w->rig.options.teardown = close_gateway;
    w->rig.options.drain = weir_ms(1);
    result = rig_main(&w->rig);
    config_free(&w->config);
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    return result;
}

#define CLOSE "Connection: close\r\n\r\n"
#define HEDGE "hedge: {after: 5ms, extra: 100%}"
#define RETRY "retry: {on: [connect, reset, 503], extra: 100%}"

static const struct {
    const char *name, *keys, *settings, *request, *wanted;
} exchanges[] = {
    {"a request without a body", NULL, NULL, "GET /hello HTTP/1.1\r\nHost: h\r\n" CLOSE, "hello"},
    {"bodies both ways", NULL, NULL,
     "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
     "3\r\nabc\r\n4\r\ndefg\r\n0\r\nX-Sum: 1\r\n\r\n",
     "\r\n0\r\n\r\n"},
    {"a body that is held", NULL, ", buffer: 64KiB",
     "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nConnection: close\r\n\r\nabcde",
     "\r\n0\r\n\r\n"},
    {"an early answer", NULL, NULL, "POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\nabc",
     "early"},
    {"100 (Continue)", NULL, NULL,
     "POST /whole HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n", "100 Continue"},
    {"a tunnel", NULL, NULL,
     "GET /chat HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\nping", "ping"},
    {"a request that is hedged", HEDGE, NULL,
     "GET /second HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nConnection: close\r\n\r\nabcde", "abcde"},
    {"a request that is sent again", RETRY, ", repeatable: true",
     "POST /fails HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: "
     "close\r\n\r\nabcde",
     "\r\n\r\nabcde"},
    {"a tunnel of a backend with second attempts", HEDGE, NULL,
     "GET /chat HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\nping", "ping"},
};

static int tortured_world(struct torture *t)
{
    struct world *w = t->arg;

    w->torture = t;
    t->also_fine = -ECONNRESET;
    return world_main(w);
}

static void clients_may_leave_at_every_moment(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof exchanges / sizeof *exchanges; i++) {
        struct world w = {.settings = exchanges[i].settings,
                          .keys = exchanges[i].keys,
                          .request = exchanges[i].request,
                          .wanted = exchanges[i].wanted};

        if (torture_all_transports(tortured_world, &w) < 10)
            fail_msg("%s: too few waits", exchanges[i].name);
    }
}

/* --- time, which is virtual --- */

static void run_timed(const char *settings, const char *request, const char *wanted)
{
    struct world w = {.settings = settings, .request = request, .wanted = wanted};

    run_simulated_and_in_memory(1, world_main, &w);
}

static void a_backend_has_its_time(void **state)
{
    (void)state;
    run_timed(", timeout: 5m", "GET /silent HTTP/1.1\r\nHost: h\r\n" CLOSE, "HTTP/1.1 504 ");
    run_timed(NULL, "POST /silent HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc",
              "the backend has not answered within 30s");
    run_timed(NULL, "GET /silent HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n",
              "HTTP/1.1 504 ");
}

static void the_deadline_of_the_client_holds_until_the_answer_begins(void **state)
{
    (void)state;
    run_timed(NULL, "GET /silent HTTP/1.1\r\nHost: h\r\nX-Weir-Deadline-Ms: 20\r\n" CLOSE,
              "the deadline of the request has passed");
    run_timed(
        NULL,
        "POST /silent HTTP/1.1\r\nHost: h\r\nx-weir-deadline-ms: 20\r\nContent-Length: 100000\r\n\r\nabc",
        "the deadline of the request has passed");
    run_timed(", timeout: 20ms", "GET /silent HTTP/1.1\r\nHost: h\r\nx-weir-deadline-ms: 30\r\n" CLOSE,
              "the backend has not answered within 20ms");
    run_timed(NULL, "GET /hello HTTP/1.1\r\nHost: h\r\nx-weir-deadline-ms: 0\r\n" CLOSE, "HTTP/1.1 504 ");
    run_timed(NULL, "GET /hello HTTP/1.1\r\nHost: h\r\nx-weir-deadline-ms: soon\r\n" CLOSE, "HTTP/1.1 400 ");
    /* A tunnel lives longer, and so does a body. */
    run_timed(NULL,
              "GET /chat HTTP/1.1\r\nHost: h\r\nx-weir-deadline-ms: 20\r\nConnection: upgrade\r\nUpgrade: "
              "chat\r\n\r\nping",
              "ping");
}

static void the_backend_is_told_what_is_left(void **state)
{
    (void)state;
    run_timed(NULL, "GET /left HTTP/1.1\r\nHost: h\r\n" CLOSE, "left: not told.");
    run_timed(NULL, "GET /left HTTP/1.1\r\nHost: h\r\nx-weir-deadline-ms: 2000\r\n" CLOSE, "left: 2000.");
    run_timed(NULL, "GET /left HTTP/1.1\r\nHost: h\r\nX_Weir_Deadline_Ms: 2000\r\n" CLOSE, "left: not told.");
}

/* --- second attempts --- */

static void run_twice(const char *keys, const char *settings, const char *request, const char *wanted)
{
    struct world w = {.keys = keys, .settings = settings, .request = request, .wanted = wanted};

    run_simulated_and_in_memory(1, world_main, &w);
}

static void each_attempt_says_what_is_left(void **state)
{
    static const char asks[] = "GET /left HTTP/1.1\r\nHost: h\r\n" CLOSE,
                      hurries[] = "GET /left HTTP/1.1\r\nHost: h\r\nx-weir-deadline-ms: 2000\r\n" CLOSE;

    (void)state;
    run_twice("breaker: false", NULL, asks, "left: not told.");
    run_twice("breaker: false", NULL, hurries, "left: 2000.");
    run_twice("retry: {}", ", timeout: 3s", asks, "left: 3000.");
    run_twice("retry: {}", ", timeout: 3s", hurries, "left: 2000.");
}

#define POST(path) "POST " path " HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nConnection: close\r\n\r\nabcde"

static void a_small_body_is_kept_for_a_second_attempt(void **state)
{
    (void)state;
    run_twice(HEDGE, ", repeatable: true", POST("/second"), "\r\n\r\nabcde");
    run_twice(RETRY, ", repeatable: true", POST("/fails"), "\r\n\r\nabcde");
    run_twice(RETRY, ", repeatable: true, buffer: 2B", POST("/fails"), "\r\n\r\nabcde");
    run_twice(RETRY, "", "GET /fails HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab",
              "\r\n\r\nab");
}

static void what_must_not_be_sent_twice_is_not(void **state)
{
    static const char chunked[] =
        "POST /fails HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: "
        "close\r\n\r\n5\r\nabcde\r\n0\r\n\r\n";

    (void)state;
    run_twice(RETRY, "", POST("/fails"), "HTTP/1.1 503 ");
    run_twice(HEDGE, ", timeout: 1m", POST("/second"), "HTTP/1.1 504 ");
    run_twice(RETRY, ", repeatable: true", chunked, "HTTP/1.1 503 ");
    run_twice(RETRY, ", repeatable: true, buffer: 64KiB", chunked, "HTTP/1.1 503 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_may_leave_at_every_moment),
        cmocka_unit_test(a_backend_has_its_time),
        cmocka_unit_test(the_deadline_of_the_client_holds_until_the_answer_begins),
        cmocka_unit_test(the_backend_is_told_what_is_left),
        cmocka_unit_test(each_attempt_says_what_is_left),
        cmocka_unit_test(a_small_body_is_kept_for_a_second_attempt),
        cmocka_unit_test(what_must_not_be_sent_twice_is_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
