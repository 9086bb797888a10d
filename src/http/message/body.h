/* SPDX-License-Identifier: MIT */
/* The reader of bodies, of requests and responses: where a body ends, and which bytes are its payload.
 *
 * Threading: a body belongs to the reader of its message. Pure functions: nothing is copied, payload points
 * into the bytes that were given.
 */
#ifndef WEIR__HTTP_MESSAGE_BODY_H
#define WEIR__HTTP_MESSAGE_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include "http/message/chunked.h"
#include "http/message/head.h"

enum weir__http_body_step {
    WEIR__HTTP_BODY_MORE,
    WEIR__HTTP_BODY_DATA,
    WEIR__HTTP_BODY_END,      /* as WEIR__HTTP_CHUNK_END */
    WEIR__HTTP_BODY_TRAILERS, /* as WEIR__HTTP_CHUNK_TRAILERS */
};

struct weir__http_body {
    enum weir__http_framing framing;
    bool ended;
    uint64_t left;  /* of a LENGTH */
    uint64_t taken; /* payload so far */
    uint64_t max;
    struct weir__http_chunked chunked;
};

/* Begins a body. One of more than max bytes fails, at once if its length is announced. content_length is used
 * for LENGTH only. */
void weir__http_body_begin(struct weir__http_body *b, enum weir__http_framing framing, int64_t content_length,
                           uint64_t max);

/* Whether the body is known to be longer than its max. */
static inline bool weir__http_body_is_too_large(const struct weir__http_body *b)
{
    return b->taken + b->left > b->max;
}

/* Takes the next run of payload out of data[0..len).
 * Returns: a weir__http_body_step, *used says how many bytes it took; -WEIR_ETOOLARGE, -WEIR_EPROTOCOL. */
WEIR_CHECKED int weir__http_body_next(struct weir__http_body *b, const char *data, size_t len, size_t *used,
                                      weir_bytes *payload);

/* How many of the next bytes are payload, whatever they are; 0: the next byte is none, or has to be looked
 * at. The maximum of the body is kept. */
uint64_t weir__http_body_run(const struct weir__http_body *b);

/* Takes so many bytes of payload, at most weir__http_body_run(), that were moved elsewhere unseen. */
void weir__http_body_skip(struct weir__http_body *b, uint64_t bytes);

/* Ends a body whose connection has ended. Returns: 0 the body ends there; -WEIR_ETRUNCATED. */
WEIR_CHECKED int weir__http_body_closed(struct weir__http_body *b);

#endif
