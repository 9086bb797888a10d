/* SPDX-License-Identifier: MIT */
/* An answer of unknown length: one task reads it, as far as there is room, another one sends what has been
 * read. Each piece is sent as it comes: it may be an event. */
#include <errno.h>
#include <string.h>

#include <weir/scope.h>
#include <weir/sync.h>
#include <weir/task.h>

#include "routes/proxy_answer.h"
#include "routes/proxy_failure.h"
#include "routes/serve_stream.h"

enum { PIECE_BYTES = 16 << 10 }; /* read at a time; there is room for one in any case */

struct relay {
    struct serving *s;
    weir_buffer read, sent; /* what waits to be sent; what is being sent */
    char *piece;            /* that comes */
    weir_event more, room;
    bool ended; /* nothing more is read */
};

/* --- sending --- */

static void swap(struct relay *r)
{
    const weir_buffer sent = r->sent;

    r->sent = r->read;
    r->read = sent;
}

static int send_read(void *arg)
{
    struct relay *r = arg;
    int err = 0;

    while (err == 0 && (r->read.len > 0 || !r->ended)) {
        if (r->read.len == 0) {
            weir_event_reset(&r->more);
            err = weir_event_wait(&r->more);
            continue;
        }
        swap(r);
        err = weir_respond_write(r->s->p.res, r->sent.data, r->sent.len);
        weir_buffer_clear(&r->sent);
        weir_event_set(&r->room);
    }
    return err;
}

/* --- reading --- */

/* Waits until a piece may be read. */
static int await_room(struct relay *r, uint64_t most)
{
    struct serving *s = r->s;
    int err = 0;

    while (err == 0 && r->read.len + r->sent.len > most) {
        app_place_falls_behind(s->state->queue, &s->place, true);
        weir_event_reset(&r->room);
        err = weir_event_wait(&r->room);
    }
    app_place_falls_behind(s->state->queue, &s->place, false);
    return err;
}

/* Returns: 1 a piece was read; 0 the end; < 0. */
static int read_piece(struct relay *r)
{
    ssize_t got = serving_read(r->s, r->piece, PIECE_BYTES); /* meanwhile the buffers may be swapped */
    int err = got > 0 ? weir_buffer_append(&r->read, r->piece, (size_t)got) : (int)got;

    weir_event_set(&r->more);
    return err < 0 || got == 0 ? err : 1;
}

static int add_trailers(struct relay *r)
{
    size_t count;
    const weir_header *trailers = weir_fetch_trailers(r->s->p.fetch, &count);
    int err = 0;

    for (size_t i = 0; i < count && err == 0; i++)
        if (proxy_answer_passes_trailer(NULL, trailers[i].name))
            err = weir_response_trailer_add(r->s->p.res, trailers[i].name, trailers[i].value);
    return err == -ENOMEM ? err : 0;
}

/* What has come is sent also if the rest does not come. */
static int read_all(struct relay *r, uint64_t most)
{
    int err = 1;

    while (err > 0) {
        err = await_room(r, most);
        if (err == 0)
            err = read_piece(r);
    }
    if (err == 0)
        err = add_trailers(r);
    else if (err != weir_cancelled())
        (void)proxy_failed(&r->s->p, err);
    r->ended = true;
    weir_event_set(&r->more);
    return err;
}

int serve_stream_pass(struct serving *s, uint64_t most)
{
    struct relay r = {.s = s, .piece = weir_request_alloc(s->p.req, PIECE_BYTES)};
    weir_scope scope;
    int err = r.piece != NULL ? 0 : -ENOMEM, sent;

    s->p.began = true;
    if (err == 0)
        err = weir_respond_begin(s->p.res, s->p.reply.status, NULL, -1);
    if (err < 0)
        return err;
    weir_buffer_init(&r.read, (size_t)most + 2 * PIECE_BYTES);
    weir_buffer_init(&r.sent, (size_t)most + 2 * PIECE_BYTES);
    weir_event_init(&r.more);
    weir_event_init(&r.room);
    weir_scope_open(&scope, weir_never(), 0);
    err = weir_spawn(&scope, "sending an answer", send_read, &r);
    if (err == 0)
        err = read_all(&r, most);
    serving_ends(s, err);
    sent = weir_scope_close(&scope);
    weir_buffer_free(&r.read);
    weir_buffer_free(&r.sent);
    return err < 0 && err != -WEIR_ECANCELED ? err : sent < 0 ? sent : err;
}
