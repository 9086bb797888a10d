/* SPDX-License-Identifier: MIT */
/* A serve route: who holds a place and for how long, what becomes of a process that dies, and clients that
 * leave at every moment, after which nothing is left. */
#include "app/routes/serve_rig.h"

/* --- what passes --- */

static int pass_on(struct world *w)
{
    world_ask(w, "/hello", "\r\n\r\nok");
    world_ask(w, "/head?a=1", "\r\n\r\nok");
    world_ask(w, "/head", "\r\nHost: shop.test\r\n");
    world_ask(w, "/head", "\r\nX-Forwarded-Proto: http\r\n");
    world_ask(w, "/chunked", "\r\nTransfer-Encoding: chunked\r\n");
    world_ask(w, "/chunked", "\r\n0\r\nx-sum: 1\r\n\r\n");
    world_ask(w, "/large", "\r\nContent-Length: 200000\r\n");
    return 0;
}

static void requests_are_passed_on(void **state)
{
    (void)state;
    world_run(2, NULL, pass_on);
}

static int strip(struct world *w)
{
    world_ask(w, "/shop/head", "GET /head HTTP/1.1\r\nHost: localhost\r\n");
    return 0;
}

static void a_prefix_is_stripped(void **state)
{
    struct world w = {.processes = 1,
                      .path = "/shop/*",
                      .route = "{app: shop, strip: /shop, host: backend}",
                      .test = strip};

    (void)state;
    run_simulated(1, world_main, &w);
}

/* --- clients that are slow --- */

#define SLOW_HEAD "POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nConnection: close\r\n\r\n"

/* A body that comes slowly takes no place. */
static int send_slowly(struct world *w)
{
    weir_stream *s = world_send(w, SLOW_HEAD "ab");
    char *text;

    assert_int_equal(weir_sleep(weir_seconds(5)), 0);
    assert_int_equal(world_in_flight(w), 0);
    world_ask(w, "/hello", "\r\n\r\nok");
    rig_send(s, "cde");
    text = world_read(s);
    assert_non_null(strstr(text, "HTTP/1.1 200"));
    free(text);
    return 0;
}

static void a_client_that_sends_slowly_holds_no_place(void **state)
{
    (void)state;
    world_run(1, NULL, send_slowly);
}

/* Asks, and reads nothing; meanwhile another one is served. */
static void read_slowly(struct world *w, const char *target)
{
    const int before = w->process[0].requests;
    char request[128];
    weir_stream *s;
    char *text;

    (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
                   target);
    s = world_send(w, request);
    while (w->process[0].requests == before)
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
    world_await(w, 0);
    world_ask(w, "/hello", "\r\n\r\nok");
    text = world_read(s);
    assert_true(strlen(text) > LARGE_BYTES);
    free(text);
}

static int read_all_slowly(struct world *w)
{
    read_slowly(w, "/large");
    read_slowly(w, "/chunked");
    return 0;
}

static void a_client_that_reads_slowly_holds_no_place(void **state)
{
    (void)state;
    world_run(1, NULL, read_all_slowly);
}

