/* SPDX-License-Identifier: MIT */
/* 23_tls CERT KEY CA [HOST]: a server that echoes over TLS, and a client that asks it for HOST, "localhost"
 * unless it is given, and prints what was agreed and what came back.
 *
 *     openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem \
 *         -days 30 -subj /CN=localhost -addext subjectAltName=DNS:localhost
 *     23_tls cert.pem key.pem cert.pem
 */
#include <stdio.h>

#include <weir.h>

struct example {
    const char *cert, *key, *ca, *host;
    weir_listener *listener;
};

/* [server] */
static int echo(void *arg)
{
    weir_listener *listener = arg;
    weir_stream *stream;
    char data[1024];
    ssize_t n = weir_accept(listener, &stream);

    if (n < 0)
        return (int)n;
    while ((n = weir_read(stream, data, sizeof data)) > 0) /* the first one includes the handshake */
        if (weir_write(stream, data, (size_t)n) < 0)
            break;
    if (weir_stream_tls_why(stream) != NULL)
        weir_log(WEIR_LOG_WARN, "TLS failed", WEIR_KV("why", weir_stream_tls_why(stream)));
    weir_stream_close(stream);
    return 0;
}

static int listen_with_tls(struct example *e)
{
    const weir_tls_certificate own = {e->cert, e->key};
    const weir_tls_server_options options = {.certificates = &own, .certificate_count = 1};
    const char *why;
    weir_tls *tls;
    int err = weir_tls_server_open(&options, &why, &tls);

    if (err < 0) {
        weir_log(WEIR_LOG_ERROR, "no TLS", WEIR_KV("why", why));
        return err;
    }
    err = weir_listener_open(&(weir_listener_options){.address = "127.0.0.1:0", .tls = tls}, &e->listener);
    weir_tls_close(tls); /* the listener holds it */
    return err;
}
/* [/server] */

/* [client] */
static int ask(weir_stream *stream, weir_tls *tls, const char *host)
{
    char back[16];
    weir_tls_info info;
    ssize_t n;
    int err = weir_stream_start_tls(stream, tls, host); /* verifies the server */

    if (err < 0) {
        const char *why = weir_stream_tls_why(stream);

        printf("%s\n", why != NULL ? why : weir_error_text(err));
        return err;
    }
    err = weir_write(stream, "hello", 5);
    n = err == 0 ? weir_read(stream, back, sizeof back) : err;
    if (n <= 0 || weir_stream_tls_info(stream, &info) < 0)
        return n < 0 ? (int)n : -WEIR_ETRUNCATED;
    printf("%s: %.*s, by TLS 1.%d with %s\n", info.peer, (int)n, back, (int)info.version - 10, info.cipher);
    return 0;
}

static int connect_with_tls(const struct example *e)
{
    const weir_tls_client_options options = {.ca = e->ca};
    const char *why;
    weir_stream *stream;
    weir_tls *tls;
    int err = weir_tls_client_open(&options, &why, &tls);

    if (err < 0) {
        weir_log(WEIR_LOG_ERROR, "no TLS", WEIR_KV("why", why));
        return err;
    }
    err = weir_connect(weir_listener_address(e->listener), &stream);
    if (err == 0) {
        err = ask(stream, tls, e->host);
        weir_stream_close(stream);
    }
    weir_tls_close(tls);
    return err;
}
/* [/client] */

static int run(void *arg)
{
    struct example *e = arg;
    weir_scope scope;
    int err = listen_with_tls(e);

    if (err < 0)
        return err;
    weir_scope_open(&scope, weir_after_ms(10000), WEIR_COLLECT);
    err = weir_spawn(&scope, "echo", echo, e->listener);
    if (err == 0)
        err = connect_with_tls(e);
    (void)weir_scope_close(&scope);
    weir_listener_close(e->listener);
    return err;
}

int main(int argc, char **argv)
{
    struct example e;

    if (argc < 4 || argc > 5)
        return 2;
    e = (struct example){argv[1], argv[2], argv[3], argc > 4 ? argv[4] : "localhost", NULL};
    return weir_run(NULL, run, &e) < 0;
}
