/* SPDX-License-Identifier: MIT */
/* Clients that leave while the receiver of their body takes nothing, and clients that send all of a body
 * before they read anything. */
#include "http/pump/pump_rig.h"

enum { PIECE_BYTES = 16 << 10, UP_BYTES = 64 << 20, FIRST_BYTES = 3 << 20 };

/* --- clients that leave --- */

enum leaving { BY_RESET, BY_CLOSING, BY_ENDING, LEAVINGS };

static enum leaving leaving;

/* Reads nothing behind the head, and has little room. */
static int serve_stuck(struct backend *b, weir_stream *s, int number)
{
    const weir_stream_options options = {.receive_buffer_bytes = 32 << 10};

    (void)number;
    (void)weir_stream_set_options(s, &options);
    return read_request(b, s) > 0 ? weir_sleep(weir_seconds(36000)) : 0;
}

static bool is_stuck(const struct proxied *p, uint64_t written)
{
    const weir_body_pumped *up = &p->pumped_up;

    return written > up->bytes && up->waits_for == WEIR_BODY_SINK &&
           weir_between(up->since, weir_now()).ns > weir_ms(20).ns;
}

/* Returns: whether it was sent in time. */
static bool is_sent(weir_stream *s, const char *data, size_t bytes)
{
    weir_scope time;
    int err;

    weir_scope_open(&time, weir_after(weir_ms(100)), 0);
    err = weir_write(s, data, bytes);
    assert_true(err == 0 || weir_scope_expired(&time));
    (void)weir_scope_close(&time);
    return err == 0;
}

/* Sends pieces until they are not passed on. */
static void send_until_stuck(struct proxied *p, weir_stream *s)
{
    static char piece[PIECE_BYTES + 32];
    bool small = p->up.framing == BY_SMALL_CHUNKS;
    char text[128];
    size_t framed = small ? (size_t)snprintf(piece, sizeof piece, "%x\r\n", PIECE_BYTES) : 0;
    uint64_t written = 0;

    memset(piece + framed, 'x', PIECE_BYTES);
    memcpy(piece + framed + PIECE_BYTES, "\r\n", 2);
    (void)snprintf(text, sizeof text,
                   p->up.framing == BY_LENGTH ? "Content-Length: %d" : "Transfer-Encoding: chunked",
                   UP_BYTES);
    rig_send(s, "POST / HTTP/1.1\r\nHost: h\r\n");
    rig_send(s, text);
    rig_send(s, p->up.framing == BY_CHUNKS ? "\r\n\r\n4000000\r\n" : "\r\n\r\n");
    while (!is_stuck(p, written) && is_sent(s, piece, framed + PIECE_BYTES + (small ? 2 : 0))) {
        written += PIECE_BYTES;
        do
            assert_int_equal(weir_sleep(weir_ms(1)), 0);
        while (p->pumped_up.bytes < written && !is_stuck(p, written));
    }
}

static void leave(weir_stream *s)
{
    if (leaving == BY_RESET)
        weir_stream_abort(s);
    else if (leaving == BY_CLOSING)
        weir_stream_close(s);
    else
        assert_int_equal(weir_stream_shutdown(s), 0);
}

static int leave_stuck(struct proxied *p)
{
    static const enum framing framings[] = {BY_LENGTH, BY_CHUNKS, BY_SMALL_CHUNKS};

    for (size_t i = 0; i < sizeof framings / sizeof *framings; i++) {
        weir_stream *s = rig_connect(&p->rig);
        int records = p->rig.records;
        weir_scope time;

        p->up.framing = framings[i];
        p->up_result = 1000; /* not run: it is not refused */
        send_until_stuck(p, s);
        assert_int_equal(p->rig.records, records);
        weir_event_reset(&p->rig.recorded);
        leave(s);
        weir_scope_open(&time, weir_after(weir_seconds(60)), 0);
        if (p->rig.records == records && weir_event_wait(&p->rig.recorded) < 0)
            fail_msg("framing %d, leaving %d: not noticed", (int)framings[i], (int)leaving);
        (void)weir_scope_close(&time);
        /* Where the machine is busy, the backend may have been taken for stuck too soon: then the pump itself
         * has seen the end, and the client is told. */
        assert_true(!p->rig.last.complete || p->rig.last.status >= 400);
        assert_true(p->up_result < 0);
        if (strcmp(weir__io_backend_name(p->client->loop->io), "sim") == 0)
            assert_int_equal(p->up_result, -WEIR_ECANCELED);
        assert_int_equal(p->client->idle_count, 0);
        if (leaving == BY_ENDING)
            weir_stream_close(s);
    }
    return 0;
}

static int stuck_main(void *arg)
{
    struct proxied *p = arg;
    int result;

    p->client = client_open(NULL);
    backend_open(&p->backend, serve_stuck, p);
    result = rig_main(&p->rig);
    backend_close(&p->backend);
    weir_client_close(p->client);
    return result;
}

static void clients_that_leave_are_noticed_while_the_backend_does_not_read(void **state)
{
    static struct proxied p;
    static weir_route route = PROXY_ROUTE(&p);

    (void)state;
    for (leaving = 0; leaving < LEAVINGS; leaving++) {
        p = (struct proxied){.rig = {.routes = &route, .route_count = 1, .test = proxied_test},
                             .test = leave_stuck};
        run_on_all_transports(stuck_main, &p);
        for (uint64_t seed = seed_first(); seed <= seed_last(3); seed++)
            run_simulated_and_in_memory(seed, stuck_main, &p);
    }
}

/* --- clients that read nothing while they send --- */

static enum framing first_framing;

/* Answers before it reads. It serves one request. */
static int serve_first(struct backend *b, weir_stream *s, int number)
{
    struct proxied *p = b->arg;
    int result;

    (void)number;
    if (read_request(b, s) <= 0 || answer_head(s, &p->down) < 0 || send_body(s, &p->down) < 0)
        return 0;
    result = receive_body(p, s);
    return result < 0 ? 0 : weir_sleep(weir_seconds(36000));
}

static int send_all_first(struct proxied *p)
{
    weir_stream *s = rig_connect(&p->rig);
    struct answer a;

    p->up = p->down = (struct sending){FIRST_BYTES, first_framing, SIZE_MAX, false};
    assert_int_equal(send_request(p, s, "POST", "1.1"), 0);
    read_answer(s, false, &a);
    assert_int_equal(a.err, 0);
    assert_int_equal(a.r.bytes, FIRST_BYTES);
    weir_stream_close(s);
    return 0;
}

static int first_main(void *arg)
{
    struct proxied *p = arg;
    int result;

    p->client = client_open(NULL);
    backend_open(&p->backend, serve_first, p);
    result = rig_main(&p->rig);
    backend_close(&p->backend);
    weir_client_close(p->client);
    return result;
}

static void what_is_read_ahead_of_a_body_stays_what_it_is(void **state)
{
    static struct proxied p;
    static weir_route route = PROXY_ROUTE(&p);

    (void)state;
    p = (struct proxied){.rig = {.routes = &route, .route_count = 1, .test = proxied_test},
                         .backend_takes = SIZE_MAX,
                         .test = send_all_first};
    for (size_t i = 0; i < 2; i++) {
        first_framing = i == 0 ? BY_LENGTH : BY_SMALL_CHUNKS;
        run_on_all_transports(first_main, &p);
        for (uint64_t seed = seed_first(); seed <= seed_last(3); seed++)
            run_simulated_and_in_memory(seed, first_main, &p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_that_leave_are_noticed_while_the_backend_does_not_read),
        cmocka_unit_test(what_is_read_ahead_of_a_body_stays_what_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
