/* SPDX-License-Identifier: MIT */
/* Streams with TLS, on every transport. */
#include "tls_rig.h"

#include "tls/transport/inside.h"
#include "tls/transport/start_tls.h"

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
    static size_t sizes[][2] = {{1, 1}, {1000, 7}, {1000000, 300000}, {100000, 16384}};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        run_on_plain_transports(both_ways, sizes[i]);
}

/* --- what is refused, and what is told --- */

static int refuse(void *arg)
{
    struct contexts c;
    struct ends e;
    struct side sides[2];
    weir_tls_info info;
    weir_tls_stats stats;
    char byte;

    (void)arg;
    contexts_open(&c);
    ends_open(&e);
    assert_int_equal(weir_stream_handshake(e.client), 0); /* it has no TLS */
    assert_int_equal(weir_stream_tls_info(e.client, &info), -ENOTCONN);
    assert_null(weir_stream_tls_why(e.client));
    assert_int_equal(weir_stream_start_tls(e.client, c.client, NULL), -EINVAL);
    assert_int_equal(weir__stream_unread(e.client, "!", 1), 0); /* would be taken for bytes of TLS */
    assert_int_equal(weir_stream_start_tls(e.client, c.client, RIG_HOST), -EINVAL);
    assert_int_equal(weir_read(e.client, &byte, 1), 1);
    assert_true(ends_shake(&e, &c, sides));
    assert_int_equal(weir_stream_start_tls(e.client, c.client, RIG_HOST), -EALREADY);
    assert_int_equal(weir_stream_handshake(e.client), 0);
    assert_int_equal(weir_stream_tls_info(e.server, &info), 0);
    assert_string_equal(info.server_name, RIG_HOST);
    assert_int_equal(info.version, WEIR_TLS_1_3);
    assert_string_equal(info.peer, "");
    assert_int_equal(weir_stream_tls_info(e.client, &info), 0);
    assert_string_equal(info.peer, "CN=server");
    assert_memory_equal(info.cipher, "TLS_", 4);
    assert_int_equal(weir__stream_release(e.client), -EOPNOTSUPP);
    ends_close(&e);
    weir_tls_stats_get(c.server, &stats);
    assert_int_equal(stats.handshakes, 1);
    assert_int_equal(stats.in_progress, 0);
    contexts_close(&c);
    return 0;
}

static void mistakes_are_refused(void **state)
{
    (void)state;
    run_on_plain_transports(refuse, NULL);
}

/* --- the end of a direction --- */

static int shake(void *arg)
{
    return weir_stream_handshake(arg);
}

/* A connection with a client that knows no later version. Returns: the client's SSL. */
static SSL *ends_of_version(struct ends *e, const struct contexts *c, int max)
{
    weir_scope scope;
    SSL *ssl;

    ends_open(e);
    assert_int_equal(weir__tls_stack(e->client, c->client, RIG_HOST, NULL), 0);
    assert_int_equal(weir__tls_stack(e->server, c->server, NULL, NULL), 0);
    ssl = weir__tls_of(e->client->transport)->ssl;
    assert_int_equal(SSL_set_max_proto_version(ssl, max), 1);
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "server", shake, e->server), 0);
    assert_int_equal(weir_spawn(&scope, "client", shake, e->client), 0);
    assert_int_equal(weir_scope_close(&scope), 0);
    return ssl;
}

struct version {
    int max;      /* of the client */
    bool updates; /* keys, in between */
};

