/* SPDX-License-Identifier: MIT */
/* Watching a connection for the end of what its peer sends, while nothing is received.
 *
 * A receive reports the end. Where a protocol receives nothing for a while, because what came before has not
 * been used yet, a watch reports that the peer is gone. It takes no bytes, and any other operation may be
 * under way beside it.
 *
 * Threading: as net/stream.h.
 */
#ifndef WEIR__STREAM_WATCH_H
#define WEIR__STREAM_WATCH_H

#include <weir/stream.h>

struct weir__stream_watch;

enum weir__stream_end {
    WEIR__STREAM_GOES_ON,
    WEIR__STREAM_SENT_LAST, /* the peer's end has come; bytes before it may be unread */
    WEIR__STREAM_BROKEN,    /* the connection broke */
    WEIR__STREAM_UNWATCHED, /* by weir__stream_watch_stop() */
};

/* Watches a stream. ended is called once, from a later turn on the loop's own stack, and ends the watch; not
 * if the stream is closed before. The stream may be closed from inside.
 * Owns:    *out until ended is called, weir__stream_watch_stop(), or the close of the stream. NULL: there is
 *          no watch, since there is no memory for it, or it has ended at once.
 * Returns: WEIR__STREAM_GOES_ON; another: the end has come before, and ended will not be called. */
enum weir__stream_end weir__stream_watch_start(weir_stream *s,
                                               void (*ended)(weir_stream *s, enum weir__stream_end end),
                                               struct weir__stream_watch **out);

/* Ends a watch soon: then ended is called with WEIR__STREAM_UNWATCHED. Until then the stream is in use:
 * `watches` counts. */
void weir__stream_watch_stop(struct weir__stream_watch *w);

#endif
