/* SPDX-License-Identifier: MIT */
#include "http/client/backend/linger.h"

#include <stdlib.h>

#include "http/client/backend/acquire.h"
#include "http/client/connection.h"
#include "http/client/fetch_parts.h"
#include "http/client/origin.h"

struct lingering {
    struct weir__list node; /* in backend->lingering */
    struct weir__fetch_watch watch;
    struct weir__timeout timeout;
    struct weir__fetch fetch;
    struct weir__origin *origin;
    struct weir__linger_terms terms;
};

static void learn(struct lingering *l)
{
    weir_backend *b = l->fetch.use.backend;
    int64_t now_ns = weir__loop_now_ns(b->member.loop);

    if (l->terms.samples)
        weir__attempts_took(weir__backend_attempts(b), now_ns - l->terms.began_ns, now_ns);
    l->terms.samples = false;
}

static void finish(struct lingering *l)
{
    struct weir__fetch *f = &l->fetch;
    weir_backend *b = f->use.backend;

    learn(l);
    weir__timeout_cancel(b->member.loop, &l->timeout);
    weir__list_remove(&l->node);
    b->lingering_count--;
    f->watch = NULL;
    weir__origin_release(l->origin, f, f->ended && f->err == 0 && f->keep);
    weir__backend_leave(f);
    weir__fetch_drop_reply(f);
    free(l);
}

static void fire(struct weir__timeout *timeout)
{
    finish(weir__container_of(timeout, struct lingering, timeout));
}

/* The connection is given back in a turn of its own: what came in is still in use. */
static void see(struct weir__fetch_watch *watch, struct weir__fetch *f)
{
    struct lingering *l = weir__container_of(watch, struct lingering, watch);
    struct weir__loop *loop = f->client->loop;

    if (f->head_done)
        learn(l);
    if (f->ended)
        weir__timeout_set(loop, &l->timeout, 0);
    else if (f->head_done)
        weir__timeout_set(loop, &l->timeout,
                          weir__loop_now_ns(loop) + (int64_t)WEIR__LINGER_BODY_MS * 1000000);
}

bool weir__backend_linger(struct weir__fetch *f, struct weir__origin *origin,
                          const struct weir__linger_terms *terms)
{
    weir_backend *b = f->use.backend;
    struct weir__loop *loop = b->member.loop;
    const int64_t now_ns = weir__loop_now_ns(loop),
                  usual_ns = weir__attempts_percentile(weir__backend_attempts(b), now_ns);
    struct lingering *l;

    if (f->head_done || f->ended || b->lingering_count == WEIR__LINGER_MAX ||
        terms->began_ns + usual_ns <= now_ns)
        return false;
    l = malloc(sizeof *l);
    if (l == NULL)
        return false;
    *l = (struct lingering){.watch = {see}, .fetch = *f, .origin = origin, .terms = *terms};
    l->fetch.client = &b->client; /* the program's may be closed meanwhile */
    l->fetch.streamed = false;
    l->fetch.body_max = WEIR__LINGER_BODY_BYTES_MAX;
    l->fetch.watch = &l->watch;
    l->fetch.connection->fetch = &l->fetch;
    weir__list_push_back(&b->lingering, &l->node);
    b->lingering_count++;
    weir__timeout_init(&l->timeout, fire);
    weir__timeout_set(loop, &l->timeout, terms->began_ns + usual_ns);
    weir__client_await(l->fetch.connection);
    f->connection = NULL;
    f->memory = NULL;
    f->use = (struct weir__backend_use){0};
    return true;
}

void weir__backend_end_lingering(weir_backend *b)
{
    while (!weir__list_is_empty(&b->lingering))
        finish(weir__container_of(b->lingering.next, struct lingering, node));
}
