/* SPDX-License-Identifier: MIT */
/* Bodies are pumped through a proxy: of every length and framing, both ways, on connections that are kept. */
#include "http/pump/pump_rig.h"

/* Around what is read at a time, what is pumped before splicing begins, its least run, and a pipe. */
static const size_t lengths[] = {0,
                                 1,
                                 8191,
                                 8192,
                                 8193,
                                 65535,
                                 65536,
                                 65537,
                                 (64 + 20) << 10,
                                 ((64 + 20) << 10) + 1,
#ifndef WITH_TSAN /* which is slow where bytes pass, and looks for nothing that depends on how many do */
                                 (1 << 20) + 65537,
#endif
                                 1 << 20};

static void expect_answer(struct proxied *p, weir_stream *s, const char *version)
{
    struct answer a;

    ask(p, s, p->up.bytes > 0 ? "POST" : "GET", version, &a);
    if (a.err != 0 || a.status != 200 || a.r.bytes != p->down.bytes)
        fail_msg("%zu up, framing %d; %zu down, framing %d: %s, status %d, %zu bytes", p->up.bytes,
                 (int)p->up.framing, p->down.bytes, (int)p->down.framing, weir_error_name(a.err), a.status,
                 a.r.bytes);
    if (p->up.bytes > 0) {
        assert_int_equal(p->received, p->up.bytes);
        assert_true(p->received_whole);
        assert_int_equal(p->up_result, 0);
        assert_int_equal(p->pumped_up.bytes, p->up.bytes);
    }
    assert_int_equal(p->down_result, 0);
    assert_int_equal(p->pumped_down.bytes, p->down.bytes);
    assert_int_equal(p->pumped_down.failed, WEIR_BODY_NEITHER);
    assert_true((strstr(a.head, "content-length: ") != NULL) == (p->down.framing == BY_LENGTH));
}

static int every_length(struct proxied *p)
{
    for (enum framing framing = BY_LENGTH; framing <= BY_CLOSE; framing++) {
        weir_stream *s = rig_connect(&p->rig);
        int connections = p->backend.connections;

        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            p->down = (struct sending){lengths[i], framing, SIZE_MAX, false};
            p->up = (struct sending){0, BY_LENGTH, SIZE_MAX, false};
            expect_answer(p, s, "1.1");
        }
        if (framing != BY_CLOSE)
            assert_in_range(p->backend.connections - connections, 0, 1); /* it is kept */
        for (size_t i = 0; framing != BY_CLOSE && i < sizeof lengths / sizeof lengths[0]; i++) {
            p->up = (struct sending){lengths[i], framing, SIZE_MAX, false};
            p->down = (struct sending){i % 2 * 100000, BY_LENGTH, SIZE_MAX, false};
            expect_answer(p, s, "1.1");
        }
        weir_stream_close(s);
    }
    return 0;
}

static void bodies_of_every_length_arrive(void **state)
{
    (void)state;
    proxied_run(every_length);
}

/* --- several at a time --- */

static int one_client(void *arg)
{
    struct proxied *p = arg;
    weir_stream *s = rig_connect(&p->rig);
    struct answer a;

    for (int i = 0; i < 3; i++) {
        ask(p, s, "GET", "1.1", &a);
        assert_int_equal(a.err, 0);
        assert_int_equal(a.r.bytes, p->down.bytes);
    }
    weir_stream_close(s);
    return 0;
}

static int several(struct proxied *p)
{
    weir_scope scope;

    p->down = (struct sending){700000, BY_LENGTH, SIZE_MAX, false};
    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < 8; i++)
        assert_int_equal(weir_spawn(&scope, "client", one_client, p), 0);
    assert_int_equal(weir_scope_close(&scope), 0);
    return 0;
}

static void several_at_a_time(void **state)
{
    (void)state;
    proxied_run(several);
}

/* --- answers without a body, old clients, trailers, filters --- */

static int forms(struct proxied *p)
{
    weir_stream *s = rig_connect(&p->rig);
    struct answer a;

    p->down = (struct sending){500, BY_LENGTH, SIZE_MAX, false};
    ask(p, s, "HEAD", "1.1", &a);
    assert_int_equal(a.err, 0);
    assert_non_null(strstr(a.head, "content-length: 500\r\n"));
    expect_answer(p, s, "1.1"); /* the connection is in step */
    for (size_t bytes = 10; bytes <= 200000; bytes *= 20) {
        p->down = (struct sending){bytes, BY_SMALL_CHUNKS, SIZE_MAX, true};
        ask(p, s, "GET", "1.1", &a);
        assert_int_equal(a.err, 0);
        assert_int_equal(a.r.bytes, bytes);
        assert_string_equal(a.r.trailers, "x-sum: 42\r\n\r\n");
    }
    weir_stream_close(s);
    for (size_t bytes = 10; bytes <= 200000; bytes *= 20) {
        s = rig_connect(&p->rig);
        p->down = (struct sending){bytes, BY_CHUNKS, SIZE_MAX, true};
        ask(p, s, "GET", "1.0", &a);
        assert_int_equal(a.err, 0);
        assert_int_equal(a.r.bytes, bytes);
        assert_null(strstr(a.head, "chunked"));
        weir_stream_close(s);
    }
    return 0;
}

