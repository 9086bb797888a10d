/* SPDX-License-Identifier: MIT */
/* A backend on one loop: opening and closing. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <weir/task.h>

#include "core/misuse.h"
#include "core/scope.h"
#include "http/client/backend/keeper.h"
#include "http/client/backend/linger.h"
#include "http/client/backend/table.h"
#include "http/client/client.h"
#include "http/client/connection.h"
#include "http/client/origin.h"
#include "http/client/origin_table.h"

/* --- left open at the end of weir_run() --- */

static bool end(struct weir__handle *h)
{
    weir_backend *b = weir__container_of(h, weir_backend, handle);

    b->closing = true;
    weir__backend_end_lingering(b);
    if (!b->client_gone)
        b->client_gone = weir__client_abandon(&b->client);
    if (!b->client_gone || !weir__slot_share_close(&b->slots) || !weir__backend_leave_shared(&b->member))
        return false;
    weir__handle_free(h);
    return true;
}

static void free_backend(struct weir__handle *h)
{
    free(weir__container_of(h, weir_backend, handle));
}

static const struct weir__handle_type backends = {"backends", end, free_backend};

/* --- opening --- */

/* Gives up idle connections, to whatever instance, while other loops want their slots. */
static void spare(struct weir__slot_share *slots)
{
    weir_backend *b = weir__container_of(slots, weir_backend, slots);

    while (b->client.idle_count > 0 && weir__slot_share_is_wanted(slots))
        weir__client_drop(weir__origin_oldest_idle(&b->client));
}

/* The one unused longest, to whatever instance. */
static void *reuse(struct weir__slot_share *slots)
{
    weir_backend *b = weir__container_of(slots, weir_backend, slots);
    struct weir__client_connection *c;

    if (b->client.idle_count == 0)
        return NULL;
    c = weir__origin_oldest_idle(&b->client);
    weir__client_leave_idle(c);
    return c;
}

static const struct weir__slot_share_type slots_type = {.spare = spare, .reuse = reuse};

static void heed(struct weir__backend_member *m)
{
    weir_backend *b = weir__backend_of_member(m);

    if (b->closing)
        return;
    weir__backend_sync(b);
    weir__backend_keep(b);
}

static int open_client(weir_backend *b, struct weir__loop *loop)
{
    const weir_backend_options *o = weir__backend_options(b);
    const weir_client_options options = {
        .idle_connections = o->connections_max,
        .idle_timeout = o->idle_timeout,
        .connect_timeout = o->connect_timeout,
        .tls = o->tls,
        .headers = 1, /* heads are read by the client that a request comes from */
    };

    return weir__client_begin(&b->client, &options, loop);
}

static int open_slots(weir_backend *b)
{
    const weir_backend_options *o = weir__backend_options(b);
    struct weir__backend_common *of_all = weir__backend_common(b);
    const struct weir__slots_common common = {.shared = b->member.shared->memory,
                                              .held = &of_all->counts.connections,
                                              .queued = &of_all->counts.queued,
                                              .queued_since_ns = of_all->queued_since_ns};
    char *key;
    int err;

    if (asprintf(&key, "backend %s", o->name) < 0)
        return -ENOMEM;
    b->slots.waiting_max = o->waiting_max; /* which is common to all loops: see acquire.c */
    err = weir__slot_share_open(&b->slots, &slots_type, key, o->connections_max, &common, o->name);
    free(key);
    return err;
}

static void leave_shared(weir_backend *b)
{
    while (!weir__backend_leave_shared(&b->member))
        (void)weir_yield();
}

int weir_backend_open(const weir_backend_options *options, weir_backend **out)
{
    struct weir__loop *loop = weir__calling_task(__func__)->loop;
    weir_backend *b = calloc(1, sizeof *b);
    int err;

    if (b == NULL)
        return -ENOMEM;
    b->member.heed = heed;
    err = weir__backend_join(&b->member, loop, options);
    if (err < 0) {
        free(b);
        return err;
    }
    err = open_client(b, loop);
    if (err == 0) {
        err = open_slots(b);
        if (err < 0)
            weir__client_finish(&b->client);
    }
    if (err < 0) {
        leave_shared(b);
        free(b);
        return err;
    }
    b->has_attempts = weir__attempts_is_on(&b->member.shared->settings.attempts);
    weir__list_init(&b->lingering);
    weir_event_init(&b->kept);
    weir__handle_open(&b->handle, &backends, __builtin_return_address(0));
    weir__backend_keep(b);
    *out = b;
    return 0;
}

/* --- closing --- */

void weir_backend_close(weir_backend *b)
{
    weir_scope shield;

    if (b == NULL)
        return;
    weir__check_loop(b->handle.loop, __func__, "a backend");
    weir__backend_end_lingering(b);
    if (b->in_use > 0)
        weir__misuse(__func__, "of a backend with requests in progress",
                     "close the scope of their tasks, and every weir_fetch_stream, first");
    weir__backend_keep_no_more(b);
    weir__client_finish(&b->client);
    weir__scope_open_long_shield(&shield, weir_never());
    while (!weir__slot_share_close(&b->slots))
        (void)weir_yield();
    leave_shared(b);
    (void)weir_scope_close(&shield);
    weir__handle_close(&b->handle);
    weir__handle_free(&b->handle);
}

weir_duration weir_backend_retry_after(const weir_backend *b)
{
    weir__check_loop(b->handle.loop, __func__, "a backend");
    return (weir_duration){
        weir__breaker_refuses_for(&weir__backend_common(b)->breaker, weir__loop_now_ns(b->member.loop))};
}
