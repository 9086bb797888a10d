/* SPDX-License-Identifier: MIT */
/* serve: passes requests on to the processes of an application, as many at a time as these have places. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/scope.h>
#include <weir/task.h>

#include "config/route_kind.h"
#include "routes/proxy_exchange.h"
#include "routes/serve_answer.h"
#include "routes/serve_attempts.h"
#include "routes/serve_refusal.h"
#include "routes/serve_settings.h"

/* Two pieces, tasks for the bodies, a connection, part of which is the kernel's, and what is held of the
 * request; what is held of the answer counts among the answers of backends. A second attempt has a task and a
 * connection of its own. */
static uint64_t exchange_bytes(const void *arg)
{
    const struct serve_settings *settings = arg;
    const uint64_t attempts = config_app_has_attempts(settings->app) ? 2 : 1;

    return 2 * PROXY_PIECE_BYTES + attempts * (16 << 10) + 2 * settings->app->buffer_bytes;
}

/* --- a place --- */

/* Asks the process that has the place, and another one where that is configured. */
static int ask(struct serving *s)
{
    int err = serve_attempts_may(s) ? serve_attempts_begin(s) : serving_begin(s);

    if (err == 0)
        err = proxy_exchange_end(&s->p);
    serving_gives(s, err);
    return err;
}

/* Takes a place, under the deadline that the request came with. */
static int take(struct serving *s, weir_instant until, enum app_refusal *why)
{
    weir_scope time;
    int err;

    if (weir_is_never(s->p.until))
        return app_place_take(s->state->queue, until, &s->place, why);
    weir_scope_open(&time, s->p.until, 0);
    err = app_place_take(s->state->queue, until, &s->place, why);
    (void)weir_scope_close(&time);
    return err;
}

/* Takes a place and asks; the next process if one takes no connection. */
static int take_and_ask(struct proxying *p)
{
    struct serving *s = (struct serving *)p;
    const weir_instant until = weir_after(s->state->settings->app->wait);
    enum app_refusal why;
    int err;

    do {
        err = take(s, until, &why);
        if (err == -WEIR_EBUSY) {
            err = serve_refuse(s, why);
            s->p.began = true;
            return err;
        }
        if (err == 0)
            err = ask(s);
    } while (serving_is_refused(err));
    return err;
}

/* --- the handler --- */

static struct serving *make(weir_request *req, weir_response *res, const struct serve_state *state,
                            weir_instant until)
{
    struct serving *s = weir_request_alloc(req, sizeof *s);

    if (s == NULL)
        return NULL;
    memset(s, 0, sizeof *s);
    s->p.state = &state->proxy;
    s->p.pass = serve_answer_pass;
    s->p.req = req;
    s->p.res = res;
    s->p.note = &s->note;
    s->p.until = until;
    s->p.body_length = weir_request_body_length(req);
    s->note.base.kind = ROUTE_NOTE_PROXY;
    s->state = state;
    s->outcome = APP_SERVED;
    return s;
}

static int handle(weir_request *req, weir_response *res, void *state)
{
    struct serving *s;
    weir_instant until;
    int err;

    err = proxy_exchange_admit(req, res, &until);
    if (err != 0)
        return err < 0 ? err : 0;
    s = make(req, res, state, until);
    return s != NULL ? proxy_exchange_run(&s->p, take_and_ask) : -ENOMEM;
}

/* --- its state on a loop --- */

static int open_state(const struct config_route *route, const struct route_loop *loop, void **state)
{
    const struct serve_settings *settings = route->settings;
    struct serve_state *made = malloc(sizeof *made);

    if (made == NULL)
        return -ENOMEM;
    *made = (struct serve_state){.proxy = {.settings = &settings->proxy,
                                           .rules = &route->headers.request,
                                           .trusted = loop->config->trusted_proxies,
                                           .trusted_count = loop->config->trusted_proxy_count},
                                 .settings = settings,
                                 .queue = loop->apps[settings->app->number],
                                 .holds = loop->client};
    made->proxy.client = made->queue->client;
    *state = made;
    return 0;
}

const struct route_kind route_serve = {
    .name = "serve",
    .configure = serve_settings_read,
    .exchange_bytes = exchange_bytes,
    .handle = handle,
    .heeds_deadline = true,
    .open = open_state,
    .close = free,
};
