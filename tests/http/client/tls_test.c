/* SPDX-License-Identifier: MIT */
/* https: what is asked, checked, kept and resumed. */
#include "tls_rig.h"

#include "net/stream.h"

/* --- connections --- */

static int asked_twice(void *arg)
{
    static const weir_fetch_options post = {.method = "POST", .body = "x", .body_bytes = 1};
    weir_fetch_options options = post;
    weir_reply reply;
    weir_origin_stats stats;
    struct world w;

    (void)arg;
    world_open(&w, certificate_of_server(), serve_ok, NULL);
    get_ok(w.client, w.backend.url);
    assert_int_equal(idle_count(w.client), 1);
    get_ok(w.client, w.backend.url);
    options.url = w.backend.url;
    assert_int_equal(weir_fetch(w.client, &options, &reply), 0); /* looks whether the connection has ended */
    weir_reply_free(&reply);
    stats = origin_stats("https://127.0.0.1:");
    assert_int_equal(stats.requests, 3);
    assert_int_equal(stats.connected, 1);
    assert_int_equal(stats.reused, 2);
    assert_int_equal(stats_of(w.client_tls).handshakes, 1);
    assert_int_equal(stats_of(w.server_tls).handshakes, 1);
    world_close(&w);
    return 0;
}

static void a_connection_is_kept(void **state)
{
    (void)state;
    run_on_plain_transports(asked_twice, NULL);
}

/* The scheme is part of the origin: a connection without TLS is never used for https. */
static int asked_by_both_schemes(void *arg)
{
    char plain[160];
    weir_reply reply;
    struct world w;

    (void)arg;
    world_open(&w, certificate_of_server(), serve_ok, NULL);
    (void)snprintf(plain, sizeof plain, "http://%s/", weir_listener_address(w.backend.listener));
    get_ok(w.client, w.backend.url);
    assert_true(weir_get(w.client, plain, &reply) < 0);
    get_ok(w.client, w.backend.url);
    assert_int_equal(w.client->origin_count, 2);
    assert_int_equal(origin_stats("https://").connected, 1);
    assert_int_equal(origin_stats("http://").connected, 1);
    world_close(&w);
    return 0;
}

static void schemes_are_different_origins(void **state)
{
    (void)state;
    run_simulated_plainly(1, asked_by_both_schemes, NULL);
}

/* --- names --- */

static int fetch_by(struct world *w, const char *url, const weir_header *host, const char **why)
{
    const weir_fetch_options options = {.url = url,
                                        .address = weir_listener_address(w->backend.listener),
                                        .headers = host,
                                        .header_count = host != NULL};
    weir_reply reply;
    int err = weir_fetch(w->client, &options, &reply);

    *why = reply.why;
    if (err == 0)
        assert_string_equal(reply.body, "ok");
    weir_reply_free(&reply);
    return err;
}

static int names_checked(void *arg)
{
    static const weir_header other = {"host", "other.internal"};
    const char *why;
    struct world w;

    (void)arg;
    world_open(&w, certificate_of_server(), serve_ok, NULL);
    assert_int_equal(fetch_by(&w, "https://db.internal/", NULL, &why), 0);
    assert_non_null(strstr(w.backend.request, "\r\nhost: db.internal\r\n"));
    assert_int_equal(fetch_by(&w, "https://db.internal/", &other, &why), 0);
    assert_non_null(strstr(w.backend.request, "\r\nhost: other.internal\r\n"));
    assert_int_equal(w.backend.connections, 1);
    assert_int_equal(fetch_by(&w, "https://DB.internal.:443/", NULL, &why), 0);
    assert_int_equal(fetch_by(&w, "https://[::1]:9/", NULL, &why), 0);
    assert_int_equal(fetch_by(&w, "https://other.internal/", NULL, &why), -WEIR_ETLS);
    assert_non_null(strstr(why, "not for other.internal"));
    assert_int_equal(fetch_by(&w, "https://other.internal/", &(weir_header){"host", "db.internal"}, &why),
                     -WEIR_ETLS);
    assert_int_equal(fetch_by(&w, "https://127.0.0.2/", NULL, &why), -WEIR_ETLS);
    world_close(&w);
    return 0;
}

