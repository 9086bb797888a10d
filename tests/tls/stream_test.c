/* SPDX-License-Identifier: MIT */
/* Streams with TLS, on every transport. */
#include "tls_rig.h"

/* --- both directions --- */

struct flow {
    weir_stream *stream;
    size_t bytes, piece;
    bool shuts;
};

static int send_flow(void *arg)
{
    struct flow *f = arg;
    char *data = malloc(f->piece);

    for (size_t at = 0; at < f->bytes; at += f->piece) {
        size_t n = f->bytes - at < f->piece ? f->bytes - at : f->piece;
        rig_fill(data, at, n);
        assert_int_equal(weir_write(f->stream, data, n), 0);
    }
    free(data);
    return f->shuts ? weir_stream_shutdown(f->stream) : 0;
}

static int receive_flow(void *arg)
{
    struct flow *f = arg;
    char data[5000];
    size_t at = 0;

    while (at < f->bytes) {
        ssize_t got = weir_read(f->stream, data, sizeof data);
        if (got <= 0)
            fail_msg("read %zd %s after %zu", got, got < 0 ? weir_error_text((int)got) : "", at);
        rig_check(data, at, (size_t)got);
        at += (size_t)got;
    }
    if (f->shuts)
        assert_int_equal(weir_read(f->stream, data, sizeof data), 0);
    return 0;
}

static int flow_both_ways(struct ends *e, size_t bytes, size_t piece)
{
    struct flow up_out = {e->client, bytes, piece, true}, up_in = {e->server, bytes, piece, true},
                down_out = {e->server, bytes, piece, true}, down_in = {e->client, bytes, piece, true};
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "up", send_flow, &up_out), 0);
    assert_int_equal(weir_spawn(&scope, "up", receive_flow, &up_in), 0);
    assert_int_equal(weir_spawn(&scope, "down", send_flow, &down_out), 0);
    assert_int_equal(weir_spawn(&scope, "down", receive_flow, &down_in), 0);
    return weir_scope_close(&scope);
}

static int both_ways(void *arg)
{
    const size_t *bytes = arg;
    struct contexts c;
    struct ends e;

    contexts_open(&c);
    ends_secure(&e, &c);
    assert_int_equal(flow_both_ways(&e, bytes[0], bytes[1]), 0);
    ends_close(&e);
    contexts_close(&c);
    return 0;
}

static void bytes_go_both_ways(void **state)
{
    static size_t sizes[][2] = {{1, 1}, {1000, 7}, {300000, 70000}, {100000, 16384}};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        run_on_all_transports(both_ways, sizes[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(bytes_go_both_ways)};

    return cmocka_run_group_tests(tests, certificates_begin, certificates_end);
}
