/* SPDX-License-Identifier: MIT */
/* A bounded pool of connections, for protocols that the library does not know. */
#include <weir/connections.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/sync.h>

#include "base/reserved.h"
#include "core/account/attribution.h"
#include "core/handle.h"
#include "core/misuse.h"
#include "core/scope.h"
#include "core/spare.h"
#include "core/task.h"
#include "core/timeout_list.h"
#include "core/wait.h"
#include "net/connect_limit.h"
#include "net/public_stream.h"
#include "net/slot_share.h"

enum { MAX = 16, WAITING_MAX = 1024, IDLE_TIMEOUT_S = 60, CONNECT_TIMEOUT_S = 5 };

struct weir_connections {
    struct weir__handle handle;
    weir_connections_options options;
    struct weir__slot_share slots;
    struct weir__list idle; /* connections, the one unused longest first */
    struct weir__timeout_list timeouts;
    struct weir__spare spare;
    int closing;      /* connections that are being closed; they have no slot any more */
    weir_event quiet; /* set when there are none */
    weir_connections_stats stats;
    char *address; /* NULL: there are no streams */
    char name[];   /* and behind it the address */
};

struct weir_connection {
    struct weir__handle handle; /* closed while it is the pool's, and not a task's */
    weir_connections *pool;
    weir_stream *stream; /* NULL: none */
    void *session;
    struct weir__list node; /* in pool->idle */
    struct weir__timeout_entry idle_entry;
    struct weir__io_op op;    /* while idle: waits for input, which there should be none of */
    bool watched;             /* op is pending */
    bool broken;              /* input came, or the end, while it was idle */
    struct weir__task *taker; /* parked until op has ended */
};

/* --- closing --- */

static void stream_closed(weir_stream *s)
{
    (void)s;
    weir__spare_closed(weir__loop_current());
}

/* Closes a connection that has no slot any more, and that op does not wait on. */
static void end_connection(weir_connection *c)
{
    weir_connections *pool = c->pool;

    if (pool->options.close != NULL && c->session != NULL)
        pool->options.close(pool->options.arg, c->session);
    if (c->stream != NULL)
        weir__stream_close_detached(c->stream, stream_closed);
    else
        weir__spare_closed(weir__loop_current()); /* the session may have had a descriptor */
    weir__handle_free(&c->handle);
}

/* Takes a connection out of the idle ones. */
static void leave_idle(weir_connection *c)
{
    weir__list_remove(&c->node);
    weir__timeout_list_leave(&c->idle_entry);
    c->pool->stats.idle--;
}

/* Closes an idle connection, but for its slot: at once, or when op has ended. */
static void drop_idle(weir_connection *c)
{
    leave_idle(c);
    if (!c->watched) {
        end_connection(c);
        return;
    }
    c->pool->closing++;
    weir_event_reset(&c->pool->quiet);
    c->stream->transport->type->cancel(c->stream->transport, &c->op);
}

static void give_idle_up(weir_connection *c)
{
    weir_connections *pool = c->pool;

    drop_idle(c);
    weir__slot_share_give(&pool->slots);
}

static void idle_exhausted(struct weir__timeout_entry *entry)
{
    give_idle_up(weir__container_of(entry, weir_connection, idle_entry));
}

static weir_connection *first_idle(weir_connections *pool)
{
    return weir__list_is_empty(&pool->idle) ? NULL
                                            : weir__container_of(pool->idle.next, weir_connection, node);
}

static weir_connection *take_idle(weir_connections *pool)
{
    weir_connection *c = first_idle(pool);

    if (c != NULL)
        leave_idle(c);
    return c;
}

static int64_t idle_since(struct weir__spare *spare)
{
    weir_connection *c = first_idle(weir__container_of(spare, weir_connections, spare));

    return c != NULL ? c->idle_entry.since_ns : INT64_MAX;
}

static void close_idle(struct weir__spare *spare)
{
    give_idle_up(first_idle(weir__container_of(spare, weir_connections, spare)));
}