static void the_certificate_is_for_the_host_of_the_url(void **state)
{
    (void)state;
    run_on_plain_transports(names_checked, NULL);
}

/* --- sessions --- */

static int serve_once(struct backend *b, weir_stream *s, int number)
{
    (void)number;
    return read_request(b, s) > 0
               ? send_text(s, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok")
               : 0;
}

static int asked_anew(void *arg)
{
    const char *why;
    struct world w;

    (void)arg;
    world_open(&w, certificate_of_server(), serve_once, NULL);
    for (int i = 0; i < 4; i++)
        get_ok(w.client, w.backend.url);
    assert_int_equal(w.backend.connections, 4);
    assert_int_equal(stats_of(w.client_tls).handshakes, 4);
    assert_int_equal(stats_of(w.client_tls).resumed, 3);
    /* Another name is checked anew, also at the same address. */
    assert_int_equal(fetch_by(&w, "https://db.internal/", NULL, &why), 0);
    assert_int_equal(stats_of(w.client_tls).resumed, 3);
    assert_int_equal(fetch_by(&w, "https://other.internal/", NULL, &why), -WEIR_ETLS);
    assert_int_equal(fetch_by(&w, "https://db.internal/", NULL, &why), 0);
    assert_int_equal(stats_of(w.client_tls).resumed, 4);
    world_close(&w);
    return 0;
}

static void sessions_are_resumed_for_the_same_name(void **state)
{
    (void)state;
    run_on_plain_transports(asked_anew, NULL);
}

/* --- ends --- */

/* Ends a connection without a word of TLS. */
static void cut_off(weir_stream *s)
{
    char *top = (char *)s->transport;
    struct weir__transport *lower = *(struct weir__transport **)(void *)(top + s->transport->type->lower_at);

    (void)lower->type->shutdown(lower);
}

struct ending {
    const char *answer;
    bool cut;
    int err;
};

static int serve_and_end(struct backend *b, weir_stream *s, int number)
{
    const struct ending *ending = ((struct world *)b->arg)->arg;

    (void)number;
    if (read_request(b, s) <= 0 || send_text(s, ending->answer) < 0)
        return 0;
    if (ending->cut) {
        cut_off(s);
        (void)client_leaves(s);
    }
    return 0;
}

static int streamed(weir_client *client, const char *url)
{
    const weir_fetch_options options = {.url = url};
    weir_fetch_stream *f;
    weir_reply reply;
    char data[16];
    ssize_t n = 0;
    int err = weir_fetch_open(client, &options, 0, &f);

    assert_int_equal(err, 0);
    err = weir_fetch_head(f, &reply);
    while (err == 0 && (n = weir_fetch_read(f, data, sizeof data)) > 0)
        ;
    weir_fetch_close(f);
    return err < 0 ? err : (int)n;
}

static int ended(void *arg)
{
    static const struct ending endings[] = {
        {"HTTP/1.1 200 OK\r\n\r\nok", false, 0},
        {"HTTP/1.1 200 OK\r\n\r\nok", true, -WEIR_ETRUNCATED},
        {OK_ANSWER, true, 0},
        {OK_HEAD "o", false, -WEIR_ETRUNCATED},
        {OK_HEAD "o", true, -WEIR_ETRUNCATED},
        {"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n", true, -WEIR_ETRUNCATED},
        {"HTTP/1.1 200", false, -WEIR_ETRUNCATED},
        {"HTTP/1.1 200", true, -WEIR_ETRUNCATED},
    };
    weir_reply reply;
    struct world w;

    (void)arg;
    world_open(&w, certificate_of_server(), serve_and_end, NULL);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        w.arg = (void *)(uintptr_t)&endings[i];
        assert_int_equal(weir_get(w.client, w.backend.url, &reply), endings[i].err);
        weir_reply_free(&reply);
        assert_int_equal(streamed(w.client, w.backend.url), endings[i].err);
        while (idle_count(w.client) > 0) /* its end is seen without a request */
            assert_int_equal(weir_sleep(weir_ms(1)), 0);
    }
    world_close(&w);
    return 0;
}

