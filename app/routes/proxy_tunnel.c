/* SPDX-License-Identifier: MIT */
#include "routes/proxy_tunnel.h"

#include <errno.h>

#include <weir/scope.h>
#include <weir/stream.h>

#include "routes/proxy_answer.h"

/* Bytes that have passed in a direction. */
struct passed {
    uint64_t before, now; /* by pumps that have ended; by the present one */
};

struct tunnel {
    weir_stream *client, *backend;
    struct passed up, down;
    uint64_t seen;           /* bytes of both, when a direction was found silent */
    weir_instant seen_since; /* there were so many */
    weir_duration timeout;
};

/* Reports whether nothing has passed in either direction for long enough, when it has in neither just now. */
static bool is_silent(struct tunnel *t)
{
    const uint64_t passed = t->up.before + t->up.now + t->down.before + t->down.now;

    if (passed != t->seen) {
        t->seen = passed;
        t->seen_since = weir_now();
    }
    return weir_between(t->seen_since, weir_now()).ns >= t->timeout.ns;
}

/* Passes on one direction, with its end. */
static int pump(struct tunnel *t, weir_stream *from, weir_stream *to, struct passed *passed)
{
    int err;

    do {
        err = weir_pump(from, to, 0, &passed->now);
        passed->before += passed->now;
        passed->now = 0;
    } while (err == -WEIR_EIDLE && !is_silent(t));
    if (err == 0)
        (void)weir_stream_shutdown(to); /* a side that has closed already needs no end */
    return err;
}

static int pump_up(void *arg)
{
    struct tunnel *t = arg;

    return pump(t, t->client, t->backend, &t->up);
}

static int pump_both(struct tunnel *t)
{
    const weir_stream_options options = {.idle_timeout = t->timeout};
    weir_scope scope;
    int err, first;

    (void)weir_stream_set_options(t->client, &options);
    (void)weir_stream_set_options(t->backend, &options);
    t->seen_since = weir_now();
    weir_scope_open(&scope, weir_never(), 0);
    (void)weir_spawn(&scope, "a tunnel to the backend", pump_up, t);
    err = pump(t, t->backend, t->client, &t->down);
    if (err < 0)
        weir_scope_cancel(&scope);
    first = weir_scope_close(&scope);
    return err < 0 ? err : first;
}

/* The side that has not closed is told of a break by a reset. */
static void close_both(struct tunnel *t, int err)
{
    if (err < 0) {
        weir_stream_abort(t->client);
        weir_stream_abort(t->backend);
    } else {
        weir_stream_close(t->client);
        weir_stream_close(t->backend);
    }
}

int proxy_tunnel(struct proxying *p)
{
    const char *protocol = proxy_switched_to(&p->reply, p->headers.upgrade);
    struct tunnel t = {.timeout = p->state->settings->tunnel_timeout};
    struct proxy_headers made;
    int err = protocol == NULL ? -WEIR_EPROTOCOL : proxy_answer_add_headers(p, &made);

    if (err == 0)
        err = weir_fetch_upgrade(p->fetch, &t.backend);
    if (err < 0)
        return err;
    p->began = true;
    err = weir_request_upgrade(p->req, p->res, protocol, &t.client);
    if (err < 0) {
        weir_stream_abort(t.backend);
        return err;
    }
    err = pump_both(&t);
    close_both(&t, err);
    return err;
}