static void spare(struct weir__slot_share *slots)
{
    weir_connections *pool = weir__container_of(slots, weir_connections, slots);

    while (pool->stats.idle > 0 && weir__slot_share_is_wanted(slots))
        give_idle_up(first_idle(pool));
}

static void *reuse(struct weir__slot_share *slots)
{
    return take_idle(weir__container_of(slots, weir_connections, slots));
}

static void see_waiting(struct weir__slot_share *slots)
{
    weir__container_of(slots, weir_connections, slots)->stats.waiting = slots->waiting;
}

static const struct weir__slot_share_type slots_type = {spare, reuse, see_waiting};

/* --- left open at the end of weir_run() --- */

static void free_connection(struct weir__handle *h)
{
    free(weir__container_of(h, weir_connection, handle));
}

static bool end_taken(struct weir__handle *h)
{
    weir_connection *c = weir__container_of(h, weir_connection, handle);
    weir_connections *pool = c->pool;

    pool->stats.in_use--;
    end_connection(c);
    weir__slot_share_give(&pool->slots);
    return true;
}

static const struct weir__handle_type taken_connections = {"connections of a pool", end_taken,
                                                           free_connection};

static void free_pool(struct weir__handle *h)
{
    free(weir__container_of(h, weir_connections, handle));
}

static void stop(weir_connections *pool)
{
    weir__timeout_list_stop(&pool->timeouts);
    weir__list_remove(&pool->spare.node);
}

static bool end_pool(struct weir__handle *h)
{
    weir_connections *pool = weir__container_of(h, weir_connections, handle);

    while (pool->stats.idle > 0)
        give_idle_up(first_idle(pool));
    if (pool->stats.in_use > 0 || pool->closing > 0 || !weir__slot_share_close(&pool->slots))
        return false;
    stop(pool);
    weir__handle_free(h);
    return true;
}

static const struct weir__handle_type pools = {"pools of connections", end_pool, free_pool};

/* --- lying idle --- */

/* Input on an idle connection, or its end. */
static void input_came(weir_connection *c)
{
    c->watched = false;
    if (c->op.result > 0)
        c->stream->transport->type->give_back(c->stream->transport, c->op.data);
    c->broken = c->op.result != -ECANCELED;
    if (c->taker != NULL) {
        weir__wake(c->taker, 0);
    } else if (!weir__list_is_empty(&c->node)) {
        give_idle_up(c);
    } else {
        weir_connections *pool = c->pool;
        end_connection(c);
        if (--pool->closing == 0)
            weir_event_set(&pool->quiet);
    }
}

static void input_done(struct weir__io_op *op)
{
    input_came(weir__container_of(op, weir_connection, op));
}

static void watch(weir_connection *c)
{
    struct weir__transport *t = c->stream->transport;

    memset(&c->op, 0, sizeof c->op);
    c->op.type = WEIR__IO_RECV_LENT;
    c->op.done = input_done;
    c->watched = true;
    if (t->type->submit(t, &c->op))
        input_came(c);
}

static void keep_idle(weir_connection *c)
{
    weir_connections *pool = c->pool;

    weir__list_push_back(&pool->idle, &c->node);
    weir__timeout_list_enter(&pool->timeouts, &c->idle_entry);
    pool->stats.idle++;
    if (c->stream != NULL)
        watch(c);
}

static const struct weir__wait_class settling = {"an idle connection", NULL, .charge = WEIR_CHARGE_OTHER};

/* Ends the watching of a connection that is not idle any more. Waits, at most a turn, whatever the scope
 * says. */
static void unwatch(weir_connection *c)
{
    struct weir__transport *t = c->stream->transport;

    if (!c->watched)
        return;
    c->taker = weir__task_current();
    t->type->cancel(t, &c->op);
    (void)weir__park(&settling, NULL, c);
    c->taker = NULL;
}

/* --- making --- */

