/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http/client/fetch_stream_pump.h"
#include "http/pump/pump_parts.h"
#include "http/server/body_pump.h"
#include "http/server/handler_check.h"
#include "net/idle_limit.h"
#include "net/public_stream.h"

int weir__pump_source_open(struct weir__pump_source *s, const weir_body_source *from, int64_t idle_ns,
                           const char *function)
{
    *s = (struct weir__pump_source){.is = *from, .idle_ns = idle_ns};
    if ((from->request != NULL) + (from->fetch != NULL) + (from->stream != NULL) + (from->file != NULL) != 1)
        return -EINVAL;
    if (from->file != NULL)
        return weir__pump_file_open(&s->file, from->file);
    if (from->request != NULL)
        (void)weir__checked_request(from->request, function);
    else if (from->fetch != NULL)
        weir__fetch_stream_check_answer(from->fetch, function);
    else
        (void)weir__public_stream_check(from->stream, function);
    return 0;
}

int64_t weir__pump_source_length(const struct weir__pump_source *s)
{
    if (s->is.file != NULL)
        return (int64_t)weir__pump_file_length(&s->file);
    if (s->is.fetch != NULL)
        return weir__fetch_stream_length(s->is.fetch);
    if (s->is.request != NULL && s->is.request->body.framing != WEIR__HTTP_CHUNKED)
        return (int64_t)s->is.request->body.left;
    return -1;
}

bool weir__pump_source_is_chunked(const struct weir__pump_source *s)
{
    return s->is.fetch != NULL && s->is.fetch->f.announces_chunks;
}

/* --- streams --- */

/* Reads what is there into memory of the pump: a buffer of the loop is not held while the sink is waited for.
 */
static int keep_piece(struct weir__pump_source *s, const char *data, size_t bytes)
{
    s->piece = malloc(bytes);
    if (s->piece == NULL)
        return -ENOMEM;
    memcpy(s->piece, data, bytes);
    s->piece_at = 0;
    s->piece_len = bytes;
    return 0;
}

static int64_t stream_idle_ns(const weir_stream *s, int64_t idle_ns)
{
    int64_t own_ns = weir__public_stream(s)->idle_ns;

    return idle_ns == 0 || (own_ns > 0 && own_ns < idle_ns) ? own_ns : idle_ns;
}

static int read_stream(struct weir__pump_source *s)
{
    weir_stream *stream = s->is.stream;
    int64_t idle_ns = stream_idle_ns(stream, s->idle_ns);
    struct weir__idle_limit limit;
    struct weir__transport_wait w;
    ssize_t got;
    int err;

    memset(&w, 0, sizeof w);
    w.op.type = WEIR__IO_RECV_LENT;
    if (idle_ns > 0)
        weir__idle_limit_begin(&limit, stream, &w, idle_ns);
    got = weir__stream_receive(stream, &w);
    if (idle_ns > 0)
        got = weir__idle_limit_end(&limit, got);
    s->stream_ended = got == 0;
    if (got <= 0)
        return (int)got;
    err = keep_piece(s, w.op.data, (size_t)got);
    weir__stream_return(stream, w.op.data);
    return err;
}

static int take_unread(struct weir__pump_source *s)
{
    struct weir__public_stream *p = weir__public_stream(s->is.stream);
    char data[1024];

    if (s->piece != NULL || p->unread == NULL)
        return 0;
    return keep_piece(s, data, weir__public_stream_take_unread(p, data, sizeof data));
}

static int take_stream(struct weir__pump_source *s, struct iovec *runs, uint64_t most)
{
    int err = take_unread(s);
    size_t here = s->piece_len - s->piece_at;

    if (err < 0 || s->piece == NULL)
        return err;
    if (here > most)
        here = (size_t)most;
    runs[0] = (struct iovec){s->piece + s->piece_at, here};
    s->piece_at += here;
    return here > 0;
}

static void free_piece(struct weir__pump_source *s)
{
    free(s->piece);
    s->piece = NULL;
    s->piece_at = s->piece_len = 0;
}

