/* SPDX-License-Identifier: MIT */
/* The output queue of a connection: writers go one after the other, in the order they came.
 *
 * Threading: belongs to a loop. Callbacks run on the loop's own stack, or inside a call of these functions.
 *
 * A stream takes one write at a time. So a task that writes to the connection enters the queue, writes when
 * its turn has come, and leaves. What is sent without a task is given to the queue, which sends it in its
 * turn. Bytes are not copied, they are sent from where they lie; and a lone writer costs a few instructions.
 * At most WEIR__OUTPUT_WRITERS_MAX are in a queue; further ones are refused.
 */
#ifndef WEIR__HTTP_SERVER_OUTPUT_QUEUE_H
#define WEIR__HTTP_SERVER_OUTPUT_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#include "net/stream.h"

struct weir__task;

enum { WEIR__OUTPUT_WRITERS_MAX = 1024 };

/* Lies in the frame of a writing task. */
struct weir__output_writer {
    struct weir__output_writer *next; /* the last writer points to the first */
    uint32_t number;                  /* of consecutive writers; bounds how many wait */
    struct weir__task *task;          /* waits for its turn; NULL: the writer of a weir__output_send */
};

/* All zero is an empty queue. One pointer, because an idle connection has one, too. */
struct weir__output_queue {
    struct weir__output_writer *last; /* the first one writes; NULL: there is none */
};

static inline bool weir__output_is_idle(const struct weir__output_queue *q)
{
    return q->last == NULL;
}

/* --- from a task --- */

/* The slow paths of the functions below. */
int weir__output_wait(struct weir__output_queue *q, struct weir__output_writer *writer) WEIR_CHECKED;
void weir__output_pass(struct weir__output_queue *q);

/* Enters the queue as the running task, and waits until it may write.
 * Returns: 0 it may, and must leave; -WEIR_EBUSY the queue is full; the cause of a cancel.
 * Cancel:  the task is no longer in the queue, the others are served. Waits unless the queue is idle. */
static inline int weir__output_enter(struct weir__output_queue *q, struct weir__output_writer *writer)
{
    if (q->last != NULL)
        return weir__output_wait(q, writer);
    writer->next = q->last = writer;
    writer->number = 0;
    return 0;
}

/* Leaves the queue, whose first writer this is: the next one may write. */
static inline void weir__output_leave(struct weir__output_queue *q, struct weir__output_writer *writer)
{
    if (writer->next == writer)
        q->last = NULL;
    else
        weir__output_pass(q);
}

/* --- without a task --- */

/* Bytes to be sent. The caller fills send.data, send.bytes and sent, and leaves this and the bytes where they
 * are until sent() is called. */
struct weir__output_send {
    struct weir__stream_send send;
    /* 0: all bytes were sent; -ECANCELED: the stream was closed; another negative errno: the connection
     * broke. May free s and close the stream. */
    void (*sent)(struct weir__output_send *s, int result);
    struct weir__output_queue *queue; /* this and the rest are the queue's own */
    weir_stream *stream;
    struct weir__output_writer writer;
    bool starting, ended;
    int result;
};

/* Sends on the queue's stream when it is this one's turn; sent() may be called from inside. A stream must not
 * be closed while sends wait for their turn.
 * Returns: 0; -WEIR_EBUSY the queue is full, sent() is not called. */
int weir__output_send(struct weir__output_queue *q, weir_stream *stream,
                      struct weir__output_send *s) WEIR_CHECKED;

#endif