static int make(weir_connections *pool, weir_connection *c)
{
    const weir_connections_options *o = &pool->options;
    int err = 0;

    if (pool->address != NULL)
        err = weir_connect(pool->address, &c->stream);
    if (c->stream != NULL)
        weir__public_stream_belongs(c->stream);
    if (err == 0 && o->open != NULL)
        err = o->open(o->arg, c->stream, &c->session);
    return err;
}

static int new_connection(weir_connections *pool, weir_connection **out)
{
    weir_connection *c = calloc(1, sizeof *c);
    struct weir__connect_limit limit;
    int err;

    if (c == NULL)
        return -ENOMEM;
    c->pool = pool;
    c->handle.type = &taken_connections;
    weir__list_init(&c->handle.node);
    weir__list_init(&c->node);
    weir__list_init(&c->idle_entry.node);
    weir__connect_limit_begin(&limit, pool->options.connect_timeout);
    err = make(pool, c);
    err = weir__connect_limit_end(&limit, err);
    if (err == 0) {
        pool->stats.opened++;
        *out = c;
        return 0;
    }
    pool->stats.failed++;
    end_connection(c);
    return err;
}

/* --- taking --- */

/* Takes a slot, with a connection if there is one. */
static int take_slot(weir_connections *pool, weir_connection **c)
{
    void *given;
    int err;

    *c = take_idle(pool);
    if (*c != NULL || weir__slot_share_try(&pool->slots))
        return 0;
    err = weir__slot_share_wait(&pool->slots, &given);
    *c = given;
    pool->stats.refused += err == -WEIR_EBUSY;
    return err;
}

/* Whether a connection can be used again. Waits. */
static bool is_usable(weir_connection *c)
{
    const weir_connections_options *o = &c->pool->options;

    if (c->stream != NULL)
        unwatch(c);
    return !c->broken && (o->check == NULL || o->check(o->arg, c->stream, c->session) == 0);
}

/* Makes something of a slot. Returns: 0; < 0: the slot is still to be given back. */
static int use_slot(weir_connections *pool, weir_connection *c, weir_connection **out)
{
    while (c != NULL && !is_usable(c)) {
        end_connection(c);
        c = weir_cancelled() == 0 ? take_idle(pool) : NULL;
        if (c != NULL) /* it has a slot, too */
            weir__slot_share_give(&pool->slots);
    }
    if (c == NULL)
        return new_connection(pool, out);
    pool->stats.reused++;
    *out = c;
    return 0;
}

int weir_connection_take(weir_connections *pool, weir_connection **out)
{
    struct weir__task *self = weir__calling_task(__func__);
    struct weir__attribution before;
    weir_connection *c;
    int err;

    weir__check_loop(pool->handle.loop, __func__, "a pool of connections");
    before = weir__attribution_on(self, WEIR_CHARGE_SLOT, pool->name);
    err = take_slot(pool, &c);
    if (err == 0) {
        pool->stats.in_use++;
        err = use_slot(pool, c, out);
        if (err < 0) {
            pool->stats.in_use--;
            weir__slot_share_give(&pool->slots);
        }
    }
    weir__attribution_back(self, before);
    if (err < 0)
        return err;
    pool->stats.taken++;
    weir__handle_open(&(*out)->handle, &taken_connections, __builtin_return_address(0));
    return 0;
}

weir_stream *weir_connection_stream(const weir_connection *c)
{
    weir__check_loop(c->handle.loop, __func__, "a connection");
    return c->stream;
}

void *weir_connection_session(const weir_connection *c)
{
    weir__check_loop(c->handle.loop, __func__, "a connection");
    return c->session;
}

/* The connection is the pool's again. */
static void leave_task(weir_connection *c, const char *function)
{
    weir__check_loop(c->handle.loop, function, "a connection");
    if (c->stream != NULL)
        (void)weir__public_stream_check(c->stream, function);
    weir__handle_close(&c->handle);
    c->pool->stats.in_use--;
}

