/* SPDX-License-Identifier: MIT */
/* Watching for the peer's end beside all other operations of a stream. */
#include "net/stream_watch.h"

#include <poll.h>
#include <stdlib.h>

#include "net/stream.h"

struct weir__stream_watch {
    struct weir__io_op op;
    weir_stream *stream;
    void (*ended)(weir_stream *s, enum weir__stream_end end);
    bool stopped;
};

static enum weir__stream_end end_of(const struct weir__io_op *op)
{
    return op->result < 0 || (op->result & (POLLERR | POLLHUP)) != 0 ? WEIR__STREAM_BROKEN
                                                                     : WEIR__STREAM_SENT_LAST;
}

static void over(struct weir__io_op *op)
{
    struct weir__stream_watch *w = weir__container_of(op, struct weir__stream_watch, op);
    struct weir__stream_watch was = *w;

    free(w);
    was.stream->watches--;
    if (!was.stream->closing)
        was.ended(was.stream, was.stopped ? WEIR__STREAM_UNWATCHED : end_of(&was.op));
    weir__stream_leave(was.stream);
}

enum weir__stream_end weir__stream_watch_start(weir_stream *s,
                                               void (*ended)(weir_stream *s, enum weir__stream_end end),
                                               struct weir__stream_watch **out)
{
    struct weir__stream_watch *w = calloc(1, sizeof *w);
    enum weir__stream_end end = WEIR__STREAM_GOES_ON;

    *out = w;
    if (w == NULL)
        return WEIR__STREAM_GOES_ON;
    w->op.type = WEIR__IO_POLL;
    w->op.events = POLLRDHUP;
    w->op.done = over;
    w->stream = s;
    w->ended = ended;
    if (s->transport->type->submit(s->transport, &w->op)) {
        end = end_of(&w->op);
        *out = NULL;
        free(w);
        return end;
    }
    s->watches++;
    weir__stream_enter(s);
    return end;
}

void weir__stream_watch_stop(struct weir__stream_watch *w)
{
    w->stopped = true;
    w->stream->transport->type->cancel(w->stream->transport, &w->op);
}
