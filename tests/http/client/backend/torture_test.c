/* SPDX-License-Identifier: MIT */
/* Every wait of a request to a backend is cancelled; afterwards nothing is in progress, and requests still
 * succeed. */
#include "cluster.h"

#include "support/torture.h"

static int serve_two_writes(struct backend *b, weir_stream *s, int number)
{
    (void)number;
    while (read_request(b, s) > 0)
        if (send_text(s, OK_HEAD) < 0 || weir_sleep(weir_us(100)) < 0 || send_text(s, "ok") < 0)
            break;
    return 0;
}

static int world(struct torture *t, int (*victim)(void *), const weir_backend_options *options)
{
    struct cluster c;
    int result;

    cluster_open(&c, 2, serve_two_writes, options);
    result = torture_victim(t, victim, &c);
    assert_at_rest(&c);
    for (int i = 0; i < 4; i++)
        assert_int_equal(ask(&c, "/", NULL), 0);
    assert_int_equal(see().stats.refused[WEIR_BACKEND_OPEN], 0);
    cluster_close(&c);
    return result;
}

static int asks_twice(void *arg)
{
    for (int i = 0; i < 2; i++) {
        int err = ask(arg, "/", NULL);
        if (err < 0)
            return err;
    }
    return 0;
}

static int simple(struct torture *t)
{
    return world(t, asks_twice, NULL);
}

/* --- waiting for a slot --- */

static int asks(void *arg)
{
    return ask(arg, "/", NULL);
}

static int asks_at_once(void *arg)
{
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < 4; i++)
        (void)weir_spawn(&scope, "asking", asks, arg);
    return weir_scope_close(&scope);
}

static int crowded(struct torture *t)
{
    static const weir_backend_options options = {.connections_max = 1};

    return world(t, asks_at_once, &options);
}

/* --- in pieces --- */

static int reads_in_pieces(void *arg)
{
    struct cluster *c = arg;
    weir_fetch_options options = {.backend = c->backend, .url = "/"};
    weir_fetch_stream *f;
    weir_reply reply;
    char data[8];
    int err = weir_fetch_open(c->client, &options, 0, &f);

    if (err < 0)
        return err;
    err = weir_fetch_head(f, &reply);
    while (err == 0) {
        ssize_t n = weir_fetch_read(f, data, sizeof data);
        if (n <= 0) {
            err = (int)n;
            break;
        }
    }
    weir_fetch_close(f);
    return err;
}

static int pieces(struct torture *t)
{
    return world(t, reads_in_pieces, NULL);
}

/* --- the probe of a breaker --- */

static int fail_first(struct backend *b, weir_stream *s, int number)
{
    const struct cluster *c = b->arg;

    (void)number;
    while (read_request(b, s) > 0)
        if (send_text(s, c->servers[0].requests <= 2 ? "HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"
                                                     : OK_ANSWER) < 0)
            break;
    return 0;
}

static int probing(struct torture *t)
{
    static const weir_backend_options options = {
        .breaker = {.failed_percent = 50, .of = 2, .open = {1000000}}};
    struct cluster c;
    int result;

    cluster_open(&c, 1, fail_first, &options);
    assert_int_equal(ask(&c, "/", NULL), 500);
    assert_int_equal(ask(&c, "/", NULL), 500);
    assert_int_equal(weir_sleep(weir_ms(2)), 0);
    result = torture_victim(t, asks, &c);
    assert_at_rest(&c);
    assert_int_equal(ask(&c, "/", NULL), 0); /* a probe that was cancelled is followed by another at once */
    assert_false(see().stats.open);
    cluster_close(&c);
    return result;
}

/* --- */

static void a_request_can_be_cancelled(void **state)
{
    (void)state;
    torture_all_transports(simple, NULL);
}

static void waiting_for_a_slot_can_be_cancelled(void **state)
{
    (void)state;
    torture(crowded, NULL);
}

static void reading_in_pieces_can_be_cancelled(void **state)
{
    (void)state;
    torture(pieces, NULL);
}

static void a_probe_can_be_cancelled(void **state)
{
    (void)state;
    torture(probing, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_can_be_cancelled),
        cmocka_unit_test(waiting_for_a_slot_can_be_cancelled),
        cmocka_unit_test(reading_in_pieces_can_be_cancelled),
        cmocka_unit_test(a_probe_can_be_cancelled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
