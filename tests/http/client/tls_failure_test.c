/* SPDX-License-Identifier: MIT */
/* https that fails: certificates that do not fit, and peers that do not speak TLS, or break off in it. */
#include "tls_rig.h"

/* --- certificates --- */

struct failure {
    const char *name;
    struct certificate_options certificate;
    bool is_of_authority; /* of the one that the client trusts; else it is signed by itself */
    const char *says;
};

enum { HOUR_S = 3600 };

static const struct failure failures[] = {
    {"expired",
     {.cn = "s", .names = "127.0.0.1", .from_s = -48 * HOUR_S, .until_s = -24 * HOUR_S},
     true,
     "certificate of 127.0.0.1 expired 20"},
    {"not yet valid",
     {.cn = "s", .names = "127.0.0.1", .from_s = 24 * HOUR_S, .until_s = 48 * HOUR_S},
     true,
     "certificate of 127.0.0.1 is not valid before 20"},
    {"of another name",
     {.cn = "127.0.0.1", .names = "shop.example.com, 127.0.0.2"},
     true,
     "certificate is for shop.example.com, 127.0.0.2, not for 127.0.0.1"},
    {"without a name", {.cn = "127.0.0.1"}, true, "names no host"},
    {"signed by itself", {.cn = "s", .names = "127.0.0.1"}, false, "is signed by itself"},
    {"for clients", {.cn = "s", .names = "127.0.0.1", .usage = "clientAuth"}, true, "is not for servers"},
};

/* Asks in both ways; each says why. Returns: the sentence. */
static const char *fails_both_ways(weir_client *client, const char *url, int wanted)
{
    const char *why, *said;
    const weir_fetch_options options = {.url = url, .why = &said};
    weir_fetch_stream *f;
    weir_reply reply;
    int err = weir_get(client, url, &reply);

    if (err != wanted)
        fail_msg("%s: %s (%s)", url, weir_error_text(err), reply.why != NULL ? reply.why : "");
    assert_non_null(reply.why);
    why = reply.why;
    err = weir_fetch_open(client, &options, 0, &f);
    if (err == 0) { /* some failures come behind the handshake */
        err = weir_fetch_head(f, &reply);
        weir_fetch_close(f);
        said = reply.why;
    }
    assert_int_equal(err, wanted);
    assert_ptr_equal(said, why); /* the same sentence is kept once */
    return why;
}

static void has(const char *why, const char *says, const char *name)
{
    if (strstr(why, says) == NULL)
        fail_msg("%s: '%s' does not say '%s'", name, why, says);
}

static int unfit(void *arg)
{
    const char *kept[sizeof failures / sizeof *failures];
    struct world w;

    (void)arg;
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        struct certificate_options options = failures[i].certificate;
        weir_origin_stats stats;

        options.issuer = failures[i].is_of_authority ? certificate_of_authority() : NULL;
        world_open(&w, certificate_make(&options), serve_ok, NULL);
        kept[i] = fails_both_ways(w.client, w.backend.url, -WEIR_ETLS);
        has(kept[i], failures[i].says, failures[i].name);
        stats = origin_stats("https://");
        assert_int_equal(stats.errors[WEIR_ORIGIN_TLS], 2);
        assert_int_equal(stats.connected, 0);
        assert_true(stats.failing);
        assert_ptr_equal(stats.last_error, kept[i]);
        assert_int_equal(w.backend.requests, 0); /* nothing was said before the server was known */
        world_close(&w);
    }
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
        has(kept[i], failures[i].says, failures[i].name); /* the sentences outlive clients */
    return 0;
}

static void each_failure_of_a_certificate_has_its_sentence(void **state)
{
    (void)state;
    run_on_plain_transports(unfit, NULL);
}

static int unknown(void *arg)
{
    struct certificate *authority =
        certificate_make(&(struct certificate_options){.cn = "Another CA", .is_authority = true});
    struct certificate *server =
        certificate_make(&(struct certificate_options){.cn = "s", .names = "127.0.0.1", .issuer = authority});
    struct world w;

    (void)arg;
    world_open(&w, server, serve_ok, NULL);
    has(fails_both_ways(w.client, w.backend.url, -WEIR_ETLS), "unknown authority", "unknown");
    has(fails_both_ways(w.client, w.backend.url, -WEIR_ETLS), "Another CA", "unknown");
    world_close(&w);
    return 0;
}

static void an_unknown_authority_is_named(void **state)
{
    (void)state;
    run_simulated_plainly(1, unknown, NULL);
}