static void an_answer_that_is_cut_off_is_never_whole(void **state)
{
    (void)state;
    run_on_plain_transports(ended, NULL);
}

/* --- tunnels and upgrades --- */

static int echo(weir_stream *s)
{
    char data[256];
    ssize_t n;
    int err = 0;

    while (err == 0 && (n = weir_read(s, data, sizeof data)) > 0)
        err = weir_write(s, data, (size_t)n);
    return err;
}

static int serve_switch(struct backend *b, weir_stream *s, int number)
{
    (void)number;
    if (read_request(b, s) <= 0 ||
        send_text(
            s, "HTTP/1.1 101 Switching Protocols\r\nupgrade: echo\r\nconnection: upgrade\r\n\r\nahead") < 0)
        return 0;
    return echo(s);
}

static void read_whole(weir_stream *s, const char *wanted)
{
    char got[32];
    size_t len = 0;

    while (len < strlen(wanted)) {
        ssize_t n = weir_read(s, got + len, strlen(wanted) - len);
        assert_true(n > 0);
        len += (size_t)n;
    }
    assert_memory_equal(got, wanted, len);
}

static weir_stream *take_over(weir_client *client, const weir_fetch_options *options, int status)
{
    weir_fetch_stream *f;
    weir_stream *s;
    weir_reply reply;

    assert_int_equal(weir_fetch_open(client, options, 0, &f), 0);
    assert_int_equal(weir_fetch_head(f, &reply), 0);
    assert_int_equal(reply.status, status);
    assert_int_equal(weir_fetch_upgrade(f, &s), 0);
    weir_fetch_close(f);
    return s;
}

static int switched(void *arg)
{
    weir_tls_info info;
    weir_stream *s;
    struct world w;

    (void)arg;
    world_open(&w, certificate_of_server(), serve_switch, NULL);
    s = take_over(w.client, &(weir_fetch_options){.url = w.backend.url, .upgrade = "echo"}, 101);
    read_whole(s, "ahead");
    assert_int_equal(weir_write(s, "behind", 6), 0);
    read_whole(s, "behind");
    assert_int_equal(weir_stream_tls_info(s, &info), 0);
    assert_string_equal(info.alpn, "");
    assert_int_equal(weir_stream_shutdown(s), 0);
    assert_int_equal(weir_read(s, &(char){0}, 1), 0);
    weir_stream_close(s);
    world_close(&w);
    return 0;
}

static void an_upgraded_connection_keeps_its_tls(void **state)
{
    (void)state;
    run_on_plain_transports(switched, NULL);
}

/* A proxy, that is one end of the tunnel, too. */
static int serve_tunnel(struct backend *b, weir_stream *s, int number)
{
    const struct world *w = b->arg;

    (void)number;
    if (read_request(b, s) <= 0 || send_text(s, "HTTP/1.1 200 OK\r\n\r\n") < 0 ||
        weir_stream_start_tls(s, w->server_tls, NULL) < 0)
        return 0;
    return echo(s);
}

static int tunnelled(void *arg)
{
    struct backend proxy;
    weir_stream *s;
    struct world w;

    (void)arg;
    world_open(&w, certificate_of_server(), serve_ok, NULL);
    backend_open(&proxy, serve_tunnel, &w);
    s = take_over(w.client,
                  &(weir_fetch_options){.method = "CONNECT",
                                        .url = "https://db.internal",
                                        .address = weir_listener_address(proxy.listener)},
                  200);
    assert_memory_equal(proxy.request, "CONNECT db.internal:443 ", 24);
    assert_int_equal(weir_stream_start_tls(s, w.client_tls, "db.internal"), 0);
    assert_int_equal(weir_write(s, "hello", 5), 0);
    read_whole(s, "hello");
    weir_stream_close(s);
    backend_close(&proxy);
    world_close(&w);
    return 0;
}

