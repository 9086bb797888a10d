/* SPDX-License-Identifier: MIT */
#include "apps/linger.h"

#include <stdlib.h>

#include <weir/runtime.h>
#include <weir/scope.h>

enum { BODY_BYTES_MAX = 256 << 10, PIECE_BYTES = 4096 };

struct app_linger {
    struct app_linger *next, **link; /* in queue->lingering */
    struct app_queue *queue;
    struct app_linger_options o;
    weir_scope *scope; /* NULL: it has not begun */
};

/* Gives all of it back. */
static void finish(struct app_queue *queue, struct app_linger_options *o, enum app_outcome outcome)
{
    weir_fetch_close(o->fetch);
    app_place_give(queue, &o->place, outcome);
}

static void learn(struct app_queue *queue, const struct app_linger_options *o)
{
    if (o->began.ns != 0)
        weir_attempts_took(queue->attempts, weir_between(o->began, weir_now()));
}

/* Drops the body: at its end the process is done, and the connection can be kept. */
static int drop_body(weir_fetch_stream *fetch)
{
    char piece[PIECE_BYTES];
    size_t dropped = 0;
    ssize_t got = 1;

    while (got > 0 && dropped < BODY_BYTES_MAX) {
        got = weir_fetch_read(fetch, piece, sizeof piece);
        dropped += got > 0 ? (size_t)got : 0;
    }
    return (int)got;
}

static void enter(struct app_queue *queue, struct app_linger *l)
{
    l->next = queue->lingering;
    l->link = &queue->lingering;
    if (l->next != NULL)
        l->next->link = &l->next;
    queue->lingering = l;
    queue->linger_count++;
}

static void leave(struct app_linger *l)
{
    *l->link = l->next;
    if (l->next != NULL)
        l->next->link = l->link;
    l->queue->linger_count--;
}

static int run_out(void *arg)
{
    struct app_linger *l = arg;
    struct app_queue *queue = l->queue;
    weir_scope scope;
    weir_reply reply;
    int err;

    weir_scope_open(&scope, l->o.until, 0);
    l->scope = &scope;
    if (queue->closing)
        weir_scope_cancel(&scope);
    err = weir_fetch_head(l->o.fetch, &reply);
    learn(queue, &l->o);
    if (err == 0)
        err = drop_body(l->o.fetch);
    (void)weir_scope_close(&scope);
    finish(queue, &l->o, err == 0 ? APP_SERVED : err == -WEIR_ECANCELED ? APP_UNMEASURED : APP_FAILED);
    leave(l);
    free(l);
    weir_event_set(&queue->lingered);
    return 0;
}

void app_linger(struct app_queue *queue, const struct app_linger_options *options)
{
    struct app_linger *l = queue->linger_count < APP_LINGER_MAX ? malloc(sizeof *l) : NULL;
    struct app_linger_options o = *options;

    if (l != NULL) {
        *l = (struct app_linger){.queue = queue, .o = o};
        enter(queue, l);
        if (weir_post(weir_runtime_here(), queue->loop, "an answer that is not wanted", run_out, l) == 0)
            return;
        leave(l);
        free(l);
    }
    learn(queue, &o);
    finish(queue, &o, APP_UNMEASURED);
}

void app_linger_end(struct app_queue *queue)
{
    weir_scope shield;

    queue->closing = true;
    for (struct app_linger *l = queue->lingering; l != NULL; l = l->next)
        if (l->scope != NULL)
            weir_scope_cancel(l->scope);
    while (queue->linger_count > 0) {
        weir_event_reset(&queue->lingered);
        weir_scope_open(&shield, weir_never(), WEIR_SHIELD); /* which holds for some seconds alone */
        (void)!weir_event_wait(&queue->lingered);
        (void)weir_scope_close(&shield);
    }
}