/* Without options the authorities are those of the system, which do not know ours. */
static int defaults(void *arg)
{
    weir_client *client = client_open(NULL);
    weir_reply reply;
    weir_scope scope;
    struct world w;
    int err;

    (void)arg;
    world_open(&w, certificate_of_server(), serve_ok, NULL);
    weir_scope_open(&scope, weir_after_ms(1), 0); /* the context is still being made */
    err = weir_get(client, w.backend.url, &reply);
    assert_true(err == -WEIR_EDEADLINE || err == -WEIR_ETLS || err == -WEIR_ECONFIG);
    (void)weir_scope_close(&scope);
    for (int i = 0; i < 2; i++) {
        err = weir_get(client, w.backend.url, &reply);
        assert_true(err == -WEIR_ETLS || err == -WEIR_ECONFIG); /* there may be none */
        assert_non_null(reply.why);
        if (err == -WEIR_ETLS)
            has(reply.why, "unknown authority", "defaults");
    }
    assert_int_equal(w.backend.requests, 0);
    weir_client_close(client);
    world_close(&w);
    return 0;
}

static void servers_are_checked_by_default(void **state)
{
    (void)state;
    run_everywhere(defaults, NULL);
}

/* --- clients that need a certificate --- */

static int refused(void *arg)
{
    weir_reply reply;
    struct world w;
    int err;

    world_open(&w, certificate_of_server(), serve_ok, NULL);
    weir_tls_close(w.server_tls);
    w.server_tls = tls_of(certificate_of_server(), certificate_file(certificate_of_authority()));
    err = weir_get(w.client, w.backend.url, &reply);
    /* By TLS 1.3 the refusal comes after the handshake; a request on its way may meet a closed connection. */
    if (err != -ECONNRESET && err != -EPIPE) {
        assert_int_equal(err, -WEIR_ETLS);
        has(reply.why, "the peer wants a certificate", "refused");
        assert_int_equal(origin_stats("https://").errors[WEIR_ORIGIN_TLS], 1);
        ++*(int *)arg;
    }
    assert_int_equal(w.backend.requests, 0);
    world_close(&w);
    return 0;
}

static void a_server_that_needs_a_certificate_says_so(void **state)
{
    int told = 0;

    (void)state;
    run_on_plain_transports(refused, &told);
    for (uint64_t seed = seed_first(); seed <= seed_last(10); seed++)
        run_simulated_plainly(seed, refused, &told);
    assert_true(told > 0);
}

/* --- peers that do not speak TLS --- */

static const char http_400[] = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
static const char http_2[] = {0x00, 0x00, 0x12, 0x04, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x00};
static const char alert[] = {0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28}; /* fatal, handshake_failure */

struct speech {
    const char *name;
    const char *data;
    size_t bytes;
    bool resets;
    const char *says;
};

static const struct speech speeches[] = {
    {"HTTP", http_400, sizeof http_400 - 1, false, "HTTP without TLS"},
    {"HTTP/2", http_2, sizeof http_2, false, ""},
    {"text", "220 mail.example.com ESMTP\r\n", 28, false, ""},
    {"an alert", alert, sizeof alert, false, ""},
    {"half an alert", alert, 4, false, ""},
    {"nothing", "", 0, false, ""},
    {"a reset", "", 0, true, ""},
};

static int serve_speech(struct backend *b, weir_stream *s, int number)
{
    const struct speech *speech = b->arg;
    char hello[4096];

    (void)number;
    if (weir_read(s, hello, sizeof hello) <= 0 || weir_write(s, speech->data, speech->bytes) < 0)
        return 0;
    if (speech->resets) {
        s->transport->type->reset_on_close(s->transport);
        return 0;
    }
    (void)weir_stream_shutdown(s);
    (void)client_leaves(s);
    return 0;
}

static void open_speaker(struct backend *b, int (*serve)(struct backend *, weir_stream *, int), void *arg)
{
    backend_open(b, serve, arg);
    (void)snprintf(b->url, sizeof b->url, "https://%s/", weir_listener_address(b->listener));
}

static int spoken(void *arg)
{
    weir_tls *tls = tls_that_trusts();

    (void)arg;
    for (size_t i = 0; i < sizeof speeches / sizeof *speeches; i++) {
        weir_client *client = client_open(&(weir_client_options){.tls = tls});
        struct backend b;

        open_speaker(&b, serve_speech, (void *)(uintptr_t)&speeches[i]);
        has(fails_both_ways(client, b.url, -WEIR_ETLS), speeches[i].says, speeches[i].name);
        assert_int_equal(origin_stats("https://").errors[WEIR_ORIGIN_TLS], 2);
        weir_client_close(client);
        backend_close(&b);
    }
    weir_tls_close(tls);
    return 0;
}

