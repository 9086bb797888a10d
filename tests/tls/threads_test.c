/* SPDX-License-Identifier: MIT */
/* Contexts that all loops use at once, while their files change: handshakes never fail. Run under TSan, too.
 */
#include "tls/pair.h"

enum { LOOPS = 4, ROUNDS = 60, WRITES = 30 };

struct shared {
    weir_tls *server, *client;
    weir_tls_certificate own;
    struct certificate *certificates[2];
};

static int handshakes(void *arg)
{
    struct shared *s = arg;

    for (int i = 0; i < ROUNDS; i++) {
        weir_tls_stats stats;
        struct pair p;

        weir_tls_close(weir_tls_hold(s->server));
        pair_open(&p, s->server, s->client, "db.internal");
        assert_agreed(&p);
        pair_close(&p);
        weir_tls_stats_get(s->server, &stats);
        if (weir_yield() < 0)
            break;
    }
    return 0;
}

static int on_loop(void *arg)
{
    return handshakes(arg);
}

struct call {
    struct shared *shared;
    int loop;
};

static int call_loop(void *arg)
{
    struct call *call = arg;

    return weir_loop_call(call->loop, "handshakes", on_loop, call->shared);
}

/* The key stays, so that no moment has a certificate without its key. */
static int write_files(weir_job *job, void *arg)
{
    struct shared *s = arg;

    (void)job;
    certificate_put(s->certificates[0], s->own.cert);
    certificate_put(s->certificates[1], s->own.cert);
    return 0;
}

static int many(void *arg)
{
    struct certificate *first = certificate_of_server();
    struct shared s = {.certificates = {first, certificate_make(&(struct certificate_options){
                                                   .cn = "server",
                                                   .issuer = certificate_of_authority(),
                                                   .names = "db.internal",
                                                   .like = first})}};
    struct call calls[LOOPS];
    weir_scope scope;
    weir_tls_stats stats;

    (void)arg;
    s.own = (weir_tls_certificate){certificate_file(first), certificate_key_file(first)};
    s.server = server_open(
        &(weir_tls_server_options){.certificates = &s.own, .certificate_count = 1, .recheck.ns = 1});
    s.client = client_open(
        &(weir_tls_client_options){.ca = certificate_file(certificate_of_authority()), .recheck.ns = 1});
    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < weir_loop_count(); i++) {
        calls[i] = (struct call){&s, i};
        assert_int_equal(weir_spawn(&scope, "call", call_loop, &calls[i]), 0);
    }
    for (int i = 0; i < WRITES; i++)
        assert_int_equal(weir_offload(weir_pool_blocking(), "write", write_files, &s), 0);
    assert_int_equal(weir_scope_close(&scope), 0);
    weir_tls_stats_get(s.server, &stats);
    assert_int_equal(stats.handshakes, (uint64_t)weir_loop_count() * ROUNDS);
    assert_int_equal(stats.in_progress, 0);
    weir_tls_close(s.server);
    weir_tls_close(s.client);
    return 0;
}

static void loops_share_contexts(void **state)
{
    (void)state;
    assert_int_equal(
        weir_run(&(weir_options){.loops = LOOPS, .stall_after.ns = -1, .stack_bytes = 512 << 10}, many, NULL),
        0);
}

/* --- the default client --- */

static int ask(void *arg)
{
    weir_tls **out = arg;
    const char *why;
    int err = weir__tls_default_client(&why, out);

    if (err < 0)
        fail_msg("%s", why);
    return err;
}

struct asking {
    int loop;
    weir_tls *got;
};

static int ask_on_loop(void *arg)
{
    struct asking *a = arg;

    return weir_loop_call(a->loop, "ask", ask, &a->got);
}

static int defaults(void *arg)
{
    struct asking all[LOOPS];
    weir_scope scope;

    (void)arg;
    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < weir_loop_count(); i++) {
        all[i] = (struct asking){.loop = i};
        assert_int_equal(weir_spawn(&scope, "ask", ask_on_loop, &all[i]), 0);
    }
    assert_int_equal(weir_scope_close(&scope), 0);
    for (int i = 0; i < weir_loop_count(); i++) {
        assert_ptr_equal(all[i].got, all[0].got);
        weir_tls_close(all[i].got);
    }
    return 0;
}

static void loops_share_the_default_client(void **state)
{
    const char *ca = certificate_file(certificate_of_authority());

    (void)state;
    assert_int_equal(setenv("SSL_CERT_FILE", ca, 1), 0); /* the machine may have none, or 150 */
    assert_int_equal(unsetenv("SSL_CERT_DIR"), 0);
    assert_int_equal(weir_run(&(weir_options){.loops = LOOPS, .stall_after.ns = -1}, defaults, NULL), 0);
    run_everywhere(defaults, NULL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(loops_share_contexts),
        cmocka_unit_test(loops_share_the_default_client),
    };

    return cmocka_run_group_tests(tests, certificates_begin, certificates_end);
}
