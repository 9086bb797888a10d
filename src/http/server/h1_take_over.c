/* SPDX-License-Identifier: MIT */
/* Gives a connection to another protocol: input is asked for no more, the answer that ends HTTP is sent, and
 * the stream becomes one of the handler's, which begins with what was received behind the request. The
 * exchange goes on without a connection, and counts as one until it ends. */
#include <errno.h>

#include "core/task.h"
#include "core/wait.h"
#include "http/server/h1.h"

static const struct weir__wait_class stopping = {"the connection, to take it over", NULL,
                                                 .charge = WEIR_CHARGE_BODY};

void weir__h1_input_stopped(struct weir__h1_exchange *h)
{
    struct weir__task *task = h->reader;

    h->reader = NULL;
    if (task != NULL)
        weir__wake(task, 0);
}

/* Takes a turn of the loop at most. Input that comes meanwhile is kept. */
static void stop_input(struct weir__h1_exchange *h)
{
    weir_stream *stream = weir__connection_stream(h->connection);

    weir__timeout_list_leave(&h->connection->timeout);
    weir__h1_unwatch(h);
    h->stopping = true;
    while (stream->awaiting || stream->watches > 0) {
        weir__stream_await_cancel(stream);
        h->reader = weir__task_current();
        (void)weir__park(&stopping, NULL, h);
    }
    h->stopping = false;
    h->reader = NULL;
}

int weir__h1_take_over(struct weir__exchange *x, const char *protocol, weir_stream **out)
{
    struct weir__h1_exchange *h = weir__h1_of(x);
    struct weir__connection *c = h->connection;
    struct weir__list *list = &c->home->connections;
    bool counted = c->home->server->clients != NULL && c->client[0].family != 0;
    int err;

    stop_input(h);
    if (h->input_end < 0)
        return h->input_end;
    err = weir__h1_send_switch(h, protocol);
    if (err < 0)
        return err;
    weir__timeout_list_leave(&c->timeout);
    if (counted)
        h->client = c->client[0];
    weir__list_remove(&c->node);
    err = weir__stream_publish(weir__connection_stream(c), h->input + h->input_at, h->input_len - h->input_at,
                               out);
    if (err < 0) {
        weir__list_push_back(list, &c->node);
        x->response.err = err;
        return err;
    }
    h->connection = NULL;
    return 0;
}

void weir__h1_end_taken_over(struct weir__h1_exchange *h)
{
    struct weir__server_loop *home = h->exchange.home;

    if (h->client.family != 0)
        weir__clients_leave(home->server->clients, &h->client);
    weir__h1_exchange_free(h);
    home->events->closed(home);
}
