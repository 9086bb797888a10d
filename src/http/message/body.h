/* SPDX-License-Identifier: MIT */
/* Where a message's body ends, and how much of what came belongs to it: one reader for requests and answers.
 *
 * Threading: a body belongs to whoever reads the message. Pure: nothing is copied, payload points into what
 * was fed.
 */
#ifndef WEIR__HTTP_MESSAGE_BODY_H
#define WEIR__HTTP_MESSAGE_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include "http/message/chunked.h"
#include "http/message/head.h"

enum weir__http_body_step { WEIR__HTTP_BODY_MORE, WEIR__HTTP_BODY_DATA, WEIR__HTTP_BODY_END };

struct weir__http_body {
    enum weir__http_framing framing;
    bool ended;
    uint64_t left;  /* of a LENGTH */
    uint64_t taken; /* payload so far */
    uint64_t max;
    struct weir__http_chunked chunked;
};

/* A body of more than max bytes fails, at once when its length is announced. content_length counts for LENGTH
 * only. */
void weir__http_body_begin(struct weir__http_body *b, enum weir__http_framing framing, int64_t content_length,
                           uint64_t max);

/* True when it is known already that it is longer than its max. */
bool weir__http_body_is_too_large(const struct weir__http_body *b);

/* Takes the next run of payload out of data[0..len).
 * Returns: a weir__http_body_step, *used says how many bytes it took; -WEIR_ETOOLARGE, -WEIR_EPROTOCOL. */
WEIR_CHECKED int weir__http_body_next(struct weir__http_body *b, const char *data, size_t len, size_t *used,
                                      weir_bytes *payload);

/* The connection has ended: 0 when that is where the body ends, else -WEIR_ETRUNCATED. */
WEIR_CHECKED int weir__http_body_closed(struct weir__http_body *b);

#endif
