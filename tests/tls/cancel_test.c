/* SPDX-License-Identifier: MIT */
/* A cancel, or a close, at each wait; steps of handshakes that are jobs. */
#include "tls_rig.h"

#include "support/torture.h"
#include "tls/context/context.h"

/* --- cancels --- */

static int echo_server(void *arg)
{
    struct side *s = arg;
    char data[256];
    ssize_t n = 0;

    s->result = weir_stream_start_tls(s->stream, s->context, NULL);
    while (s->result == 0 && (n = weir_read(s->stream, data, sizeof data)) > 0)
        s->result = weir_write(s->stream, data, (size_t)n);
    if (n == 0)
        (void)weir_stream_shutdown(s->stream);
    weir_stream_close(s->stream);
    return 0;
}

static int victim(void *arg)
{
    struct side *s = arg;
    char data[40000];
    size_t got = 0;
    ssize_t n = 0;
    int err = weir_stream_start_tls(s->stream, s->context, RIG_HOST);

    rig_fill(data, 0, 3000);
    if (err == 0)
        err = weir_write(s->stream, data, 3000);
    while (err == 0 && got < 3000 && (n = weir_read(s->stream, data, sizeof data)) > 0) {
        rig_check(data, got, (size_t)n);
        got += (size_t)n;
    }
    if (err == 0 && n < 0)
        err = (int)n;
    if (err == 0)
        err = weir_stream_shutdown(s->stream);
    if (err == 0)
        err = (int)weir_read(s->stream, data, sizeof data);
    return err;
}

static int world(struct torture *t)
{
    struct contexts c;
    struct ends e;
    struct side server, client;
    weir_scope scope;
    int result;

    contexts_open(&c);
    ends_open(&e);
    server = (struct side){.stream = e.server, .context = c.server};
    client = (struct side){.stream = e.client, .context = c.client};
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    assert_int_equal(weir_spawn(&scope, "server", echo_server, &server), 0);
    result = torture_victim(t, victim, &client);
    weir_stream_close(e.client);
    (void)weir_scope_close(&scope);
    contexts_close(&c);
    return result;
}

static void each_wait_can_be_cancelled(void **state)
{
    (void)state;
    assert_true(torture(world, NULL) > 12);
}

/* --- jobs --- */

static struct certificate *slow_certificate(void)
{
    static struct certificate *made;

    if (made == NULL)
        made = certificate_make(&(struct certificate_options){.cn = "slow",
                                                              .issuer = certificate_of_authority(),
                                                              .names = RIG_HOST,
                                                              .key = CERTIFICATE_RSA_4096});
    return made;
}

static int shake_slowly(void *arg)
{
    const weir_tls_certificate certificate = {certificate_file(slow_certificate()),
                                              certificate_key_file(slow_certificate())};
    const weir_tls_server_options server = {.certificates = &certificate, .certificate_count = 1};
    const weir_tls_client_options client = {.ca = certificate_file(certificate_of_authority())};
    struct contexts c;
    struct ends e;
    weir_pool_stats stats;
    weir_tls_stats numbers;

    (void)arg;
    contexts_open_with(&c, &server, &client);
    assert_true(weir__tls_is_slow(c.server));
    ends_secure(&e, &c);
    weir_pool_stats_get(weir_pool_compute(), &stats, NULL, NULL);
    assert_true(stats.ran > 0);
    ends_close(&e);
    for (int i = 0; i < 8; i++) { /* both leave at some moment */
        struct side sides[2];
        weir_scope scope;
        ends_open(&e);
        sides[0] = (struct side){.stream = e.server, .context = c.server};
        sides[1] = (struct side){.stream = e.client, .context = c.client};
        weir_scope_open(&scope, weir_after_ms(1 + 3 * i), WEIR_COLLECT);
        assert_int_equal(weir_spawn(&scope, "server", side_shake, &sides[0]), 0);
        assert_int_equal(weir_spawn(&scope, "client", side_shake, &sides[1]), 0);
        (void)weir_scope_close(&scope);
        for (int k = 0; k < 2; k++)
            assert_true(sides[k].result == 0 || sides[k].result == -WEIR_EDEADLINE);
        ends_close(&e);
    }
    weir_tls_stats_get(c.server, &numbers);
    assert_int_equal(numbers.in_progress, 0);
    contexts_close(&c);
    return 0;
}

static void a_slow_step_is_a_job(void **state)
{
    (void)state;
    run_on_plain_transports(shake_slowly, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_wait_can_be_cancelled),
        cmocka_unit_test(a_slow_step_is_a_job),
    };

    return cmocka_run_group_tests(tests, certificates_begin, certificates_end);
}
