/* SPDX-License-Identifier: MIT */
/* The record behind a stream that a program opened: what <weir/stream.h> promises beyond what protocols need.
 *
 * Threading: as <weir/stream.h>: the loop's thread alone.
 */
#ifndef WEIR__STREAM_RECORD_H
#define WEIR__STREAM_RECORD_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/handle.h"

struct weir__public_stream {
    struct weir__handle handle;
    int64_t idle_ns; /* the idle timeout; 0: none */
    char *unread;    /* bytes that a protocol had read; NULL: none */
    size_t unread_from, unread_bytes;
};

/* Room for the record, for the functions that make a stream. */
enum { WEIR__PUBLIC_STREAM_BYTES = sizeof(struct weir__public_stream) };

/* The close of the stream has begun: any further use is a mistake. */
static inline void weir__public_stream_closed(struct weir__public_stream *p)
{
    weir__handle_close(&p->handle);
    free(p->unread);
    p->unread = NULL;
}

#endif
