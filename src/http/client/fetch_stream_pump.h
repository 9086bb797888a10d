/* SPDX-License-Identifier: MIT */
/* What the pump of bodies (http/pump) needs of a request and an answer in pieces.
 *
 * Threading: as state.h.
 */
#ifndef WEIR__HTTP_CLIENT_FETCH_STREAM_PUMP_H
#define WEIR__HTTP_CLIENT_FETCH_STREAM_PUMP_H

#include "http/client/fetch_stream.h"
#include "net/splice.h"

/* Takes runs of the body that are here, where they lie; together at most `most` bytes.
 * Owns:    they stay there until the next call of one of the two functions below.
 * Returns: the number of runs; 0: none is here, or the body has ended; as weir_fetch_read(). Does not wait.
 */
int weir__fetch_stream_take_runs(weir_fetch_stream *s, struct iovec *runs, size_t count,
                                 uint64_t most) WEIR_CHECKED;

/* Waits until more may be taken. idle_ns: as of weir__fetch_write(). Returns: 0; as weir_fetch_read();
 * -WEIR_EIDLE.
 */
int weir__fetch_stream_await_runs(weir_fetch_stream *s, int64_t idle_ns) WEIR_CHECKED;

/* Receives payload into a pipe. Returns: > 0 bytes; -EAGAIN it is read instead; 0 the end; as
 * weir__fetch_stream_await_runs(). Waits. */
ssize_t weir__fetch_stream_splice_in(weir_fetch_stream *s, struct weir__splice *splice, uint64_t most,
                                     int64_t idle_ns) WEIR_CHECKED;

/* The length of what is left of the body. Without a body (HEAD, 204, 304): what its head announces. -1:
 * unknown. */
static inline int64_t weir__fetch_stream_length(const weir_fetch_stream *s)
{
    const struct weir__http_body *b = &s->f.body;

    if (b->framing == WEIR__HTTP_NO_BODY)
        return s->f.announced;
    return b->framing == WEIR__HTTP_LENGTH ? (int64_t)b->left : -1;
}

#endif
