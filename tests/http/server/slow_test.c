/* SPDX-License-Identifier: MIT */
/* Clients that send slowly, read slowly, read last, or send no more: how long each is waited for. */
#include <stdlib.h>

#include "http/server/server_rig.h"

enum { LARGE = 18 << 20, PIECE = 64 << 10 };

static char answer[1 << 16], piece[PIECE];
static weir_event begun, go_on;
static int outcome;

/* --- handlers --- */

static int read_whole(weir_request *req, weir_response *res, void *state)
{
    weir_bytes body;
    int err = weir_request_read_body(req, &body, SIZE_MAX);

    (void)state;
    return err < 0 ? err : weir_respond_text(res, 200, "whole");
}

static int read_pieces(weir_request *req, weir_response *res, void *state)
{
    char small[100];
    ssize_t n;

    (void)state;
    while ((n = weir_request_read(req, small, sizeof small)) > 0)
        ;
    return n < 0 ? (int)n : weir_respond_text(res, 200, "pieces");
}

/* Reads into memory of its own, without a copy from the loop's. */
static int read_straight(weir_request *req, weir_response *res, void *state)
{
    ssize_t n;

    (void)state;
    while ((n = weir_request_read(req, piece, sizeof piece)) > 0)
        ;
    return n < 0 ? (int)n : weir_respond_text(res, 200, "straight");
}

static int read_nothing(weir_request *req, weir_response *res, void *state)
{
    (void)req, (void)state;
    return weir_respond_text(res, 200, "nothing");
}

static int read_late(weir_request *req, weir_response *res, void *state)
{
    char small[10];
    ssize_t n;

    (void)state;
    while ((n = weir_request_read(req, small, sizeof small)) > 0) {
        int err = weir_sleep(weir_seconds(20));
        if (err < 0)
            return err;
    }
    return n < 0 ? (int)n : weir_respond_text(res, 200, "late");
}

static int answer_large(weir_request *req, weir_response *res, void *state)
{
    char *data = calloc(1, LARGE);

    (void)req, (void)state;
    assert_non_null(data);
    outcome = weir_respond_bytes(res, 200, "text/plain", data, LARGE);
    free(data);
    return outcome;
}

/* Sends back what comes in, as it comes in. */
static int mirror(weir_request *req, weir_response *res, void *state)
{
    char *data = weir_request_alloc(req, PIECE);
    ssize_t n;
    int err = weir_respond_begin(res, 200, "text/plain", -1);

    (void)state;
    while (err == 0 && (n = weir_request_read(req, data, PIECE)) != 0)
        err = n < 0 ? (int)n : weir_respond_write(res, data, (size_t)n);
    return outcome = err;
}

static int wait_until_told(weir_request *req, weir_response *res, void *state)
{
    (void)req, (void)state;
    weir_event_set(&begun);
    outcome = weir_event_wait(&go_on);
    return outcome < 0 ? outcome : weir_respond_text(res, 200, "told");
}

static int stream_when_told(weir_request *req, weir_response *res, void *state)
{
    int err = weir_respond_begin(res, 200, "text/plain", -1);

    (void)req, (void)state;
    weir_event_set(&begun);
    if (err == 0)
        err = weir_event_wait(&go_on);
    return err < 0 ? err : weir_respond_write(res, "told", 4);
}

static const weir_route routes[] = {
    {.path = "/whole", .handler = read_whole},
    {.path = "/pieces", .handler = read_pieces},
    {.path = "/straight", .handler = read_straight},
    {.path = "/nothing", .handler = read_nothing},
    {.path = "/late", .handler = read_late},
    {.path = "/large", .handler = answer_large},
    {.path = "/mirror", .handler = mirror, .body_bytes_max = 1 << 30},
    {.path = "/wait", .handler = wait_until_told},
    {.path = "/stream", .handler = stream_when_told},
};

#define RIG(fn)                                                                                              \
    {                                                                                                        \
        .routes = routes, .route_count = sizeof routes / sizeof *routes, .test = (fn)                        \
    }

static int64_t seconds_since(weir_instant start)
{
    return weir_between(start, weir_now()).ns / 1000000000;
}

static void wait_for_record(struct rig *rig, int count)
{
    while (rig->records < count) {
        weir_event_reset(&rig->recorded);
        assert_int_equal(weir_event_wait(&rig->recorded), 0);
    }
}

/* --- bodies --- */

struct trickle {
    weir_stream *s;
    const char *bytes;
    weir_duration every;
};

static int send_one_by_one(void *arg)
{
    struct trickle *t = arg;

    while (weir_sleep(t->every) == 0 && weir_write(t->s, t->bytes, strlen(t->bytes)) == 0)
        ;
    return 0;
}

