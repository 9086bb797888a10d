/* SPDX-License-Identifier: MIT */
/* What is cut off or changed on the way: neither side takes it for the whole, or for something else. */
#include "tls_rig.h"

enum { BYTES = 400, STEP = 13 };

enum fault { CUT, RESET, FLIP, FAULTS };

/* A relay between two connections, which breaks one byte of one direction. */
struct relay {
    weir_stream *near, *far;
    enum fault fault;
    bool of_server;
    size_t at;
    bool struck;
};

static void end_relay(struct relay *r, void (*end)(weir_stream *s))
{
    weir_stream *near = r->near, *far = r->far;

    r->near = r->far = NULL;
    if (near != NULL)
        end(near);
    if (far != NULL)
        end(far);
}

static int pass(struct relay *r, bool of_server)
{
    weir_stream *from = of_server ? r->far : r->near, *to = of_server ? r->near : r->far;
    size_t at = of_server == r->of_server ? r->at : SIZE_MAX;
    char data[256];
    ssize_t got;

    for (size_t passed = 0; (got = weir_read(from, data, sizeof data)) > 0; passed += (size_t)got) {
        bool strikes = at >= passed && at < passed + (size_t)got;
        size_t most = strikes && r->fault != FLIP ? at - passed : (size_t)got;
        if (strikes && r->fault == FLIP)
            data[at - passed] ^= 0x41;
        r->struck |= strikes;
        if (weir_write(to, data, most) < 0)
            return 0;
        if (strikes && r->fault != FLIP) {
            end_relay(r, r->fault == CUT ? weir_stream_close : weir_stream_abort);
            return 0;
        }
    }
    if (got == 0)
        (void)weir_stream_shutdown(to);
    else
        end_relay(r, weir_stream_abort);
    return 0;
}

static int pass_up(void *arg)
{
    return pass(arg, false);
}

static int pass_down(void *arg)
{
    return pass(arg, true);
}

/* --- the two sides --- */

struct user {
    weir_stream *stream;
    weir_tls *context;
    bool is_server;
    bool may_wait; /* a flipped length of a record announces bytes that do not come */
    int result;
    size_t got;
};

/* Reads what the other side says, to the end. */
static int hear(struct user *u, size_t bytes)
{
    char data[BYTES];
    ssize_t n;

    while ((n = weir_read(u->stream, data, sizeof data)) > 0) {
        rig_check(data, u->got, (size_t)n);
        u->got += (size_t)n;
        assert_true(u->got <= bytes);
    }
    if (n == 0)
        assert_int_equal(u->got, bytes); /* never an end before the end */
    return (int)n;
}

static int say(struct user *u, size_t bytes)
{
    char data[BYTES];
    int err;

    rig_fill(data, 0, bytes);
    err = weir_write(u->stream, data, bytes);
    return err < 0 ? err : weir_stream_shutdown(u->stream);
}

static int talk(void *arg)
{
    struct user *u = arg;

    u->result = weir_stream_start_tls(u->stream, u->context, u->is_server ? NULL : RIG_HOST);
    if (u->result == 0)
        u->result = u->is_server ? hear(u, BYTES) : say(u, BYTES);
    if (u->result == 0)
        u->result = u->is_server ? say(u, 4) : hear(u, 4);
    if (u->result == -WEIR_ETLS)
        assert_non_null(weir_stream_tls_why(u->stream));
    assert_true(u->result != -WEIR_EDEADLINE || u->may_wait);
    if (u->result < 0)
        weir_stream_abort(u->stream); /* a close would tell the other side of an end */
    else
        weir_stream_close(u->stream);
    return 0;
}

/* Returns: whether the fault came. */
static bool talk_through(const struct contexts *c, enum fault fault, bool of_server, size_t at)
{
    struct user server = {.context = c->server, .is_server = true, .may_wait = fault == FLIP},
                client = {.context = c->client, .may_wait = fault == FLIP};
    struct relay r = {.fault = fault, .of_server = of_server, .at = at};
    struct ends near, far;
    weir_scope scope;

    ends_open(&near);
    ends_open(&far);
    client.stream = near.client;
    server.stream = far.server;
    r.near = near.server;
    r.far = far.client;
    weir_scope_open(&scope, weir_after_ms(60000), WEIR_COLLECT);
    assert_int_equal(weir_spawn(&scope, "up", pass_up, &r), 0);
    assert_int_equal(weir_spawn(&scope, "down", pass_down, &r), 0);
    assert_int_equal(weir_spawn(&scope, "server", talk, &server), 0);
    assert_int_equal(weir_spawn(&scope, "client", talk, &client), 0);
    (void)weir_scope_close(&scope);
    end_relay(&r, weir_stream_close);
    if (!r.struck)
        assert_true(client.result == 0 && server.result == 0);
    return r.struck;
}

static int strike_everywhere(void *arg)
{
    struct contexts c;

    (void)arg;
    contexts_open(&c);
    for (enum fault fault = CUT; fault < FAULTS; fault++)
        for (int of_server = 0; of_server < 2; of_server++)
            for (size_t at = (size_t)(seed_first() + fault) % STEP;
                 talk_through(&c, fault, of_server != 0, at); at += STEP)
                assert_true(at < 20000);
    contexts_close(&c);
    return 0;
}

static void no_fault_is_taken_for_an_end(void **state)
{
    (void)state;
    run_in_memory(seed_first(), strike_everywhere, NULL);
}

/* --- random bytes instead of a peer --- */

static int send_noise(void *arg)
{
    struct contexts c;
    struct ends e;
    char noise[300], byte;

    (void)arg;
    contexts_open(&c);
    for (int i = 0; i < 50; i++) {
        struct side side;
        ends_open(&e);
        for (size_t k = 0; k < sizeof noise; k++)
            noise[k] = (char)weir_random_below(256);
        if (i % 2 == 0)
            memcpy(noise, "\x16\x03\x01\x01\x00\x01", 6); /* it begins well */
        side = (struct side){.stream = i % 4 < 2 ? e.server : e.client,
                             .context = i % 4 < 2 ? c.server : c.client};
        assert_int_equal(weir_write(i % 4 < 2 ? e.client : e.server, noise, sizeof noise), 0);
        assert_int_equal(weir_stream_shutdown(i % 4 < 2 ? e.client : e.server), 0);
        (void)side_shake(&side);
        assert_true(side.result == -WEIR_ETLS || side.result == -WEIR_ETRUNCATED);
        assert_int_equal(weir_read(side.stream, &byte, 1), side.result); /* and it stays so */
        assert_int_equal(weir_write(side.stream, &byte, 1), side.result);
        ends_close(&e);
    }
    contexts_close(&c);
    return 0;
}

static void noise_fails(void **state)
{
    (void)state;
    run_on_plain_transports(send_noise, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_fault_is_taken_for_an_end),
        cmocka_unit_test(noise_fails),
    };

    return cmocka_run_group_tests(tests, certificates_begin, certificates_end);
}