static int half_close(void *arg)
{
    const struct version *v = arg;
    struct contexts c;
    struct ends e;
    char data[100];
    SSL *ssl;

    contexts_open(&c);
    ssl = ends_of_version(&e, &c, v->max);
    assert_int_equal(weir_write(e.client, "ask", 3), 0);
    assert_int_equal(weir_read(e.server, data, sizeof data), 3);
    for (int i = 0; v->updates && i < 3; i++) { /* the other side's answer is written while it reads */
        assert_int_equal(SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        assert_int_equal(weir_write(e.client, "more", 4), 0);
        assert_int_equal(weir_read(e.server, data, sizeof data), 4);
        assert_int_equal(weir_write(e.server, "back", 4), 0);
        assert_int_equal(weir_read(e.client, data, sizeof data), 4);
    }
    assert_int_equal(weir_stream_shutdown(e.client), 0);
    assert_int_equal(weir_write(e.client, "x", 1), -EPIPE);
    assert_int_equal(weir_read(e.server, data, sizeof data), 0);
    assert_int_equal(weir_read(e.server, data, sizeof data), 0);
    assert_int_equal(weir_write(e.server, "answer", 6), 0);
    assert_int_equal(weir_read(e.client, data, sizeof data), 6);
    weir_stream_close(e.server);
    assert_int_equal(weir_read(e.client, data, sizeof data), 0); /* by close_notify */
    weir_stream_close(e.client);
    contexts_close(&c);
    return 0;
}

static void one_direction_ends_alone(void **state)
{
    struct version versions[] = {{TLS1_2_VERSION, false}, {TLS1_3_VERSION, false}, {TLS1_3_VERSION, true}};

    (void)state;
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
        run_on_plain_transports(half_close, &versions[i]);
}

/* --- renegotiation --- */

static int renegotiate(void *arg)
{
    struct contexts c;
    struct ends e;
    char data[100];
    SSL *ssl;

    (void)arg;
    contexts_open(&c);
    ssl = ends_of_version(&e, &c, TLS1_2_VERSION);
    (void)SSL_clear_options(ssl, SSL_OP_NO_RENEGOTIATION);
    assert_int_equal(weir_write(e.client, "ask", 3), 0);
    assert_int_equal(weir_read(e.server, data, sizeof data), 3);
    assert_int_equal(SSL_renegotiate(ssl), 1);
    assert_int_equal(weir_write(e.client, "again", 5), -WEIR_ETLS); /* the client had to wait for an answer */
    weir_stream_close(e.client);
    assert_int_equal(weir_read(e.server, data, sizeof data), -WEIR_ETRUNCATED);
    assert_int_equal(SSL_num_renegotiations(weir__tls_of(e.server->transport)->ssl), 0);
    weir_stream_close(e.server);
    contexts_close(&c);
    return 0;
}

static void renegotiation_is_refused(void **state)
{
    (void)state;
    run_simulated(1, renegotiate, NULL);
}

/* --- nothing is held while idle --- */

static int lie_idle(void *arg)
{
    struct contexts c;
    struct ends e;
    char data[100];
    const struct weir__tls *t;

    (void)arg;
    contexts_open(&c);
    ends_secure(&e, &c);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(weir_write(e.client, "ask", 3), 0);
        assert_int_equal(weir_read(e.server, data, sizeof data), 3);
        assert_int_equal(weir_write(e.server, "answer", 6), 0);
        assert_int_equal(weir_read(e.client, data, sizeof data), 6);
    }
    for (int i = 0; i < 2; i++) {
        t = weir__tls_of((i == 0 ? e.client : e.server)->transport);
        assert_true(t->lent == NULL && t->sent == NULL && t->bytes.out == NULL && !t->asked);
        assert_int_equal(SSL_has_pending(t->ssl), 0);
    }
    ends_close(&e);
    contexts_close(&c);
    return 0;
}

static void an_idle_connection_holds_no_buffer(void **state)
{
    (void)state;
    run_on_plain_transports(lie_idle, NULL);
}

/* --- a peer that sends without end --- */

static struct {
    struct weir__tls *peer;
    int calls;
} endless;

/* There is always one more record, of no byte for the reader. */
static ssize_t receive_key_update(struct weir__transport *lower, void *data, size_t room)
{
    struct weir__tls_bytes *bytes = &endless.peer->bytes;
    size_t len;

    (void)lower;
    if (++endless.calls > 1000)
        return -EAGAIN;
    assert_int_equal(SSL_key_update(endless.peer->ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    assert_int_equal(SSL_do_handshake(endless.peer->ssl), 1);
    len = bytes->out->bytes;
    assert_true(len <= room);
    memcpy(data, bytes->out->data, len);
    bytes->out->bytes = 0;
    return (ssize_t)len;
}

static int read_much(void *arg)
{
    static char data[100000];

    return weir_read(arg, data, sizeof data) == 4 ? 0 : -EPROTO;
}

static int send_endlessly(void *arg)
{
    struct weir__transport_type type;
    const struct weir__transport_type *before;
    struct weir__transport *lower;
    struct contexts c;
    struct ends e;
    weir_scope scope;

    (void)arg;
    contexts_open(&c);
    ends_secure(&e, &c);
    lower = weir__tls_of(e.server->transport)->lower;
    before = lower->type;
    type = *before;
    type.receive_now = receive_key_update;
    endless.peer = weir__tls_of(e.client->transport);
    endless.calls = 0;
    lower->type = &type;
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "server", read_much, e.server), 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(weir_yield(), 0);
    assert_int_equal(weir_sleep(weir_ms(1)), 0);
    assert_in_range(endless.calls, 1, 10);
    lower->type = before;
    assert_int_equal(weir_write(e.client, "more", 4), 0);
    assert_int_equal(weir_scope_close(&scope), 0);
    ends_close(&e);
    contexts_close(&c);
    return 0;
}

static void records_without_bytes_are_no_reason_to_go_on(void **state)
{
    (void)state;
    run_on_plain_transports(send_endlessly, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_go_both_ways),
        cmocka_unit_test(mistakes_are_refused),
        cmocka_unit_test(one_direction_ends_alone),
        cmocka_unit_test(renegotiation_is_refused),
        cmocka_unit_test(an_idle_connection_holds_no_buffer),
        cmocka_unit_test(records_without_bytes_are_no_reason_to_go_on),
    };

    return cmocka_run_group_tests(tests, certificates_begin, certificates_end);
}