int weir__pump_source_close(struct weir__pump_source *s)
{
    int err = 0;

    if (s->is.file != NULL)
        weir__pump_file_close(&s->file);
    if (s->piece_at < s->piece_len)
        err = weir__stream_unread(s->is.stream, s->piece + s->piece_at, s->piece_len - s->piece_at);
    free_piece(s);
    return err;
}

static ssize_t splice_stream(struct weir__pump_source *s, struct weir__splice *splice, uint64_t most)
{
    weir_stream *stream = s->is.stream;
    ssize_t got;

    if (most < WEIR__SPLICE_RUN_MIN || stream->awaiting || !weir__stream_can_splice_in(stream, splice))
        return -EAGAIN;
    got = weir__stream_splice_in(stream, splice, most, stream_idle_ns(stream, s->idle_ns));
    s->stream_ended = got == 0;
    return got;
}

/* --- any source --- */

bool weir__pump_source_ended(const struct weir__pump_source *s)
{
    if (s->is.file != NULL)
        return weir__pump_file_length(&s->file) == 0;
    if (s->is.request != NULL)
        return s->is.request->body.ended;
    if (s->is.fetch != NULL)
        return s->is.fetch->f.body.ended;
    return s->stream_ended;
}

int weir__pump_source_take(struct weir__pump_source *s, struct iovec *runs, size_t count, uint64_t most)
{
    if (s->is.request != NULL)
        return weir__request_take_runs(s->is.request, runs, count, most);
    if (s->is.fetch != NULL)
        return weir__fetch_stream_take_runs(s->is.fetch, runs, count, most);
    if (s->is.file != NULL)
        return weir__pump_file_take(&s->file, runs, most);
    return take_stream(s, runs, most);
}

void weir__pump_source_used(struct weir__pump_source *s, bool splices)
{
    if (s->is.request != NULL)
        weir__request_runs_used(s->is.request, splices);
    else if (s->is.stream != NULL && s->piece_at == s->piece_len)
        free_piece(s);
}

int weir__pump_source_await(struct weir__pump_source *s)
{
    if (s->is.request != NULL)
        return weir__request_await_runs(s->is.request);
    if (s->is.fetch != NULL)
        return weir__fetch_stream_await_runs(s->is.fetch, s->idle_ns);
    if (s->is.file != NULL)
        return weir__pump_file_await(&s->file);
    return read_stream(s);
}

ssize_t weir__pump_source_splice(struct weir__pump_source *s, struct weir__splice *splice, uint64_t most)
{
    if (s->is.request != NULL)
        return weir__request_splice(s->is.request, splice, most);
    if (s->is.fetch != NULL)
        return weir__fetch_stream_splice_in(s->is.fetch, splice, most, s->idle_ns);
    if (s->is.file != NULL)
        return weir__pump_file_splice(&s->file, splice, most);
    return splice_stream(s, splice, most);
}

/* --- trailers --- */

static const weir_header *trailers_of(const struct weir__pump_source *s, size_t *count)
{
    *count = 0;
    if (s->is.request != NULL)
        return weir_request_trailers(s->is.request, count);
    return s->is.fetch != NULL ? weir_fetch_trailers(s->is.fetch, count) : NULL;
}

bool weir__pump_source_has_trailers(const struct weir__pump_source *s)
{
    size_t count;

    return trailers_of(s, &count) != NULL && count > 0;
}

int weir__pump_source_trailers(const struct weir__pump_source *s, weir_response *res)
{
    size_t count;
    const weir_header *trailers = trailers_of(s, &count);

    for (size_t i = 0; i < count; i++)
        if ((s->passes_trailer == NULL || s->passes_trailer(s->arg, trailers[i].name)) &&
            weir_response_trailer_add(res, trailers[i].name, trailers[i].value) == -ENOMEM)
            return -ENOMEM;
    return 0; /* those that are not allowed, or have no place, are left out */
}
