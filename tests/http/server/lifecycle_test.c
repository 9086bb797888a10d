/* SPDX-License-Identifier: MIT */
/* Exchanges and connections that end otherwise than by their response: clients that leave, limits, time
 * limits, draining. */
#include "http/server/handlers.h"
#include "http/server/server_rig.h"

static char answer[1 << 16];

/* --- handlers --- */

static int outcome_of_sleep;
static weir_event asleep;

static int sleeping(weir_request *req, weir_response *res, void *state)
{
    char body[16];

    (void)state;
    weir_event_set(&asleep);
    while (weir_request_read(req, body, sizeof body) > 0)
        ;
    outcome_of_sleep = weir_sleep(weir_seconds(20));
    return outcome_of_sleep < 0 ? outcome_of_sleep : weir_respond_text(res, 200, "rested");
}

static const weir_route routes[] = {
    {.path = "/hello", .handler = hello},
    {.path = "/echo", .methods = "POST PUT", .handler = echo},
    {.path = "/sleeping", .handler = sleeping},
};

#define RIG(fn)                                                                                              \
    {                                                                                                        \
        .routes = routes, .route_count = sizeof routes / sizeof *routes, .test = (fn)                        \
    }

/* --- clients that leave --- */

static int leave(struct rig *rig)
{
    weir_stream *s = rig_connect(rig);

    outcome_of_sleep = 1;
    weir_event_init(&asleep);
    rig_send(s, "GET /sleeping HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(weir_event_wait(&asleep), 0);
    weir_stream_close(s);
    assert_int_equal(weir_event_wait(&rig->recorded), 0);
    assert_int_equal(outcome_of_sleep, -WEIR_ECANCELED);
    assert_int_equal(rig->last.status, 0);
    assert_false(rig->last.complete);
    return 0;
}

static void a_client_that_leaves_cancels_its_exchange(void **state)
{
    struct rig rig = RIG(leave);

    (void)state;
    rig_run(&rig);
}

/* The end is noticed as soon behind a further request, or a part of one. */
static int leave_behind_more(struct rig *rig)
{
    static const char *const more[] = {"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n", "G"};
    static const char *const requests[] = {
        "GET /sleeping HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /sleeping HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nb"};

    for (size_t i = 0; i < 12; i++) {
        weir_stream *s = rig_connect(rig);
        outcome_of_sleep = 1;
        weir_event_init(&asleep);
        weir_event_init(&rig->recorded);
        rig_send(s, requests[i / 3 % 2]);
        if (i < 6)
            rig_send(s, more[i % 3]);
        assert_int_equal(weir_event_wait(&asleep), 0);
        if (i >= 6)
            rig_send(s, more[i % 3]);
        weir_stream_close(s);
        assert_int_equal(weir_event_wait(&rig->recorded), 0);
        assert_int_equal(outcome_of_sleep, -WEIR_ECANCELED);
        assert_int_equal(rig->last.status, 0);
    }
    return 0;
}

static void a_client_that_leaves_with_more_on_its_way_cancels_its_exchange(void **state)
{
    struct rig rig = RIG(leave_behind_more);

    (void)state;
    rig_run(&rig);
}

static int half_close(struct rig *rig)
{
    weir_stream *s = rig_connect(rig);

    rig_send(s, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(weir_stream_shutdown(s), 0);
    assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
    assert_true(rig_is_closed(s));
    weir_stream_close(s);
    return 0;
}

static void a_client_that_only_stops_sending_is_answered(void **state)
{
    struct rig rig = RIG(half_close);

    (void)state;
    rig_run(&rig);
}

/* --- limits --- */

static int too_many(struct rig *rig)
{
    weir_stream *first = rig_connect(rig), *second = rig_connect(rig);

    weir_event_init(&asleep);
    rig_send(first, "GET /sleeping HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(weir_event_wait(&asleep), 0);
    rig_send(second, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(rig_answer(second, answer, sizeof answer), 503);
    assert_non_null(strstr(answer, "\"busy\""));
    assert_int_equal(rig_answer(first, answer, sizeof answer), 200);
    rig_send(second, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(rig_answer(second, answer, sizeof answer), 200);
    weir_stream_close(first);
    weir_stream_close(second);
    return 0;
}

static void exchanges_beyond_the_limit_are_refused(void **state)
{
    struct rig rig = RIG(too_many);

    (void)state;
    rig.options.limits.exchanges = 1;
    rig_run_simulated(&rig);
}

/* Beyond the limit of tasks, those that exist are served and others are answered 503, until tasks end. */
static int exhaust_tasks(struct rig *rig)
{
    weir_stream *busy[8], *s = rig_connect(rig);
    int n = 0, status = 0;

    weir_event_init(&asleep);
    for (; n < 8 && status != 503; n++) {
        weir_scope soon;
        busy[n] = rig_connect(rig);
        rig_send(busy[n], "GET /sleeping HTTP/1.1\r\nHost: a\r\n\r\n");
        weir_scope_open(&soon, weir_after_ms(100), 0);
        status = rig_answer(busy[n], answer, sizeof answer);
        (void)weir_scope_close(&soon);
    }
    assert_int_equal(status, 503);
    assert_non_null(strstr(answer, "\"busy\""));
    assert_int_equal(strlen(strstr(answer, "\r\n\r\n") + 4), 69);
    assert_true(rig_is_closed(busy[n - 1]));
    for (int i = 0; i < n; i++)
        weir_stream_close(busy[i]);
    while (rig->records < n - 1) {
        weir_event_reset(&rig->recorded);
        assert_int_equal(weir_event_wait(&rig->recorded), 0);
    }
    rig_send(s, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
    weir_stream_close(s);
    return 0;
}

static void without_memory_for_a_task_the_answer_is_503(void **state)
{
    struct rig rig = RIG(exhaust_tasks);
    weir_options options = {.io = WEIR_IO_SIM, .tasks_max = 8};

    (void)state;
    assert_int_equal(weir_run(&options, rig_main, &rig), 0);
    assert_int_equal(memory_run(&options, rig_main, &rig), 0);
}

/* --- time --- */

static int be_slow(struct rig *rig)
{
    weir_instant start = weir_now();
    weir_stream *idle = rig_connect(rig), *slow = rig_connect(rig), *body = rig_connect(rig);

    rig_send(slow, "GET /hel");
    rig_send(body, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
    assert_int_equal(rig_answer(slow, answer, sizeof answer), 408);
    assert_true(weir_between(start, weir_now()).ns / 1000000000 == 10);
    assert_true(rig_is_closed(slow));
    assert_int_equal(rig_answer(body, answer, sizeof answer), 408); /* at less than 256 bytes a second */
    assert_int_equal(weir_between(start, weir_now()).ns / 1000000000, 10);
    assert_true(rig_is_closed(body));
    assert_int_equal(rig_answer(idle, answer, sizeof answer), 0); /* without a response */
    assert_int_equal(weir_between(start, weir_now()).ns / 1000000000, 60);
    weir_stream_close(idle);
    weir_stream_close(slow);
    weir_stream_close(body);
    return 0;
}

static void slow_clients_lose_their_connections(void **state)
{
    struct rig rig = RIG(be_slow);

    (void)state;
    rig_run_simulated(&rig);
}

/* --- draining --- */

static int drain(struct rig *rig)
{
    weir_stream *idle = rig_connect(rig), *kept = rig_connect(rig), *busy = rig_connect(rig);
    weir_instant start;
    weir_scope shield;

    rig_send(kept, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(rig_answer(kept, answer, sizeof answer), 200);
    assert_null(strstr(answer, "connection: close"));
    assert_int_equal(weir_sleep(weir_seconds(30)), 0); /* however long they were idle before */
    start = weir_now();
    weir_event_init(&asleep);
    rig_send(busy, "GET /sleeping HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(weir_event_wait(&asleep), 0);
    weir_scope_cancel(&rig->serving);
    /* The server is cancelled, but this task is in the same scope. */
    weir_scope_open(&shield, weir_never(), WEIR_SHIELD);
    assert_int_equal(weir_sleep(weir_ms(3000)), 0);
    rig_send(kept, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"); /* once more, for the last time */
    assert_int_equal(rig_answer(kept, answer, sizeof answer), 200);
    assert_non_null(strstr(answer, "connection: close"));
    assert_true(rig_is_closed(kept));
    assert_int_equal(weir_between(start, weir_now()).ns / 1000000000, 3);
    assert_true(rig_is_closed(idle));
    assert_in_range(weir_between(start, weir_now()).ns / 1000000, 5000, 5100);
    weir_stream_close(kept);
    (void)weir_scope_close(&shield);
    answer[0] = '\0';
    for (int i = 0; i < 4 && strstr(answer, "rested") == NULL;) { /* a shield lasts five seconds */
        size_t len = strlen(answer);
        ssize_t n;
        weir_scope_open(&shield, weir_never(), WEIR_SHIELD);
        n = weir_read(busy, answer + len, sizeof answer - 1 - len);
        (void)weir_scope_close(&shield);
        if (n > 0)
            answer[len + (size_t)n] = '\0';
        else
            i++;
    }
    assert_non_null(strstr(answer, "connection: close"));
    assert_non_null(strstr(answer, "rested"));
    assert_true(weir_between(start, weir_now()).ns / 1000000000 == 20);
    weir_scope_open(&shield, weir_never(), WEIR_SHIELD);
    weir_stream_close(idle);
    weir_stream_close(busy);
    (void)weir_scope_close(&shield);
    return 0;
}

static void draining_finishes_what_has_begun(void **state)
{
    struct rig rig = RIG(drain);

    (void)state;
    rig_run_simulated(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_that_leaves_cancels_its_exchange),
        cmocka_unit_test(a_client_that_leaves_with_more_on_its_way_cancels_its_exchange),
        cmocka_unit_test(a_client_that_only_stops_sending_is_answered),
        cmocka_unit_test(exchanges_beyond_the_limit_are_refused),
        cmocka_unit_test(without_memory_for_a_task_the_answer_is_503),
        cmocka_unit_test(slow_clients_lose_their_connections),
        cmocka_unit_test(draining_finishes_what_has_begun),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
