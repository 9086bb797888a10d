/* SPDX-License-Identifier: MIT */
/* Streams that a program opened: the functions of <weir/stream.h>.
 *
 * Threading: as <weir/stream.h>: the loop's thread alone.
 */
#ifndef WEIR__PUBLIC_STREAM_H
#define WEIR__PUBLIC_STREAM_H

#include "core/misuse.h"
#include "net/stream.h"

/* Begins the record of a stream that has room for it. opened_at: the caller of the public function. */
weir_stream *weir__public_stream_open(weir_stream *s, const void *opened_at);

/* Makes a stream part of something else that has a handle, and that closes it when it is left open. */
void weir__public_stream_belongs(weir_stream *s);

/* Checks that a stream is open, and of this loop. */
static inline struct weir__public_stream *weir__public_stream_check(const weir_stream *s,
                                                                    const char *function)
{
    struct weir__public_stream *p = weir__public_stream(s);

    weir__check_loop(p->handle.loop, function, "a stream");
    return p;
}

/* Takes some of the bytes that a protocol had read. There must be some. */
size_t weir__public_stream_take_unread(struct weir__public_stream *p, void *data, size_t bytes);

/* Translates options into those of a socket. Returns: 0; -EINVAL. */
int weir__stream_options_check(const weir_stream_options *o, struct weir__io_tuning *out) WEIR_CHECKED;

#endif
