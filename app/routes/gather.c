/* SPDX-License-Identifier: MIT */
/* gather: asks several backends at once and answers with all of their answers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/task.h>

#include "config/route_kind.h"
#include "http/body_coding.h"
#include "routes/gather_fetch.h"
#include "routes/gather_prepare.h"
#include "routes/gather_reply.h"
#include "routes/gather_request.h"
#include "routes/gathering.h"

/* --- settings --- */

static void backends(const void *arg, void (*each)(void *arg, const char *origin, struct config_place place),
                     void *each_arg)
{
    const struct gather_settings *settings = arg;

    for (size_t i = 0; i < settings->call_count; i++)
        if (settings->calls[i].backend == NULL)
            each(each_arg, settings->calls[i].url.origin, settings->calls[i].url.place);
}

/* A call takes a task, an answer, and a connection, part of which is the kernel's. */
static uint64_t exchange_bytes(const void *arg)
{
    const struct gather_settings *settings = arg;

    return settings->call_count * (9 << 10);
}

/* A gather that only reads answers GET alone. If a call changes something, it answers every method. */
static unsigned methods_for(const void *arg)
{
    const struct gather_settings *settings = arg;

    for (size_t i = 0; i < settings->call_count; i++)
        if (settings->calls[i].method != CONFIG_GET && settings->calls[i].method != CONFIG_HEAD)
            return 0;
    return 1u << CONFIG_GET;
}

/* --- answering --- */

static int make_note(struct gathering *g)
{
    const struct gather_settings *settings = g->state->settings;
    const size_t bytes = sizeof *g->note + settings->call_count * sizeof g->note->ends[0];

    g->note = weir_request_alloc(g->req, bytes);
    if (g->note == NULL)
        return -ENOMEM;
    memset(g->note, 0, bytes);
    g->note->base.kind = ROUTE_NOTE_GATHER;
    g->note->settings = settings;
    return 0;
}

static int handle(weir_request *req, weir_response *res, void *state)
{
    const struct gather_state *gather = state;
    const size_t count = gather->settings->call_count;
    struct gathering *g;
    weir_instant until;
    int err = client_deadline_read(req, res, &until);

    if (err != 0)
        return err < 0 ? err : 0;
    g = weir_request_alloc(req, sizeof *g + count * sizeof g->calls[0]);
    if (g == NULL)
        return -ENOMEM;
    memset(g, 0, sizeof *g);
    g->until = until;
    g->state = gather;
    g->req = req;
    weir_buffer_init(&g->urls, count * GATHER_URL_BYTES_MAX);
    err = weir_client_hold(gather->client, 0); /* fails when there is no room for any answer */
    if (err < 0)
        return err;
    err = make_note(g);
    if (err == 0)
        err = gather_prepare(g);
    if (err == -EINVAL)
        err = weir_respond_fault(res, 400, "malformed",
                                 "a path parameter contains a character that is not allowed in a URL");
    else if (g->url_too_long)
        err = weir_respond_fault(res, 414, "target_too_long",
                                 "a path parameter makes the URL of a call too long");
    else if (err == 0 && client_deadline_passed(until)) /* while the body came */
        err = client_deadline_respond(res);
    else if (err == 0) {
        gather_fetch_all(g);
        weir_request_note(req, g->note);
        err = weir_cancelled(); /* the client has left, or the drain is over */
        if (err == 0)
            err = gather_reply(g, res);
        else
            gather_reply_skip(g);
        for (size_t i = 0; i < count; i++)
            gather_fetch_free(&g->calls[i]);
    }
    weir_buffer_free(&g->urls);
    return err;
}

static int open_state(const struct config_route *route, const struct route_loop *loop, void **state)
{
    int err = body_coding_open();
    struct gather_state *made = err == 0 ? malloc(sizeof *made) : NULL;

    if (made == NULL)
        return err < 0 ? err : -ENOMEM;
    *made = (struct gather_state){
        .settings = route->settings,
        .reply_bytes_max = route->limits.reply_bytes,
        .client = loop->client,
        .backends = loop->backends,
        .rules = &route->headers.request,
    };
    *state = made;
    return 0;
}

const struct route_kind route_gather = {
    .name = "gather",
    .configure = gather_settings_read,
    .methods_for = methods_for,
    .backends = backends,
    .exchange_bytes = exchange_bytes,
    .handle = handle,
    .heeds_deadline = true,
    .open = open_state,
    .close = free,
};