static void other_protocols_fail_as_tls(void **state)
{
    (void)state;
    run_on_plain_transports(spoken, NULL);
}

/* --- silence --- */

static int serve_silence(struct backend *b, weir_stream *s, int number)
{
    (void)b;
    (void)number;
    (void)client_leaves(s);
    return 0;
}

static int silent(void *arg)
{
    weir_tls *tls = tls_that_trusts();
    weir_client *client = client_open(&(weir_client_options){.tls = tls, .connect_timeout = weir_ms(300)});
    weir_instant began;
    weir_reply reply;
    struct backend b;
    weir_scope scope;

    (void)arg;
    open_speaker(&b, serve_silence, NULL);
    began = weir_now();
    has(fails_both_ways(client, b.url, -ETIMEDOUT), "TLS handshake", "silence");
    assert_in_range(weir_between(began, weir_now()).ns, weir_ms(600).ns, weir_ms(700).ns);
    assert_int_equal(origin_stats("https://").errors[WEIR_ORIGIN_CONNECT], 2);
    weir_scope_open(&scope, weir_after_ms(100), 0);
    assert_int_equal(weir_get(client, b.url, &reply), -WEIR_EDEADLINE);
    (void)weir_scope_close(&scope);
    assert_int_equal(origin_stats("https://").in_use, 0);
    weir_client_close(client);
    backend_close(&b);
    weir_tls_close(tls);
    return 0;
}

static void a_handshake_that_hangs_is_a_connect_that_hangs(void **state)
{
    (void)state;
    run_simulated_plainly(1, silent, NULL);
}

/* --- connections that are cut at each byte --- */

/* Passes bytes between its clients and a server; of those that the server sends, a number. */
struct cutter {
    const char *server;
    uint64_t most;
    uint64_t passed; /* to the client, on the latest connection */
};

struct way {
    weir_stream *from, *to;
};

static int pass_on(void *arg)
{
    struct way *way = arg;
    int err = weir_pump(way->from, way->to, 0, NULL);

    return err < 0 ? err : weir_stream_shutdown(way->to);
}

static int serve_cut(struct backend *b, weir_stream *s, int number)
{
    struct cutter *cutter = b->arg;
    weir_stream *server;
    weir_scope scope;

    (void)number;
    if (weir_connect(cutter->server, &server) < 0)
        return 0;
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    if (weir_spawn(&scope, "to the server", pass_on, &(struct way){s, server}) == 0)
        (void)weir_pump(server, s, cutter->most, &cutter->passed);
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    weir_stream_close(server);
    return 0;
}

static int serve_once(struct backend *b, weir_stream *s, int number)
{
    (void)number;
    return read_request(b, s) > 0
               ? send_text(s, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok")
               : 0;
}

static int cut(void *arg)
{
    struct cutter cutter = {.most = 1};
    struct backend b;
    weir_reply reply;
    struct world w;
    int err = -1, broken = 0, truncated = 0;

    (void)arg;
    world_open(&w, certificate_of_server(), serve_once, NULL);
    cutter.server = weir_listener_address(w.backend.listener);
    open_speaker(&b, serve_cut, &cutter);
    for (uint64_t step = 1; err < 0; cutter.most += step) {
        weir_client *client = client_open(&(weir_client_options){.tls = w.client_tls});

        err = weir_get(client, b.url, &reply);
        if (err < 0 && err != -WEIR_ETLS && err != -WEIR_ETRUNCATED && err != -ECONNRESET && err != -EPIPE)
            fail_msg("cut at %llu: %s", (unsigned long long)cutter.most, weir_error_text(err));
        broken += err == -WEIR_ETLS;
        truncated += err != -WEIR_ETLS && err < 0;
        weir_reply_free(&reply);
        weir_client_close(client);
        step = cutter.most < 200 ? 1 : 7;
    }
    assert_true(broken > 100);
    assert_true(truncated > 2); /* behind the handshake */
    backend_close(&b);
    world_close(&w);
    return 0;
}

static void a_connection_may_be_cut_at_each_byte(void **state)
{
    (void)state;
    run_simulated_plainly(1, cut, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failure_of_a_certificate_has_its_sentence),
        cmocka_unit_test(an_unknown_authority_is_named),
        cmocka_unit_test(servers_are_checked_by_default),
        cmocka_unit_test(a_server_that_needs_a_certificate_says_so),
        cmocka_unit_test(other_protocols_fail_as_tls),
        cmocka_unit_test(a_handshake_that_hangs_is_a_connect_that_hangs),
        cmocka_unit_test(a_connection_may_be_cut_at_each_byte),
    };

    return cmocka_run_group_tests(tests, certificates_begin, certificates_end);
}
