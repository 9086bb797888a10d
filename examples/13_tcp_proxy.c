/* SPDX-License-Identifier: MIT */
/* A TCP proxy: each connection goes on to a backend, bytes go both ways, and each end is passed on by itself.
 *
 *     13_tcp_proxy LISTEN BACKEND           13_tcp_proxy 127.0.0.1:7001 127.0.0.1:7000
 */
#include <weir.h>

static const char *backend_address;

/* [pump] */
struct direction {
    weir_stream *from, *to;
    uint64_t bytes;
};

static int one_way(void *arg)
{
    struct direction *d = arg;
    int err = weir_pump(d->from, d->to, 0, &d->bytes);

    /* The end of one direction is passed on; the other goes on, as a request that ends before its answer. */
    return err < 0 ? err : weir_stream_shutdown(d->to);
}

static int both_ways(weir_stream *client, weir_stream *backend)
{
    struct direction there = {client, backend, 0}, back = {backend, client, 0};
    weir_scope ways;
    int err;

    weir_scope_open(&ways, weir_never(), 0); /* the failure of one direction cancels the other */
    err = weir_spawn(&ways, "to the backend", one_way, &there);
    if (err == 0)
        err = one_way(&back);
    if (err < 0)
        weir_scope_cancel(&ways);
    (void)weir_scope_close(&ways);
    weir_log(WEIR_LOG_INFO, "done", WEIR_KV_INT("sent", (int64_t)there.bytes),
             WEIR_KV_INT("received", (int64_t)back.bytes),
             WEIR_KV("end", err < 0 ? weir_error_text(err) : "ok"));
    return err;
}
/* [/pump] */

/* [connection] */
static int connect_in_time(const char *address, weir_stream **out)
{
    weir_scope attempt;
    int err;

    weir_scope_open(&attempt, weir_after_ms(5000), 0);
    err = weir_connect(address, out);
    (void)weir_scope_close(&attempt);
    return err;
}

static int serve_connection(void *arg)
{
    weir_stream *client = arg;
    weir_stream_options options = {.idle_timeout = weir_seconds(600), .keepalive = weir_seconds(60)};
    weir_stream *backend;
    int err = connect_in_time(backend_address, &backend);

    if (err == 0) {
        (void)weir_stream_set_options(client, &options);
        (void)weir_stream_set_options(backend, &options);
        err = both_ways(client, backend);
        if (err < 0)
            weir_stream_abort(backend);
        else
            weir_stream_close(backend);
    }
    if (err < 0) /* a reset: what the client has got must not look like the whole */
        weir_stream_abort(client);
    else
        weir_stream_close(client);
    return 0;
}
/* [/connection] */

static int serve(void *arg)
{
    weir_listener *listener;
    weir_stream *client;
    weir_scope connections;
    int err = weir_listen(arg, &listener);

    if (err < 0)
        return err;
    weir_log(WEIR_LOG_INFO, "listening", WEIR_KV("addr", weir_listener_address(listener)));
    weir_scope_open(&connections, weir_never(), WEIR_COLLECT);
    while ((err = weir_accept(listener, &client)) != -WEIR_ECANCELED) {
        if (err == 0 && weir_spawn(&connections, "connection", serve_connection, client) == 0)
            continue;
        if (err == 0)
            weir_stream_close(client);        /* no memory for a task */
        else if (weir_sleep(weir_ms(50)) < 0) /* no descriptors: retry a little later */
            break;
    }
    weir_listener_close(listener);
    return weir_scope_close(&connections);
}

int main(int argc, char **argv)
{
    backend_address = argc > 2 ? argv[2] : "127.0.0.1:7000";
    return weir_run(NULL, serve, argc > 1 ? argv[1] : "127.0.0.1:7001") < 0;
}
