/* SPDX-License-Identifier: MIT */
/* Every allocation on the way of a request by TLS fails once: the 1st, the 2nd, … until none is reached any
 * more. Each call says so or does without, and the same is done in full right after it. Leaks are ASan's to
 * find. */
#include "support/fault.h"

#include "tls_rig.h"

/* A server without memory of its own, so that a failure is the library's. */
struct server {
    weir_listener *listener;
    weir_tls *tls;
    char url[160];
};

static int serve_connection(weir_stream *s, weir_tls *tls)
{
    char text[1024];
    size_t len = 0;
    ssize_t n;
    int err = weir_stream_start_tls(s, tls, NULL);

    while (err == 0 && (n = weir_read(s, text + len, sizeof text - 1 - len)) > 0) {
        len += (size_t)n;
        text[len] = '\0';
        if (strstr(text, "\r\n\r\n") == NULL)
            continue;
        len = 0;
        err = send_text(s, OK_ANSWER);
    }
    return err;
}

static int serve(void *arg)
{
    const struct server *server = arg;

    while (weir_cancelled() == 0) {
        weir_stream *s;
        if (weir_accept(server->listener, &s) < 0)
            continue;
        (void)serve_connection(s, server->tls);
        weir_stream_close(s);
    }
    return 0;
}

static int get_twice(weir_client *client, const char *url)
{
    int err = 0;

    for (int i = 0; i < 2 && err == 0; i++) {
        weir_reply reply;
        err = weir_get(client, url, &reply);
        if (err == 0)
            assert_string_equal(reply.body, "ok");
        weir_reply_free(&reply);
    }
    return err;
}

/* Opens a client, asks in both ways, and closes it. Returns: the first error. */
static int once(const struct server *server, weir_tls *tls)
{
    const weir_fetch_options options = {.url = server->url};
    weir_client *client;
    weir_fetch_stream *f;
    weir_reply reply;
    int err =
        weir_client_open(&(weir_client_options){.tls = tls, .connect_timeout = weir_seconds(60)}, &client);

    if (err < 0)
        return err;
    err = get_twice(client, server->url);
    if (err == 0)
        err = weir_fetch_open(client, &options, 0, &f);
    if (err == 0) {
        err = weir_fetch_head(f, &reply);
        weir_fetch_close(f);
    }
    weir_client_close(client);
    return err;
}

static int disturbed(void *arg)
{
    struct server server = {.tls = tls_of(certificate_of_server(), NULL)};
    weir_tls *tls = tls_that_trusts();
    weir_scope scope;
    long n = 0;
    bool struck = true;

    (void)arg;
    assert_int_equal(weir_listen("127.0.0.1:0", &server.listener), 0);
    (void)snprintf(server.url, sizeof server.url, "https://%s/", weir_listener_address(server.listener));
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    assert_int_equal(weir_spawn(&scope, "server", serve, &server), 0);
    while (struck) {
        int err;
        fault_at(++n);
        err = once(&server, tls);
        struck = fault_end();
        if (err < 0 && (!struck || (err != -ENOMEM && err != -WEIR_ETLS && err != -ECONNRESET &&
                                    err != -EPIPE && err != -WEIR_ETRUNCATED)))
            fail_msg("allocation %ld: %s", n, weir_error_text(err));
        assert_int_equal(once(&server, tls), 0);
    }
    assert_true(n > 20);
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    weir_listener_close(server.listener);
    weir_tls_close(tls);
    weir_tls_close(server.tls);
    return 0;
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    /* The simulated kernel needs memory itself. */
    assert_int_equal(weir_run(&(weir_options){.io = WEIR_IO_EPOLL}, disturbed, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, certificates_begin, certificates_end);
}
