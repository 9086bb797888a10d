/* SPDX-License-Identifier: MIT */
/* Sends a response over the wire and keeps account of it, for the functions of handlers (response.c,
 * response_pieces.c) and for filters.
 *
 * Threading: a task of the exchange. The functions that send wait.
 */
#ifndef WEIR__HTTP_SERVER_RESPONSE_SEND_H
#define WEIR__HTTP_SERVER_RESPONSE_SEND_H

#include <errno.h>

#include "http/server/state.h"

/* Checks that a response may begin. final: the handler reads no more of the request.
 * Returns: 0; -WEIR_EBUSY it has begun; -EINVAL it can't have this status. */
WEIR_CHECKED static inline int weir__response_begin(struct weir__exchange *x, int status, bool final)
{
    if (x->response.began)
        return -WEIR_EBUSY;
    if (status < 200 || status > 599 || (status < 300 && x->request.head.method == WEIR__HTTP_CONNECT))
        return -EINVAL; /* of a tunnel, weir_request_upgrade() answers */
    x->response.final = final;
    return 0;
}

static inline bool weir__response_has_no_body(const struct weir__exchange *x, int status)
{
    return x->response.no_body || weir__status_has_no_body(status);
}

/* The length that a handler gives a response. That of a 304 would be the length of the answer to GET (RFC
 * 9110, 8.6): 0 says only that a 304 has no body. */
static inline int64_t weir__response_length(int status, int64_t length)
{
    return __builtin_expect(status == 304, 0) && length == 0 ? -1 : length;
}

/* Sends a complete response, the head of one whose body follows, or the next bytes of a body. */
int weir__response_send_whole(struct weir__exchange *x, int status, const char *type, const void *data,
                              size_t bytes) WEIR_CHECKED;
int weir__response_send_head(struct weir__exchange *x, int status, const char *type,
                             int64_t length) WEIR_CHECKED;
int weir__response_send_body(struct weir__exchange *x, const void *data, size_t bytes) WEIR_CHECKED;

/* Sends the head of a response with a body of `length` bytes, together with the first pieces of the body. */
int weir__response_send_head_and_pieces(struct weir__exchange *x, int status, const char *type,
                                        uint64_t length, const struct iovec *pieces,
                                        size_t count) WEIR_CHECKED;

/* Sends the head of a response with a body of `length` bytes, -1: of unknown length, together with the first
 * bytes of the body and, if `end`, with its end. */
int weir__response_send_first(struct weir__exchange *x, int status, const char *type, int64_t length,
                              const struct iovec *pieces, size_t count, bool end) WEIR_CHECKED;

/* Sends the next bytes of a body, in pieces, and its end if `end`. */
int weir__response_send_more(struct weir__exchange *x, const struct iovec *pieces, size_t count,
                             bool end) WEIR_CHECKED;

/* Ends a body that was sent in pieces. A failure is kept in response.err. */
void weir__response_send_end(struct weir__exchange *x);

#endif
