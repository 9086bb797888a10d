/* SPDX-License-Identifier: MIT */
/* 20_backend ADDRESS URL…: passes GET requests on to a service that runs at several URLs. An instance that
 * fails its checks, or its requests, gets none for a while. /status says what is known of the instances. */
#include <weir.h>

/* [state] */
struct state { /* of a loop */
    weir_client *client;
    weir_backend *orders;
};

static void close_state(void *state)
{
    struct state *s = state;

    weir_backend_close(s->orders);
    weir_client_close(s->client);
}

static void *open_state(void *arg, weir_server *server)
{
    static struct state states[64];
    struct state *s = &states[weir_loop_index()];
    weir_backend_options options = {
        .name = "orders", /* all loops open it, and it is one backend */
        .urls = arg,
        .health = {.path = "/healthz", .every = weir_seconds(1)},
        .breaker.failed_percent = 50,
        .limit = 256,
        .hedge.percentile = 95, /* what is slower than 95 % is asked of another instance, too */
    };

    (void)server;
    while (options.urls[options.url_count] != NULL)
        options.url_count++;
    if (weir_client_open(NULL, &s->client) < 0 || weir_backend_open(&options, &s->orders) < 0) {
        close_state(s);
        return NULL;
    }
    return s;
}
/* [/state] */

/* [pass] */
static int pass_on(weir_request *req, weir_response *res, void *state)
{
    const struct state *s = state;
    weir_fetch_options options = {.backend = s->orders, .url = weir_request_target(req)};
    weir_reply reply;
    int err = weir_fetch(s->client, &options, &reply);

    if (err == -WEIR_EOPEN || err == -WEIR_ELIMITED || err == -WEIR_EBUSY || err == -WEIR_EDEADLINE)
        return err; /* becomes 503 with Retry-After, or 504 */
    if (err < 0)
        return weir_respond_fault(res, 502, "backend", weir_error_text(err));
    return weir_respond_bytes(res, reply.status, "application/octet-stream", reply.body, reply.body_bytes);
}
/* [/pass] */

/* [status] */
static void report(void *arg, const weir_backend_stats *stats)
{
    for (size_t i = 0; i < stats->instance_count; i++) {
        const weir_instance_stats *instance = &stats->instances[i];
        if (weir_buffer_printf(arg, "%s %s %s\n", stats->name, instance->address,
                               weir_instance_state_name(instance->state)) < 0)
            return; /* it is full */
    }
}

static int status(weir_request *req, weir_response *res, void *state)
{
    weir_buffer text;
    int err;

    (void)req;
    (void)state;
    weir_buffer_init(&text, 64 << 10);
    weir_backend_each(weir_runtime_here(), report, &text);
    err = weir_respond_buffer(res, 200, "text/plain", &text);
    weir_buffer_free(&text);
    return err;
}
/* [/status] */

int main(int argc, char **argv)
{
    static const weir_route routes[] = {{.path = "/status", .handler = status},
                                        {.path = "/*", .handler = pass_on}};
    weir_server_options options = {
        .listen = argv[1], .setup = open_state, .teardown = close_state, .arg = argv + 2};

    return argc < 3 ? 2 : weir_serve(&options, routes, 2) < 0;
}
