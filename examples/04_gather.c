/* SPDX-License-Identifier: MIT */
/* 04_gather ADDRESS URL…: asks up to twelve services at once, for 250 ms, and answers with the outcomes. */
#include <weir.h>

struct call {
    weir_client *client;
    const char *url;
    int err;
    weir_reply reply;
};

static int call_one(void *arg)
{
    struct call *c = arg;

    return c->err = weir_get(c->client, c->url, &c->reply);
}

static int gather(weir_request *req, weir_response *res, void *client)
{
    char **urls = weir_request_data(req);
    struct call calls[12];
    int n = 0, err = 0;
    weir_buffer out;
    weir_scope scope;

    weir_scope_open(&scope, weir_after_ms(250), WEIR_COLLECT);
    for (; n < 12 && urls[n] != NULL; n++) {
        calls[n] = (struct call){.client = client, .url = urls[n]};
        calls[n].err = weir_spawn(&scope, "call", call_one, &calls[n]);
    }
    weir_scope_close(&scope); /* waits; no call is running after this line */
    weir_buffer_init(&out, 64 << 10);
    for (int i = 0; i < n && err == 0; i++)
        err = weir_buffer_printf(&out, "{\"outcome\":\"%s\",\"status\":%d,\"bytes\":%zu}\n",
                                 calls[i].err < 0 ? weir_error_text(calls[i].err) : "answered",
                                 calls[i].reply.status, calls[i].reply.body_bytes);
    err = err < 0 ? err : weir_respond_buffer(res, 200, "application/x-ndjson", &out);
    weir_buffer_free(&out);
    return err; /* a negative code becomes an answer, too */
}

static void *make_client(void *arg, weir_server *server) /* on each loop; returns the state of its handlers */
{
    weir_client *client = arg;

    (void)server;
    return weir_client_open(NULL, &client) == 0 ? client : NULL;
}

static void close_client(void *client)
{
    weir_client_close(client);
}

int main(int argc, char **argv)
{
    weir_server_options options = {.listen = argv[1], .setup = make_client, .teardown = close_client};
    weir_route route = {.path = "/", .handler = gather, .data = argv + 2};

    return argc < 3 ? 2 : weir_serve(&options, &route, 1) < 0;
}