/* Of an answer that is too large the last part is read. */
static int read_huge_slowly(struct world *w)
{
    weir_stream *s = world_send(w, "GET /huge HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    char piece[4096];
    size_t got = 0;

    assert_int_equal(weir_sleep(weir_seconds(2)), 0);
    assert_int_equal(world_in_flight(w), 1);
    while (world_in_flight(w) == 1) {
        ssize_t n = weir_read(s, piece, sizeof piece);
        assert_true(n > 0);
        got += (size_t)n;
        assert_int_equal(weir_sleep(weir_us(100)), 0);
    }
    assert_true(got < HUGE_BYTES - 200000);
    world_ask(w, "/hello", "\r\n\r\nok");
    for (ssize_t n = 1; n > 0; got += n > 0 ? (size_t)n : 0)
        n = weir_read(s, piece, sizeof piece);
    assert_true(got > HUGE_BYTES);
    weir_stream_close(s);
    return 0;
}

static void of_a_large_answer_the_end_is_read_early(void **state)
{
    (void)state;
    world_run(1, NULL, read_huge_slowly);
}

static int hold_place(struct world *w)
{
    weir_stream *s =
        world_send(w, "GET /chat HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n");

    world_await(w, 1);
    assert_int_equal(weir_sleep(weir_seconds(100)), 0);
    assert_int_equal(world_in_flight(w), 1);
    weir_stream_close(s);
    world_await(w, 0);
    s = world_send(w, "GET /events HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    world_await(w, 1);
    assert_int_equal(weir_sleep(weir_seconds(4)), 0);
    assert_int_equal(world_in_flight(w), 1);
    free(world_read(s));
    assert_int_equal(world_in_flight(w), 0);
    assert_int_equal(atomic_load(&world_block(w)->service_ns), 0); /* they say nothing of other requests */
    return 0;
}

static void tunnels_and_event_streams_hold_their_place(void **state)
{
    (void)state;
    world_run(1, NULL, hold_place);
}

/* --- refusals --- */

static int refuse(struct world *w)
{
    weir_stream *first = world_send(w, "GET /slow HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), *second;

    world_await(w, 1);
    second = world_send(w, "GET /slow HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    while (world_waiting(w) != 1)
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
    world_ask(w, "/hello", "HTTP/1.1 503 ");
    world_ask(w, "/hello", "\r\nRetry-After: 1\r\n");
    world_ask(w, "/hello", "\"as many requests wait for the application as may (app.queue)\"");
    free(world_read(first));
    free(world_read(second));
    world_ask(w, "/hello", "\r\n\r\nok");
    return 0;
}

static void a_full_queue_refuses(void **state)
{
    (void)state;
    world_run(1, ", queue: 1", refuse);
}

static int be_broken(struct world *w)
{
    world_ask(w, "/hello", "\"no process of the application was ready within 200ms (app.wait)\"");
    app_block_break(world_block(w), "Error: \"shop\"\x1b[31m not found");
    world_ask(w, "/hello", "\"the application does not start: Error: \\\"shop\\\"\\u001b[31m not found\"");
    world_ask(w, "/hello", "HTTP/1.1 503 ");
    return 0;
}

static void a_broken_application_shows_its_last_line(void **state)
{
    (void)state;
    world_run(0, ", wait: 200ms", be_broken);
}

/* --- processes that die --- */

static int die(struct world *w)
{
    char *text;
    int requests;

    world_ask(w, "/hello", "\r\n\r\nok"); /* a connection is kept */
    world_ask(w, "/die", "HTTP/1.1 502 ");
    requests = w->process[0].requests;
    assert_int_equal(requests, 2); /* of which none was sent again */
    world_ask(w, "/die", "\"the application closed the connection without an answer\"");
    assert_int_equal(w->process[0].requests, 3);
    world_ask(w, "/die-in-body", "HTTP/1.1 502 "); /* it had not begun for the client */
    assert_int_equal(atomic_load(&world_block(w)->processes[0].failures), 3);
    text = world_read(world_send(w, "GET /die-in-chunks HTTP/1.1\r\nHost: h\r\n\r\n"));
    assert_null(strstr(text, "\r\n0\r\n\r\n")); /* visibly broken, by a reset */
    free(text);
    world_ask(w, "/hello", "\r\n\r\nok");
    return 0;
}

static void a_process_that_dies_takes_its_own_requests_along(void **state)
{
    (void)state;
    world_run(1, NULL, die);
}

/* The first process has gone, and the supervisor has not noticed. */
static int ask_the_other(struct world *w)
{
    struct app_process *gone = &world_block(w)->processes[0];

    atomic_store(&gone->serial, 99);
    for (int i = 0; i < 5; i++)
        world_ask(w, "/hello", "\r\n\r\nok");
    assert_int_equal(w->process[1].requests, 5);
    atomic_store(&world_block(w)->processes[1].state, APP_PROCESS_LEAVING);
    world_ask(w, "/hello", "\"no process of the application was ready within 1s (app.wait)\"");
    return 0;
}

static void a_refused_connection_is_tried_with_another_process(void **state)
{
    (void)state;
    world_run(2, NULL, ask_the_other);
}

static int leave_late(struct world *w)
{
    weir_stream *s = world_send(w, "GET /events HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");

    world_await(w, 1);
    weir_stream_close(s);
    world_await(w, 0);
    while (w->process[0].open > 0) /* the process learns of it */
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
    assert_int_equal(atomic_load(&world_block(w)->processes[0].failures), 0);
    return 0;
}

static void a_client_that_leaves_closes_the_connection(void **state)
{
    (void)state;
    world_run(1, NULL, leave_late);
}

static int hurry(struct world *w)
{
    static const char slow[] =
        "GET /slow HTTP/1.1\r\nHost: h\r\nConnection: close\r\nx-weir-deadline-ms: 20\r\n\r\n";

    for (int i = 0; i < 6; i++) {
        char *text = world_read(world_send(w, slow));
        assert_non_null(strstr(text, "the deadline of the request has passed"));
        free(text);
    }
    world_await(w, 0);
    assert_int_equal(atomic_load(&world_block(w)->processes[0].failures), 0);
    return 0;
}

static void a_deadline_of_the_client_is_no_failure_of_the_process(void **state)
{
    (void)state;
    world_run(1, NULL, hurry);
}

/* --- every moment --- */

#define CLOSE "Connection: close\r\n\r\n"

static const struct {
    const char *name, *request, *wanted;
} exchanges[] = {
    {"an answer of known length", "GET /hello HTTP/1.1\r\nHost: h\r\n" CLOSE, "ok"},
    {"a body", "POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n" CLOSE "abcde", "ok"},
    {"chunks", "GET /chunked HTTP/1.1\r\nHost: h\r\n" CLOSE, "x-sum: 1\r\n\r\n"},
    {"a tunnel", "GET /chat HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\nping", "ping"},
};

static void clients_may_leave_at_every_moment(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof exchanges / sizeof *exchanges; i++) {
        struct world w = {.processes = 1,
                          .request = exchanges[i].request,
                          .wanted = exchanges[i].wanted,
                          .test = world_run_tortured};

        if (torture(world_tortured, &w) < 10)
            fail_msg("%s: too few waits", exchanges[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_passed_on),
        cmocka_unit_test(a_prefix_is_stripped),
        cmocka_unit_test(a_client_that_sends_slowly_holds_no_place),
        cmocka_unit_test(a_client_that_reads_slowly_holds_no_place),
        cmocka_unit_test(of_a_large_answer_the_end_is_read_early),
        cmocka_unit_test(tunnels_and_event_streams_hold_their_place),
        cmocka_unit_test(a_full_queue_refuses),
        cmocka_unit_test(a_broken_application_shows_its_last_line),
        cmocka_unit_test(a_process_that_dies_takes_its_own_requests_along),
        cmocka_unit_test(a_refused_connection_is_tried_with_another_process),
        cmocka_unit_test(a_client_that_leaves_closes_the_connection),
        cmocka_unit_test(a_deadline_of_the_client_is_no_failure_of_the_process),
        cmocka_unit_test(clients_may_leave_at_every_moment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
