/* SPDX-License-Identifier: MIT */
/* The idle timeout of a stream, for one read or write of a task.
 *
 * Threading: the loop's thread.
 */
#ifndef WEIR__IDLE_LIMIT_H
#define WEIR__IDLE_LIMIT_H

#include "core/loop.h"
#include "net/stream.h"

/* On the stack of the task that waits. */
struct weir__idle_limit {
    struct weir__timeout timeout;
    struct weir__transport_wait *wait;
    weir_stream *stream;
    int64_t idle_ns;
    uint64_t acknowledged; /* as the timeout was set */
    const void *next;      /* what a write would send next, as the timeout was set */
    bool expired;
};

/* Begins: wait is stopped when idle_ns pass without progress. The stream stays in memory until the end. */
void weir__idle_limit_begin(struct weir__idle_limit *limit, weir_stream *s, struct weir__transport_wait *wait,
                            int64_t idle_ns);

/* Ends. result: of the wait. Returns: that; -WEIR_EIDLE when the limit has stopped it. */
ssize_t weir__idle_limit_end(struct weir__idle_limit *limit, ssize_t result);

#endif