/* Sends bytes until it is answered. Returns: the status. */
static int trickle(struct rig *rig, const char *head, const char *bytes, weir_duration every)
{
    struct trickle t = {rig_connect(rig), bytes, every};
    weir_scope scope;
    int status;

    rig_send(t.s, head);
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "trickle", send_one_by_one, &t), 0);
    status = rig_answer(t.s, answer, sizeof answer);
    if (status == 408)
        assert_non_null(strstr(answer, "connection: close"));
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    weir_stream_close(t.s);
    return status;
}

static int trickle_into_each(struct rig *rig)
{
    static const char *const paths[] = {"/whole", "/pieces", "/straight"};
    static const char *const framings[] = {"Content-Length: 100000\r\n\r\n",
                                           "Transfer-Encoding: chunked\r\n\r\n"};

    for (size_t i = 0; i < 6; i++) {
        weir_instant start = weir_now();
        char head[200];
        (void)snprintf(head, sizeof head, "POST %s HTTP/1.1\r\nHost: a\r\n%s", paths[i % 3], framings[i / 3]);
        assert_int_equal(trickle(rig, head, i < 3 ? "x" : "1\r\nx\r\n", weir_ms(300)), 408);
        assert_non_null(strstr(answer, "256 bytes a second"));
        assert_in_range(seconds_since(start), 10, 11);
        wait_for_record(rig, (int)i + 1);
        assert_string_equal(rig->last.refused, "body_rate");
        assert_int_equal(rig->last.status, 408);
    }
    return 0;
}

static void a_body_that_trickles_in_is_cut(void **state)
{
    struct rig rig = RIG(trickle_into_each);

    (void)state;
    rig_run_simulated(&rig);
}

/* Slow with the part of a body that the handler left unread, after the response. */
static int trickle_after_the_answer(struct rig *rig)
{
    struct trickle t = {rig_connect(rig), "x", weir_ms(300)};
    weir_instant start = weir_now();
    weir_scope scope;

    rig_send(t.s, "POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n");
    assert_int_equal(rig_answer(t.s, answer, sizeof answer), 200);
    assert_null(strstr(answer, "close"));
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "trickle", send_one_by_one, &t), 0);
    assert_true(rig_is_closed(t.s));
    assert_in_range(seconds_since(start), 1, 2);
    (void)weir_scope_close(&scope);
    weir_stream_close(t.s);
    return 0;
}

static void what_is_left_unread_may_not_trickle_either(void **state)
{
    struct rig rig = RIG(trickle_after_the_answer);

    (void)state;
    rig_run_simulated(&rig);
}

static int trickle_fast_enough(struct rig *rig)
{
    char head[100], bytes[101];

    memset(bytes, 'x', 100);
    bytes[100] = '\0';
    (void)snprintf(head, sizeof head, "POST /pieces HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\n");
    assert_int_equal(trickle(rig, head, bytes, weir_ms(300)), 200); /* 333 bytes a second, for 30 s */
    return 0;
}

static void a_body_may_come_at_the_least_rate(void **state)
{
    struct rig rig = RIG(trickle_fast_enough);

    (void)state;
    rig_run_simulated(&rig);
}

static int send_all_at_once(struct rig *rig)
{
    weir_stream *s = rig_connect(rig);

    rig_send(s, "POST /late HTTP/1.1\r\nHost: a\r\nContent-Length: 60\r\n\r\n"
                "0123456789012345678901234567890123456789");
    assert_int_equal(weir_sleep(weir_seconds(75)), 0);
    rig_send(s, "01234567890123456789");
    assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
    weir_stream_close(s);
    return 0;
}

/* Two bytes a second in all, but the server never waited for the client. */
static void slowness_of_ours_is_not_the_clients(void **state)
{
    struct rig rig = RIG(send_all_at_once);

    (void)state;
    rig_run_simulated(&rig);
}

static int stop_sending(struct rig *rig)
{
    weir_instant start = weir_now();
    weir_stream *s = rig_connect(rig);

    memset(piece, 'x', sizeof piece);
    rig_send(s, "POST /straight HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n");
    assert_int_equal(weir_write(s, piece, sizeof piece), 0); /* above the rate for minutes */
    assert_int_equal(rig_answer(s, answer, sizeof answer), 408);
    assert_in_range(seconds_since(start), 60, 61);
    wait_for_record(rig, 1);
    assert_string_equal(rig->last.refused, "timeout");
    weir_stream_close(s);
    return 0;
}

static void a_body_that_stands_still_is_answered_408(void **state)
{
    struct rig rig = RIG(stop_sending);

    (void)state;
    rig_run_simulated(&rig);
}