static int filtered(struct proxied *p)
{
    weir_stream *s = rig_connect(&p->rig);
    struct answer a;

    p->with_filter = true;
    for (enum framing framing = BY_LENGTH; framing <= BY_CLOSE; framing++)
        for (size_t bytes = 10; bytes <= 200000; bytes *= 20) {
            p->down = (struct sending){bytes, framing, SIZE_MAX, false};
            ask(p, s, "GET", "1.1", &a);
            assert_int_equal(a.err, 0);
            assert_int_equal(a.r.bytes, bytes);
        }
    weir_stream_close(s);
    return 0;
}

static void answers_of_every_form(void **state)
{
    (void)state;
    proxied_run(forms);
    proxied_run(filtered);
}

/* --- a source that breaks off --- */

static const size_t breaks[] = {0, 1, 8000, 8001, 65536, 65537, 100000, 100001, 299998, 299999};

/* The answer of a backend that broke off is no whole answer. */
static int broken_down(struct proxied *p)
{
    for (enum framing framing = BY_LENGTH; framing <= BY_CHUNKS; framing++)
        for (size_t i = 0; i < sizeof breaks / sizeof breaks[0]; i++) {
            weir_stream *s = rig_connect(&p->rig);
            struct answer a;
            p->down = (struct sending){300000, framing, breaks[i], false};
            ask(p, s, "GET", "1.1", &a);
            if (a.err == 0 || p->pumped_down.failed != WEIR_BODY_SOURCE)
                fail_msg("broken after %zu bytes, framing %d: %s, status %d, %zu bytes, side %d", breaks[i],
                         (int)framing, weir_error_name(a.err), a.status, a.r.bytes,
                         (int)p->pumped_down.failed);
            assert_true(p->down_result == -WEIR_ETRUNCATED || p->down_result == -ECONNRESET);
            assert_in_range(a.r.bytes, 0, breaks[i]);
            assert_int_equal(idle_count(p->client), 0);
            weir_stream_close(s);
        }
    return 0;
}

static void wait_for_upload(struct proxied *p, int before)
{
    while (p->rig.records == before)
        assert_int_equal(weir_sleep(weir_us(100)), 0);
}

/* A client that breaks off: the backend does not take what it has for all. */
static int broken_up(struct proxied *p)
{
    for (enum framing framing = BY_LENGTH; framing <= BY_CHUNKS; framing++)
        for (size_t i = 0; i < sizeof breaks / sizeof breaks[0]; i++) {
            weir_stream *s = rig_connect(&p->rig);
            int before = p->rig.records, requests = p->backend.requests;
            p->up = (struct sending){300000, framing, breaks[i], false};
            p->received_whole = false;
            p->down = (struct sending){10, BY_LENGTH, SIZE_MAX, false};
            assert_int_equal(send_request(p, s, "POST", "1.1"), 1);
            while (p->backend.requests == requests) /* a reset takes what is not on its way yet */
                assert_int_equal(weir_sleep(weir_us(100)), 0);
            weir_stream_abort(s);
            wait_for_upload(p, before);
            assert_false(p->received_whole);
            assert_int_not_equal(p->up_result, 0);
            assert_true(p->pumped_up.failed != WEIR_BODY_SINK);
        }
    return 0;
}

static void a_source_that_breaks_off(void **state)
{
    (void)state;
    proxied_run(broken_down);
    proxied_run(broken_up);
}

/* --- a sink that breaks off --- */

/* A client that leaves in the middle: its exchange is cancelled, also while the backend is silent. */
static int left(struct proxied *p)
{
    for (size_t i = 0; i < sizeof breaks / sizeof breaks[0]; i++) {
        weir_stream *s = rig_connect(&p->rig);
        int before = p->rig.records;
        char data[1000];

        p->down = (struct sending){8 << 20, BY_LENGTH, SIZE_MAX, false};
        assert_int_equal(send_request(p, s, "GET", "1.1"), 0);
        for (size_t at = 0, n; at <= breaks[i]; at += n) {
            ssize_t got = weir_read(s, data, sizeof data);
            assert_true(got > 0);
            n = (size_t)got;
        }
        weir_stream_abort(s);
        wait_for_upload(p, before);
        assert_true(p->down_result < 0);
        assert_int_not_equal(p->pumped_down.failed, WEIR_BODY_SOURCE);
        assert_int_equal(idle_count(p->client), 0);
    }
    return 0;
}

/* A backend that reads no more and says nothing, and one that was answered by is enough. */
static int stuck(struct proxied *p)
{
    weir_stream *s = rig_connect(&p->rig);
    struct answer a;

    p->up = (struct sending){16 << 20, BY_LENGTH, SIZE_MAX, false};
    p->backend_takes = 200000;
    p->options.idle_timeout = weir_ms(20);
    ask(p, s, "POST", "1.1", &a);
    assert_in_range(a.status, 500, 504);
    assert_int_equal(p->up_result, -WEIR_EIDLE);
    assert_int_equal(p->pumped_up.failed, WEIR_BODY_SINK);
    assert_int_equal(p->pumped_up.waits_for, WEIR_BODY_SINK);
    weir_stream_close(s);
    return 0;
}

static void a_sink_that_takes_no_more(void **state)
{
    (void)state;
    proxied_run(left);
    proxied_run(stuck);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_of_every_length_arrive), cmocka_unit_test(several_at_a_time),
        cmocka_unit_test(answers_of_every_form),         cmocka_unit_test(a_source_that_breaks_off),
        cmocka_unit_test(a_sink_that_takes_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