static void a_tunnel_is_asked_for_without_tls(void **state)
{
    (void)state;
    run_on_plain_transports(tunnelled, NULL);
}

/* --- bodies both ways --- */

enum { BODY_BYTES = 1 << 20, PIECE_BYTES = 20000 };

/* Sends the body back while it comes; the framing is that of the request. */
static int serve_echo(struct backend *b, weir_stream *s, int number)
{
    char data[8192];
    const char *ahead;
    ssize_t n = 0;
    int err;

    (void)number;
    if (read_request(b, s) <= 0)
        return 0;
    ahead = strstr(b->request, "\r\n\r\n") + 4;
    err = send_text(s, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    if (err == 0)
        err = send_text(s, ahead);
    while (err == 0 && (n = weir_read(s, data, sizeof data)) > 0)
        err = weir_write(s, data, (size_t)n);
    return err;
}

static char letter_at(size_t i)
{
    return (char)('a' + i % 23);
}

static int write_body(void *arg)
{
    char piece[PIECE_BYTES];
    int err = 0;

    for (size_t at = 0; err == 0 && at < BODY_BYTES; at += PIECE_BYTES) {
        size_t bytes = BODY_BYTES - at < PIECE_BYTES ? BODY_BYTES - at : PIECE_BYTES;
        for (size_t i = 0; i < bytes; i++)
            piece[i] = letter_at(at + i);
        err = weir_fetch_write(arg, piece, bytes);
    }
    return err < 0 ? err : weir_fetch_end(arg);
}

static void read_body(weir_fetch_stream *f)
{
    char piece[PIECE_BYTES];
    size_t at = 0;
    ssize_t n;

    while ((n = weir_fetch_read(f, piece, sizeof piece)) > 0)
        for (ssize_t i = 0; i < n; i++)
            assert_int_equal(piece[i], letter_at(at++));
    assert_int_equal(n, 0);
    assert_int_equal(at, BODY_BYTES);
}

static int echoed(void *arg)
{
    weir_fetch_stream *f;
    weir_reply reply;
    weir_scope scope;
    struct world w;

    (void)arg;
    world_open(&w, certificate_of_server(), serve_echo, NULL);
    assert_int_equal(
        weir_fetch_open(
            w.client, &(weir_fetch_options){.method = "POST", .url = w.backend.url, .duplex = true}, -1, &f),
        0);
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "writing", write_body, f), 0);
    assert_int_equal(weir_fetch_head(f, &reply), 0);
    read_body(f);
    assert_int_equal(weir_scope_close(&scope), 0);
    weir_fetch_close(f);
    world_close(&w);
    return 0;
}

static void bodies_go_both_ways_at_once(void **state)
{
    (void)state;
    run_on_plain_transports(echoed, NULL);
    for (uint64_t seed = seed_first(); seed <= seed_last(10); seed++)
        run_simulated_plainly(seed, echoed, NULL);
}

/* --- options --- */

static int options_refused(void *arg)
{
    weir_tls *server = tls_of(certificate_of_server(), NULL);
    weir_client *client;

    (void)arg;
    assert_int_equal(weir_client_open(&(weir_client_options){.tls = server}, &client), -EINVAL);
    weir_tls_close(server);
    return 0;
}

static void the_context_of_a_server_is_refused(void **state)
{
    (void)state;
    run_simulated(1, options_refused, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_is_kept),
        cmocka_unit_test(schemes_are_different_origins),
        cmocka_unit_test(the_certificate_is_for_the_host_of_the_url),
        cmocka_unit_test(sessions_are_resumed_for_the_same_name),
        cmocka_unit_test(an_answer_that_is_cut_off_is_never_whole),
        cmocka_unit_test(an_upgraded_connection_keeps_its_tls),
        cmocka_unit_test(a_tunnel_is_asked_for_without_tls),
        cmocka_unit_test(bodies_go_both_ways_at_once),
        cmocka_unit_test(the_context_of_a_server_is_refused),
    };

    return cmocka_run_group_tests(tests, certificates_begin, certificates_end);
}
