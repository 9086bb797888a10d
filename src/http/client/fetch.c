/* SPDX-License-Identifier: MIT */
/* Requests whose answers are read whole. */
#include <errno.h>

#include "core/account/activity.h"
#include "core/account/attribution.h"
#include "core/misuse.h"
#include "http/client/backend/acquire.h"
#include "http/client/backend/state.h"
#include "http/client/fetch_parts.h"
#include "http/client/origin.h"
#include "http/client/origin_table.h"
#include "http/client/race.h"

/* A failed write is not the end: the backend may have answered before it stopped reading. A write is given up
 * when there is an answer, or can be none. */
static inline __attribute__((always_inline)) int read_answer(struct weir__fetch *f, int sent)
{
    while (!f->ended) {
        int err = weir__fetch_wait(f);
        if (err < 0)
            return err;
    }
    f->keep = f->keep && sent == 0;
    return f->err < 0 ? weir__fetch_failure(f, sent) : 0;
}

static int exchange(struct weir__fetch *f, const weir_fetch_options *options)
{
    int sent = weir__fetch_send(f, options->body, options->body_bytes);

    return weir__fetch_is_unsent(sent) ? sent : read_answer(f, sent);
}

/* The request on the connection of f, and once more if that had been kept too long. */
static inline __attribute__((always_inline)) int perform(struct weir__origin *origin, struct weir__fetch *f,
                                                         const weir_fetch_options *options)
{
    int err = exchange(f, options);

    if (weir__fetch_is_stale(f, err)) {
        err = weir__origin_replace(origin, f);
        weir__fetch_restart(f);
        if (err == 0)
            err = exchange(f, options);
    }
    return err;
}

static inline __attribute__((always_inline)) int finish(struct weir__fetch *f, int err, weir_reply *reply)
{
    weir__fetch_free_head(f);
    if (err < 0) {
        reply->took = f->reply.took;
        reply->instance = f->reply.instance;
        weir__fetch_drop_reply(f);
        reply->why = f->why;
        return err;
    }
    if (f->body_room > WEIR__REPLY_SMALL_BYTES)
        weir__fetch_trim_body(f);
    if (f->body_room > 0)
        ((char *)(uintptr_t)f->reply.body)[f->reply.body_bytes] = '\0';
    *reply = f->reply;
    return 0;
}

/* The whole request is here, so that it can be sent again where its method allows that. */
static enum weir__fetch_kept kept_for(const struct weir__fetch *f)
{
    return weir__fetch_is_repeatable(f) ? WEIR__KEPT_OLDEST : WEIR__KEPT_YOUNGEST;
}

static int fetch_from(struct weir__origin *origin, const weir_fetch_options *options, const weir_url *url,
                      weir_reply *reply)
{
    char head[WEIR__FETCH_HEAD_ROOM];
    const struct weir__fetch_room room = {head, sizeof head};
    struct weir__fetch f;
    int err;

    weir__fetch_init(&f, origin->client, options, false);
    f.kept = kept_for(&f);
    err = weir__fetch_check(&f, options, (int64_t)options->body_bytes);
    if (err == 0)
        err = weir__fetch_write_head(&f, options, url, origin->label, (int64_t)options->body_bytes, room);
    if (err < 0) {
        reply->why = f.why;
        return err;
    }
    err = weir__origin_acquire(origin, &f);
    if (err == 0)
        err = perform(origin, &f, options);
    weir__origin_ended(origin, &f, err);
    if (f.connection != NULL)
        weir__origin_release(origin, &f, err == 0 && f.keep);
    return finish(&f, err, reply);
}

/* Inlined, because every request to a backend comes by here. */
static inline __attribute__((always_inline)) int leave_backend(struct weir__fetch *f,
                                                               struct weir__origin *origin, int err,
                                                               weir_reply *reply)
{
    if (origin != NULL)
        weir__origin_ended(origin, f, err);
    if (f->connection != NULL)
        weir__origin_release(origin, f, err == 0 && f->keep);
    weir__backend_leave(f);
    return finish(f, err, reply);
}

static int send_to_backend(weir_client *client, const weir_fetch_options *options, weir_url *url,
                           weir_reply *reply)
{
    char head[WEIR__FETCH_HEAD_ROOM];
    const struct weir__fetch_room room = {head, sizeof head};
    struct weir__origin *origin;
    struct weir__fetch f;
    int err;

    weir__fetch_init(&f, client, options, false);
    f.kept = kept_for(&f);
    err = weir__fetch_place(&f, options, url, (int64_t)options->body_bytes, room, &origin);
    if (err == 0)
        err = perform(origin, &f, options);
    return leave_backend(&f, origin, err, reply);
}

/* A request that may have second attempts. */
__attribute__((noinline)) static int race(weir_client *client, const weir_fetch_options *options,
                                          weir_url *url, weir_reply *reply)
{
    char head[WEIR__FETCH_HEAD_ROOM];
    struct weir__fetch f;
    struct weir__race r = {.options = options,
                           .body = options->body,
                           .body_bytes = options->body_bytes,
                           .f = &f,
                           .room = {head, sizeof head}};
    int err;

    weir__fetch_init(&f, client, options, false);
    f.kept = kept_for(&f);
    err = weir__race_run(&r, url);
    if (err == 0)
        err = read_answer(&f, r.sent);
    err = leave_backend(&f, r.origin, err, reply);
    reply->attempts = r.made;
    return err;
}

__attribute__((noinline)) static int fetch_by_backend(weir_client *client, const weir_fetch_options *options,
                                                      weir_reply *reply)
{
    struct weir__task *self = weir__task_current();
    struct weir__attribution before;
    weir_url url;
    int err;

    weir__backend_check(options->backend, "weir_fetch");
    err = weir__client_backend_url(client, options, &url, &reply->why);
    if (err < 0)
        return err;
    before = weir__attribution_on(self, WEIR_CHARGE_BACKEND, weir__fetch_backend_charge_name(options));
    err = __builtin_expect(options->backend->has_attempts, 0) &&
                  weir__race_suits(options, true, options->body_bytes)
              ? race(client, options, &url, reply)
              : send_to_backend(client, options, &url, reply);
    weir__attribution_back(self, before);
    if (err == 0 && self->activity != NULL)
        weir__arena_attach(self->activity->memory, reply->memory);
    return err;
}

int weir_fetch(weir_client *client, const weir_fetch_options *options, weir_reply *reply)
{
    struct weir__task *self = weir__calling_task(__func__);
    const struct weir__activity *activity = self->activity;
    weir_url url;
    struct weir__origin *origin;
    int err;

    weir__check_loop(client->handle.loop, __func__, "a client");
    *reply = (weir_reply){0};
    if (__builtin_expect(options->backend != NULL, 0))
        return fetch_by_backend(client, options, reply);
    err = weir__client_url(client, options, &url, &reply->why);
    if (err == 0)
        err = weir__client_origin(client, &url, options->address, &origin);
    if (err == 0) {
        struct weir__attribution before =
            weir__attribution_on(self, WEIR_CHARGE_BACKEND, weir__fetch_charge_name(options, origin));
        err = fetch_from(origin, options, &url, reply);
        weir__attribution_back(self, before);
    } else if (err == -EINVAL && reply->why == NULL && options->address != NULL) {
        reply->why = weir__client_address_fault(options->address);
    }
    if (err == 0 && activity != NULL)
        weir__arena_attach(activity->memory, reply->memory);
    return err;
}

int weir_get(weir_client *client, const char *url, weir_reply *reply)
{
    weir_fetch_options options = {.url = url};

    return weir_fetch(client, &options, reply);
}
