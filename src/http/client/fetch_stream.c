/* SPDX-License-Identifier: MIT */
/* Requests and answers in pieces: opening, closing, taking over the connection. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "http/client/backend/acquire.h"
#include "http/client/backend/state.h"
#include "http/client/connection.h"
#include "http/client/fetch_stream.h"
#include "http/client/origin.h"
#include "http/client/origin_table.h"
#include "http/client/race.h"
#include "http/message/chunked.h"

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

static bool end(struct weir__handle *h)
{
    close_stream(weir__container_of(h, weir_fetch_stream, handle));
    weir__handle_free(h);
    return true;
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

/* A body that is made as it is sent can't be sent again, and what takes the connection leaves none to keep.
 */
static enum weir__fetch_kept kept_for(const struct weir__fetch *f, int64_t body_length)
{
    if (f->upgrades || f->method == WEIR__HTTP_CONNECT)
        return WEIR__KEPT_NONE;
    return body_length == 0 && weir__fetch_is_repeatable(f) ? WEIR__KEPT_OLDEST : WEIR__KEPT_YOUNGEST;
}

static struct weir__fetch_room room_of(weir_fetch_stream *s)
{
    return (struct weir__fetch_room){s->head, sizeof s->head};
}

static int find_origin(weir_fetch_stream *s, const weir_url *url, const char *address)
{
    int err = weir__client_origin(s->f.client, url, address, &s->origin);

    if (err == -EINVAL && address != NULL)
        s->f.why = weir__client_address_fault(address);
    return err;
}

/* Sends the head, and what is given of the body. It is no failure if an answer came meanwhile, which is to be
 * read. */
static int send_first(weir_fetch_stream *s, const weir_fetch_options *options)
{
    const struct iovec body = {(void *)(uintptr_t)options->first, options->first_bytes};
    char line[WEIR__HTTP_CHUNK_LINE_BYTES_MAX];
    struct iovec pieces[4] = {{s->f.head, s->f.head_len}};
    size_t count = 1;
    int err;

    if (body.iov_len > 0 && s->chunked)
        pieces[count++] = (struct iovec){line, weir__http_chunk_line(line, body.iov_len)};
    if (body.iov_len > 0)
        pieces[count++] = body;
    if (body.iov_len > 0 && s->chunked)
        pieces[count++] = (struct iovec){(void *)(uintptr_t) "\r\n", 2};
    err = weir__fetch_write(&s->f, pieces, count, 0);
    if (err < 0 && (!s->f.began || err == weir_cancelled()))
        return err;
    s->given_up = err;
    return 0;
}

static int open_at_origin(weir_fetch_stream *s, const weir_fetch_options *options, int64_t body_length)
{
    struct weir__attribution before;
    weir_url url;
    int err = weir__client_url(s->f.client, options, &url, &s->f.why);

    if (err == 0)
        err = weir__fetch_check(&s->f, options, body_length);
    url.tls = err == 0 && url.tls && s->f.method != WEIR__HTTP_CONNECT; /* proxies are asked without TLS */
    if (err == 0)
        err = find_origin(s, &url, options->address);
    if (err == 0)
        err = weir__fetch_write_head(&s->f, options, &url, s->origin->label, body_length, room_of(s));
    if (err < 0)
        return err;
    s->name = weir__fetch_charge_name(options, s->origin);
    before = weir__fetch_stream_charge(s);
    err = weir__origin_acquire(s->origin, &s->f);
    if (err == 0)
        err = send_first(s, options);
    weir__fetch_stream_charge_back(before);
    return err;
}

/* Returns once a head is here. */
static int race(weir_fetch_stream *s, const weir_fetch_options *options, weir_url *url)
{
    struct weir__race r = {.options = options,
                           .body = options->first,
                           .body_bytes = options->first_bytes,
                           .f = &s->f,
                           .room = room_of(s)};
    int err = weir__race_run(&r, url);

    s->origin = r.origin;
    s->given_up = r.sent;
    return err;
}

static int place_and_send(weir_fetch_stream *s, const weir_fetch_options *options, weir_url *url,
                          int64_t body_length)
{
    int err = weir__fetch_place(&s->f, options, url, body_length, room_of(s), &s->origin);

    return err < 0 ? err : send_first(s, options);
}

static int open_at_backend(weir_fetch_stream *s, const weir_fetch_options *options, int64_t body_length)
{
    const bool whole = body_length == (int64_t)options->first_bytes;
    struct weir__attribution before;
    weir_url url;
    int err = weir__client_backend_url(s->f.client, options, &url, &s->f.why);

    if (err < 0)
        return err;
    s->name = weir__fetch_backend_charge_name(options);
    before = weir__fetch_stream_charge(s);
    err = options->backend->has_attempts && weir__race_suits(options, whole, options->first_bytes)
              ? race(s, options, &url)
              : place_and_send(s, options, &url, body_length);
    weir__fetch_stream_charge_back(before);
    return err;
}

static weir_fetch_stream *make_stream(weir_client *client, const weir_fetch_options *options,
                                      int64_t body_length)
{
    weir_fetch_stream *s = malloc(sizeof *s);

    if (s == NULL)
        return NULL;
    memset(s, 0, offsetof(weir_fetch_stream, head)); /* not calloc(), which has no memory at hand */
    s->cause = -WEIR_ECANCELED;
    weir__fetch_init(&s->f, client, options, true);
    s->f.kept = kept_for(&s->f, body_length);
    s->repeatable = body_length == 0;
    s->chunked = body_length < 0;
    s->left = s->chunked ? 0 : (uint64_t)body_length - options->first_bytes;
    s->trailers = options->trailers;
    s->trailer_count = options->trailer_count;
    weir_buffer_init(&s->added, TRAILER_BYTES_MAX);
    return s;
}

static int open_stream(weir_fetch_stream *s, const weir_fetch_options *options, int64_t body_length)
{
    int err = options->backend == NULL ? open_at_origin(s, options, body_length)
                                       : open_at_backend(s, options, body_length);

    if (err < 0 && s->repeatable && weir__fetch_is_stale(&s->f, err)) {
        s->lost = err; /* reading tries once more */
        err = 0;
    }
    if (err < 0 && s->origin != NULL)
        weir__origin_ended(s->origin, &s->f, err);
    if (err == 0 && !s->repeatable)
        weir__fetch_free_head(&s->f);
    return err;
}

int weir_fetch_open(weir_client *client, const weir_fetch_options *options, int64_t body_length,
                    weir_fetch_stream **out)
{
    const char *unread, **why = options->why != NULL ? options->why : &unread;
    weir_attempts_made untold, *made = options->attempts != NULL ? options->attempts : &untold;
    weir_fetch_stream *s;
    int err;

    weir__check_loop(client->handle.loop, __func__, "a client");
    (void)weir__calling_task(__func__);
    if (options->backend != NULL)
        weir__backend_check(options->backend, __func__);
    *why = NULL;
    *made = (weir_attempts_made){.made = 0};
    if (body_length < -1 || (body_length >= 0 && options->first_bytes > (uint64_t)body_length)) {
        *why = "body_length is not -1, or less than options.first_bytes";
        return -EINVAL;
    }
    s = make_stream(client, options, body_length);
    if (s == NULL)
        return -ENOMEM;
    err = open_stream(s, options, body_length);
    *made = s->f.reply.attempts;
    if (err < 0) {
        *why = s->f.why;
        close_stream(s);
        free(s);
        return err;
    }
    weir__handle_open(&s->handle, &fetch_streams, __builtin_return_address(0));
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
