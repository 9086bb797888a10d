/* SPDX-License-Identifier: MIT */
/* Requests and answers in pieces: opening, closing, taking over the connection. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "http/client/backend/acquire.h"
#include "http/client/connection.h"
#include "http/client/fetch_stream.h"
#include "http/client/origin.h"
#include "http/client/origin_table.h"

enum { TRAILER_BYTES_MAX = 16 << 10 }; /* of those added */

/* --- closing --- */

static bool is_whole(const weir_fetch_stream *s)
{
    const struct weir__fetch *f = &s->f;

    return s->sent && s->given_up == 0 && f->head_done && f->body.ended && f->keep && !f->ended &&
           f->piece_at == f->piece_len;
}

/* What is left of a request that breaks off is not to be sent: at an orderly close the kernel would keep it
 * for a server that does not read, which would not be told. */
static void break_off(weir_fetch_stream *s)
{
    weir_stream *stream = weir__client_stream(s->f.connection);

    stream->transport->type->reset_on_close(stream->transport);
}

/* Frees all but s itself. */
static void close_stream(weir_fetch_stream *s)
{
    struct weir__fetch *f = &s->f;

    if (s->origin != NULL)
        weir__origin_ended(s->origin, f, s->cause); /* when nothing has ended it yet */
    if (f->connection != NULL && !s->sent)
        break_off(s);
    if (f->connection != NULL)
        weir__origin_release(s->origin, f, is_whole(s));
    weir__backend_leave(f);
    weir__fetch_free_head(f);
    weir__fetch_drop_reply(f);
    if (f->piece_allocated)
        free(f->piece);
    weir_buffer_free(&s->added);
}

static void end(struct weir__handle *h)
{
    close_stream(weir__container_of(h, weir_fetch_stream, handle));
    weir__handle_free(h);
}

static void free_stream(struct weir__handle *h)
{
    free(weir__container_of(h, weir_fetch_stream, handle));
}

static const struct weir__handle_type fetch_streams = {"fetch streams", end, free_stream};

void weir_fetch_close(weir_fetch_stream *s)
{
    if (s == NULL)
        return;
    weir__check_loop(s->handle.loop, __func__, "a fetch stream");
    if (s->writing || s->reading)
        weir__misuse(__func__, "while another task is in a function of the same stream",
                     "cancel and close the scope of that task first");
    close_stream(s);
    weir__handle_close(&s->handle);
    weir__handle_free(&s->handle);
}

/* --- opening --- */

/* A request whose body is made as it is sent can't be repeated, so that it is given a fresh connection. So is
 * one that takes the connection. */
static bool needs_fresh(const weir_fetch_stream *s, int64_t body_length)
{
    return body_length != 0 || s->f.upgrades || s->f.method == WEIR__HTTP_CONNECT;
}

static struct weir__fetch_room room_of(weir_fetch_stream *s)
{
    return (struct weir__fetch_room){s->head, sizeof s->head};
}

static int open_at_origin(weir_fetch_stream *s, const weir_fetch_options *options, int64_t body_length)
{
    struct weir__attribution before;
    weir_url url;
    const char *why;
    int err = weir__client_url(s->f.client, options, &url, &why);

    if (err == 0)
        err = weir__fetch_check(&s->f, options, body_length);
    if (err == 0)
        err = weir__client_origin(s->f.client, &url, options->address, &s->origin);
    if (err == 0)
        err = weir__fetch_write_head(&s->f, options, &url, s->origin->label, body_length, room_of(s));
    if (err < 0)
        return err;
    s->name = weir__fetch_charge_name(options, s->origin);
    before = weir__fetch_stream_charge(s);
    err = weir__origin_acquire(s->origin, &s->f, needs_fresh(s, body_length));
    if (err == 0)
        err = weir__fetch_send(&s->f, NULL, 0);
    weir__fetch_stream_charge_back(before);
    return err;
}

static int open_at_backend(weir_fetch_stream *s, const weir_fetch_options *options, int64_t body_length)
{
    struct weir__attribution before;
    weir_url url;
    const char *why;
    int err = weir__client_backend_url(s->f.client, options, &url, &why);

    if (err < 0)
        return err;
    s->name = weir__fetch_backend_charge_name(options);
    before = weir__fetch_stream_charge(s);
    err = weir__fetch_place(&s->f, options, &url, body_length, room_of(s), needs_fresh(s, body_length),
                            &s->origin);
    if (err == 0)
        err = weir__fetch_send(&s->f, NULL, 0);
    weir__fetch_stream_charge_back(before);
    return err;
}

int weir_fetch_open(weir_client *client, const weir_fetch_options *options, int64_t body_length,
                    weir_fetch_stream **out)
{
    weir_fetch_stream *s;
    int err;

    weir__check_loop(client->handle.loop, __func__, "a client");
    (void)weir__calling_task(__func__);
    if (options->backend != NULL)
        weir__backend_check(options->backend, __func__);
    if (body_length < -1)
        return -EINVAL;
    s = malloc(sizeof *s);
    if (s == NULL)
        return -ENOMEM;
    memset(s, 0, offsetof(weir_fetch_stream, head)); /* not calloc(), which has no memory at hand */
    s->cause = -WEIR_ECANCELED;
    weir__fetch_init(&s->f, client, options, true);
    s->chunked = body_length < 0;
    s->left = s->chunked ? 0 : (uint64_t)body_length;
    s->trailers = options->trailers;
    s->trailer_count = options->trailer_count;
    weir_buffer_init(&s->added, TRAILER_BYTES_MAX);
    err = options->backend == NULL ? open_at_origin(s, options, body_length)
                                   : open_at_backend(s, options, body_length);
    if (err < 0 && body_length == 0 && weir__fetch_is_stale(&s->f, err)) {
        s->lost = err; /* reading tries once more */
        err = 0;
    }
    if (err < 0) {
        if (s->origin != NULL)
            weir__origin_ended(s->origin, &s->f, err);
        close_stream(s);
        free(s);
        return err;
    }
    weir__handle_open(&s->handle, &fetch_streams, __builtin_return_address(0));
    s->repeatable = body_length == 0;
    if (!s->repeatable)
        weir__fetch_free_head(&s->f);
    *out = s;
    return 0;
}

/* --- taking over the connection --- */

static bool has_switched(const weir_fetch_stream *s)
{
    const int status = s->f.reply.status;

    if (!s->head_read)
        return false;
    return s->f.method == WEIR__HTTP_CONNECT ? status >= 200 && status < 300 : status == 101;
}

int weir_fetch_upgrade(weir_fetch_stream *s, weir_stream **out)
{
    int err;

    weir__fetch_stream_check_reader(s, __func__);
    weir__fetch_stream_check_writer(s, __func__);
    if (!has_switched(s) || s->f.connection == NULL)
        return -EINVAL;
    err = weir__origin_give_away(s->origin, &s->f, out);
    if (err == 0)
        weir__backend_leave(&s->f); /* the connection counts towards its maxima no longer */
    return err;
}
