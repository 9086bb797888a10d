/* SPDX-License-Identifier: MIT */
/* 21_http_proxy ADDRESS URL: passes every request on to the server at URL ("http://host:port"), and its
 * answer back. Bodies of any size pass both ways at once, in constant memory. Large uploads need a larger
 * .limits.body_bytes. */
#include <strings.h>

#include <weir.h>

enum { HEADERS_MAX = 100, HEAD_S = 30, IDLE_S = 60 };

struct state { /* of a loop */
    weir_client *client;
    const char *url;
};

struct passing { /* an exchange */
    weir_request *req;
    weir_response *res;
    weir_fetch_stream *fetch;
};

/* [fields] */
/* Says which fields go on: those of one connection alone do not, and client and server write their own of
 * some. */
static bool goes_on(const char *name, const char *connection)
{
    static const char *const own[] = {"content-length", "host", "date", "expect"};

    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcasecmp(name, own[i]) == 0)
            return false;
    return !weir_header_is_hop_by_hop(weir_bytes_of(name),
                                      weir_bytes_of(connection != NULL ? connection : ""));
}
/* [/fields] */

/* [up] */
/* The task that passes the request's body on. A client that breaks off makes it fail, which cancels the
 * exchange. What a backend does with the body shows in its answer. */
static int pass_body(void *arg)
{
    const struct passing *p = arg;
    const weir_body_source client = {.request = p->req};
    const weir_body_sink backend = {.fetch = p->fetch};
    const weir_body_pump_options options = {.idle_timeout = weir_seconds(IDLE_S)};
    weir_body_pumped pumped;
    int err = weir_body_pump(&client, &backend, &options, &pumped);

    if (err == 0)
        err = weir_fetch_end(p->fetch);
    return err < 0 && pumped.failed == WEIR_BODY_SOURCE ? err : 0;
}
/* [/up] */

/* [down] */
static int pass_answer(const struct passing *p)
{
    const weir_body_source backend = {.fetch = p->fetch};
    const weir_body_pump_options options = {.idle_timeout = weir_seconds(IDLE_S)};
    weir_reply reply;
    const char *connection;
    weir_scope time;
    int err;

    weir_scope_open(&time, weir_after(weir_seconds(HEAD_S)), 0);
    err = weir_fetch_head(p->fetch, &reply);
    (void)weir_scope_close(&time);
    if (err == -WEIR_EDEADLINE)
        return err; /* becomes 504 */
    if (err < 0)
        return weir_respond_fault(p->res, 502, "backend", weir_error_text(err));
    connection = weir_reply_header_joined(&reply, "connection");
    for (size_t i = 0; i < reply.header_count && err == 0; i++)
        if (goes_on(reply.headers[i].name, connection))
            err = weir_response_header_add(p->res, reply.headers[i].name, reply.headers[i].value);
    return err < 0 ? err : weir_respond_pump(p->res, reply.status, NULL, &backend, &options, NULL);
}
/* [/down] */

/* [both] */
static int open_fetch(struct passing *p, const struct state *state)
{
    weir_header headers[HEADERS_MAX];
    size_t count, passed = 0;
    const weir_header *all = weir_request_headers(p->req, &count);
    const char *connection = weir_request_header_joined(p->req, "connection");
    weir_fetch_options options = {.method = weir_request_method(p->req),
                                  .url = state->url,
                                  .target = weir_request_target(p->req),
                                  .headers = headers,
                                  .duplex = true};

    for (size_t i = 0; i < count && passed < HEADERS_MAX; i++)
        if (goes_on(all[i].name, connection))
            headers[passed++] = all[i];
    options.header_count = passed;
    return weir_fetch_open(state->client, &options, weir_request_body_length(p->req), &p->fetch);
}

static int pass_on(weir_request *req, weir_response *res, void *state)
{
    struct passing p = {.req = req, .res = res};
    weir_scope scope;
    int err = open_fetch(&p, state), closed;

    if (err == -WEIR_EBUSY || err == -WEIR_EDEADLINE)
        return err; /* becomes 503 or 504 */
    if (err < 0)
        return weir_respond_fault(res, 502, "backend", weir_error_text(err));
    weir_scope_open(&scope, weir_never(), 0);
    err = weir_spawn(&scope, "passing the body on", pass_body, &p);
    if (err == 0)
        err = pass_answer(&p);
    weir_scope_cancel(&scope); /* a body that the answer did not wait for is of no use */
    closed = weir_scope_close(&scope);
    weir_fetch_close(p.fetch);
    return err < 0 ? err : closed == -WEIR_ECANCELED ? 0 : closed;
}
/* [/both] */

static void close_state(void *state)
{
    weir_client_close(((struct state *)state)->client);
}

static void *open_state(void *arg, weir_server *server)
{
    static struct state states[64];
    struct state *s = &states[weir_loop_index()];

    (void)server;
    s->url = arg;
    return weir_client_open(NULL, &s->client) < 0 ? NULL : s;
}

int main(int argc, char **argv)
{
    static const weir_route routes[] = {{.path = "/*", .handler = pass_on}};
    weir_server_options options = {.listen = argv[1],
                                   .limits.body_bytes = (uint64_t)1 << 40,
                                   .setup = open_state,
                                   .teardown = close_state,
                                   .arg = argv[2]};

    return argc != 3 ? 2 : weir_serve(&options, routes, 1) < 0;
}