/* --- answers --- */

/* Reads so many bytes every so often. Returns: how many came until the end, or until the server gave up. */
static size_t read_slowly(struct rig *rig, weir_stream *s, size_t bytes, weir_duration every)
{
    size_t got = 0;
    ssize_t n;

    while ((n = weir_read(s, piece, bytes)) > 0 && (rig->records == 0 || rig->last.complete)) {
        got += (size_t)n;
        assert_int_equal(weir_sleep(every), 0);
    }
    return got;
}

static int take_steadily(struct rig *rig)
{
    weir_instant start = weir_now();
    weir_stream *s = rig_connect(rig);

    rig_send(s, "GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_true(read_slowly(rig, s, 20 << 10, weir_ms(100)) > LARGE); /* 200 KiB/s */
    assert_true(seconds_since(start) > 80);
    assert_int_equal(outcome, 0);
    weir_stream_close(s);
    return 0;
}

static void whoever_reads_steadily_gets_all_of_a_large_answer(void **state)
{
    struct rig rig = RIG(take_steadily);

    (void)state;
    rig.options.limits.idle_timeout = weir_seconds(2);
    rig_run_simulated(&rig);
}

static int take_hardly(struct rig *rig)
{
    weir_stream *s = rig_connect(rig);

    rig_send(s, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(read_slowly(rig, s, 1, weir_ms(1000)) < 100);
    wait_for_record(rig, 1);
    assert_string_equal(rig->last.refused, "unread");
    assert_false(rig->last.complete);
    assert_in_range(rig->last.took.ns / 1000000000, 60, 62);
    weir_stream_close(s);
    return 0;
}

static void whoever_reads_a_byte_a_second_is_given_up(void **state)
{
    struct rig rig = RIG(take_hardly);

    (void)state;
    rig_run_simulated(&rig);
}

static int take_nothing(struct rig *rig)
{
    weir_stream *s = rig_connect(rig);

    rig_send(s, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    wait_for_record(rig, 1);
    assert_string_equal(rig->last.refused, "unread");
    assert_int_equal(rig->last.status, 200);
    assert_in_range(rig->last.took.ns / 1000000000, 60, 61);
    assert_int_equal(outcome, -WEIR_ESLOW);
    weir_stream_close(s);
    return 0;
}

static void whoever_reads_nothing_is_given_up(void **state)
{
    struct rig rig = RIG(take_nothing);

    (void)state;
    rig_run_simulated(&rig);
}

/* --- sending all before reading anything --- */

enum { AHEAD = 24 << 20 };

/* Not watched by TSan, which takes seconds for 200 million bytes. */
__attribute__((no_sanitize("thread"))) static size_t count_of(char c, const char *text, size_t bytes)
{
    size_t count = 0;

    for (size_t i = 0; i < bytes; i++)
        count += text[i] == c;
    return count;
}

static int read_to_the_end(weir_stream *s, size_t *payload)
{
    size_t room = AHEAD + (4 << 20), len = 0;
    char *all = malloc(room);
    ssize_t n;

    assert_non_null(all);
    while (len + 1 < room && (n = weir_read(s, all + len, room - len - 1)) > 0)
        len += (size_t)n;
    all[len] = '\0';
    *payload = count_of('x', all, len);
    n = strncmp(all, "HTTP/1.1 200", 12) == 0 && strstr(all + len - 40, "whole") != NULL ? 0 : -1;
    free(all);
    return (int)n;
}

static int send_before_reading(struct rig *rig, const char *framing, const char *before, const char *behind)
{
    weir_stream *s = rig_connect(rig);
    size_t payload;

    memset(piece, 'x', sizeof piece);
    rig_send(s, "POST /mirror HTTP/1.1\r\nHost: a\r\n");
    rig_send(s, framing);
    for (size_t sent = 0; sent < AHEAD; sent += PIECE) {
        rig_send(s, before);
        assert_int_equal(weir_write(s, piece, PIECE), 0);
        rig_send(s, behind);
    }
    rig_send(s, *before != '\0' ? "0\r\n\r\n" : "");
    rig_send(s, "POST /whole HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(read_to_the_end(s, &payload), 0);
    assert_int_equal(payload, AHEAD + 2); /* "text/plain" has one in each response */
    weir_stream_close(s);
    return 0;
}

static int send_all_then_read(struct rig *rig)
{
    char length[60];

    (void)snprintf(length, sizeof length, "Content-Length: %d\r\n\r\n", AHEAD);
    (void)send_before_reading(rig, length, "", "");
    return send_before_reading(rig, "Transfer-Encoding: chunked\r\n\r\n", "10000\r\n", "\r\n");
}

static void a_client_may_send_all_before_it_reads(void **state)
{
    struct rig rig = RIG(send_all_then_read);

    (void)state;
    rig_run(&rig);
}

static int send_without_reading(struct rig *rig)
{
    weir_stream *s = rig_connect(rig);
    int err = 0;

    rig_send(s, "POST /mirror HTTP/1.1\r\nHost: a\r\nContent-Length: 209715200\r\n\r\n");
    for (int i = 0; i < 3200 && err == 0; i++)
        err = weir_write(s, piece, PIECE);
    assert_true(err < 0);
    wait_for_record(rig, 1);
    assert_string_equal(rig->last.refused, "unread");
    assert_int_equal(outcome, -WEIR_ESLOW);
    assert_in_range(rig->last.request_bytes, 0, 33 << 20);
    weir_stream_close(s);
    return 0;
}

static void what_is_read_ahead_has_a_maximum(void **state)
{
    struct rig rig = RIG(send_without_reading);

    (void)state;
    rig_run_simulated(&rig);
}

/* --- sending no more --- */

static int stop_and_wait(struct rig *rig)
{
    static const char *const requests[] = {
        "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /wait HTTP/1.0\r\n\r\n",
        "POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /wait HTTP/1.1\r\nHost: a\r\n\r\nGET /wait HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n\r\n",
        "GET /wait HTTP/1.1\r\nHost: a\r\n\r\nGET /wa",
    };

    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        weir_stream *s = rig_connect(rig);
        const char *second;
        size_t len = 0;
        ssize_t n;
        weir_event_init(&begun);
        weir_event_init(&go_on);
        rig_send(s, requests[i]);
        assert_int_equal(weir_stream_shutdown(s), 0);
        assert_int_equal(weir_event_wait(&begun), 0);
        assert_int_equal(weir_sleep(weir_ms(20)), 0); /* the probe for a client that has left is over */
        weir_event_set(&go_on);
        while ((n = weir_read(s, answer + len, sizeof answer - 1 - len)) > 0)
            len += (size_t)n;
        assert_int_equal(n, 0);
        answer[len] = '\0';
        assert_memory_equal(answer, "HTTP/1.1 200 OK\r\n", 17);
        assert_non_null(strstr(answer, "told"));
        second = strstr(answer + 1, "HTTP/1.1");
        if (i == 4)
            assert_memory_equal(second, "HTTP/1.1 200 OK\r\n", 17);
        else
            assert_null(second);
        weir_stream_close(s);
    }
    return 0;
}

static void a_client_that_sends_no_more_is_answered(void **state)
{
    struct rig rig = RIG(stop_and_wait);

    (void)state;
    rig_run(&rig);
}

static int stop_then_leave(struct rig *rig)
{
    for (int aborts = 0; aborts < 2; aborts++) {
        weir_stream *s = rig_connect(rig);
        weir_event_init(&begun);
        weir_event_init(&go_on);
        outcome = 1;
        rig_send(s, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_int_equal(weir_stream_shutdown(s), 0);
        assert_int_equal(weir_event_wait(&begun), 0);
        assert_int_equal(weir_sleep(weir_ms(20)), 0);
        assert_int_equal(outcome, 1);
        if (aborts)
            weir_stream_abort(s);
        else
            weir_stream_close(s); /* with the beginning of a response unread: a reset */
        wait_for_record(rig, aborts + 1);
        assert_int_equal(outcome, -WEIR_ECANCELED);
        assert_int_equal(rig->last.status, 0);
    }
    return 0;
}

static void a_client_that_sends_no_more_and_leaves_takes_its_exchange_along(void **state)
{
    struct rig rig = RIG(stop_then_leave);

    (void)state;
    rig_run(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_that_trickles_in_is_cut),
        cmocka_unit_test(what_is_left_unread_may_not_trickle_either),
        cmocka_unit_test(a_body_may_come_at_the_least_rate),
        cmocka_unit_test(slowness_of_ours_is_not_the_clients),
        cmocka_unit_test(a_body_that_stands_still_is_answered_408),
        cmocka_unit_test(whoever_reads_steadily_gets_all_of_a_large_answer),
        cmocka_unit_test(whoever_reads_a_byte_a_second_is_given_up),
        cmocka_unit_test(whoever_reads_nothing_is_given_up),
        cmocka_unit_test(a_client_may_send_all_before_it_reads),
        cmocka_unit_test(what_is_read_ahead_has_a_maximum),
        cmocka_unit_test(a_client_that_sends_no_more_is_answered),
        cmocka_unit_test(a_client_that_sends_no_more_and_leaves_takes_its_exchange_along),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