void weir_connection_give_back(weir_connection *c)
{
    weir_connections *pool = c->pool;
    enum weir__slot_fate fate;

    leave_task(c, __func__);
    fate = weir__slot_share_release(&pool->slots, c);
    if (fate == WEIR__SLOT_IDLE) {
        keep_idle(c);
    } else if (fate == WEIR__SLOT_WANTED) {
        end_connection(c);
        weir__slot_share_give(&pool->slots);
    }
}

void weir_connection_close(weir_connection *c)
{
    weir_connections *pool = c->pool;

    leave_task(c, __func__);
    end_connection(c);
    weir__slot_share_give(&pool->slots);
}

/* --- the pool --- */

static int fill_defaults(weir_connections_options *o)
{
    if (!weir__reserved_is_zero(o->reserved, sizeof o->reserved) || (o->name == NULL && o->address == NULL) ||
        (o->address == NULL && o->open == NULL) || o->max < 0 || o->waiting_max < 0 ||
        o->idle_timeout.ns < 0 || o->connect_timeout.ns < 0)
        return -EINVAL;
    o->name = o->name != NULL ? o->name : o->address;
    o->max = o->max != 0 ? o->max : MAX;
    o->waiting_max = o->waiting_max != 0 ? o->waiting_max : WAITING_MAX;
    o->idle_timeout = o->idle_timeout.ns != 0 ? o->idle_timeout : weir_seconds(IDLE_TIMEOUT_S);
    o->connect_timeout = o->connect_timeout.ns != 0 ? o->connect_timeout : weir_seconds(CONNECT_TIMEOUT_S);
    return 0;
}

int weir_connections_open(const weir_connections_options *options, weir_connections **out)
{
    struct weir__task *self = weir__calling_task(__func__);
    weir_connections_options filled = *options;
    int err = fill_defaults(&filled);
    weir_connections *pool;
    size_t name_bytes;

    if (err < 0)
        return err;
    name_bytes = strlen(filled.name) + 1;
    pool = calloc(1, sizeof *pool + name_bytes + (filled.address != NULL ? strlen(filled.address) + 1 : 0));
    if (pool == NULL)
        return -ENOMEM;
    strcpy(pool->name, filled.name);
    if (filled.address != NULL)
        pool->address = strcpy(pool->name + name_bytes, filled.address);
    pool->options = filled;
    pool->options.name = pool->name;
    pool->options.address = pool->address;
    weir__list_init(&pool->idle);
    weir_event_init(&pool->quiet);
    weir__timeout_list_init(&pool->timeouts, self->loop, filled.idle_timeout, idle_exhausted);
    pool->slots.waiting_max = filled.waiting_max;
    err = weir__slot_share_open(&pool->slots, &slots_type, pool->name, filled.max, NULL, pool->name);
    if (err < 0) {
        free(pool);
        return err;
    }
    pool->spare.idle_since_ns = idle_since;
    pool->spare.close_idle = close_idle;
    weir__spare_add(self->loop, &pool->spare);
    weir__handle_open(&pool->handle, &pools, __builtin_return_address(0));
    *out = pool;
    return 0;
}

void weir_connections_close(weir_connections *pool)
{
    weir_scope shield;

    if (pool == NULL)
        return;
    weir__check_loop(pool->handle.loop, __func__, "a pool of connections");
    if (pool->stats.in_use > 0 || pool->stats.waiting > 0)
        weir__misuse(__func__, "of a pool with connections taken, or tasks that wait for one",
                     "close the scope of their tasks first");
    while (pool->stats.idle > 0)
        give_idle_up(first_idle(pool));
    weir__scope_open_long_shield(&shield, weir_never());
    while (pool->closing > 0 && weir_event_wait(&pool->quiet) == 0)
        ;
    while (!weir__slot_share_close(&pool->slots))
        (void)weir_yield();
    (void)weir_scope_close(&shield);
    stop(pool);
    weir__handle_close(&pool->handle);
    weir__handle_free(&pool->handle);
}

void weir_connections_stats_get(const weir_connections *pool, weir_connections_stats *stats)
{
    weir__check_loop(pool->handle.loop, __func__, "a pool of connections");
    *stats = pool->stats;
}
