/* SPDX-License-Identifier: MIT */
/* Heads: the first line and the fields of a request or a response, checked so that they can be read in one
 * way only.
 *
 * Threading: pure functions over the caller's memory; no state is kept between calls but weir__http_scan.
 *
 * The bytes stay where they are: every span of a parsed head points into `data`. llhttp reads the grammar;
 * checks before and after it refuse what it lets through. A server that gets a fault answers fault.status and
 * closes: after a head that could not be read it is unknown where the next one starts.
 *
 *     request_head.c, response_head.c  the first line of each, and what follows from the fields
 *     fields.c                         reading the fields of either
 */
#ifndef WEIR__HTTP_MESSAGE_HEAD_H
#define WEIR__HTTP_MESSAGE_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/buffer.h>
#include <weir/error.h>

#include "http/message/framing.h"
#include "http/message/headers.h"
#include "http/message/method.h"
#include "http/message/scan.h"

struct weir__http_head_limits {
    size_t head_bytes_max;   /* first line and fields with the empty line; at most INT_MAX */
    size_t target_bytes_max; /* requests only */
};

/* Why a message was refused. */
struct weir__http_fault {
    int status;          /* what a server answers; 502 for a faulty response of a backend */
    const char *message; /* static: what was wrong and what was expected */
    bool too_many_fields;
};

struct weir__http_request_head {
    /* Set by the caller. More fields than that are a fault (431). */
    struct weir__http_field *fields;
    size_t field_max;

    size_t field_count;
    enum weir__http_method method;
    weir_bytes method_text;
    weir_bytes target; /* visible ASCII, not empty; see target.h */
    weir_bytes host;   /* valid host[:port]; .data NULL if absent, which only HTTP/1.0 may */
    int minor;         /* HTTP/1.minor: 0 or 1 */
    enum weir__http_framing framing;
    int64_t content_length; /* -1: no such field */
    bool keep_alive;        /* the client wants the connection kept */
    bool expect_continue;   /* the client waits for 100 before it sends the body */
    bool upgrade;           /* an Upgrade field is there; it may be ignored */
};

struct weir__http_response_head {
    /* Set by the caller. More fields than that are a fault. */
    struct weir__http_field *fields;
    size_t field_max;
    bool upgrades; /* the request asked for another protocol: 101 ends the head of the answer, too */

    size_t field_count;
    int status;        /* 100–599; 101 only if upgrades is set */
    weir_bytes reason; /* may be empty */
    int minor;
    enum weir__http_framing framing; /* HEAD, CONNECT, 1xx, 204 and 304 are taken into account */
    int64_t content_length;          /* -1: no such field. Also set for HEAD and 304, where no body follows */
    bool chunked;                    /* Transfer-Encoding is there; as content_length */
    bool keep_alive;                 /* the connection may be used again after the body */
};

/* Reads a request head from the front of data[0..len). One empty line before it is passed over. To be called
 * again with the same scan when more bytes have come. The data may have moved meanwhile, but not have
 * changed.
 * Owns:    nothing. The spans in out live as long as data.
 * Returns: > 0 the bytes the head takes, out is filled; 0 it is not complete yet, and nothing
 *          in it is refused so far; -WEIR_EPROTOCOL malformed or not supported; -WEIR_ETOOLARGE over a limit;
 *          both with fault filled.
 * Where:   any thread.
 */
WEIR_CHECKED int weir__http_request_head_parse(const char *data, size_t len, struct weir__http_scan *scan,
                                               const struct weir__http_head_limits *limits,
                                               struct weir__http_request_head *out,
                                               struct weir__http_fault *fault);

/* Reads a response head, as strictly. `method` is that of the request it answers. A 1xx response is returned
 * like any other (framing NO_BODY): the caller passes over it, zeroes scan and reads on. 101 is a fault
 * unless out->upgrades is set.
 * Owns:    as for requests.
 * Returns: as for requests.
 * Where:   any thread.
 */
WEIR_CHECKED int weir__http_response_head_parse(const char *data, size_t len, struct weir__http_scan *scan,
                                                const struct weir__http_head_limits *limits,
                                                enum weir__http_method method,
                                                struct weir__http_response_head *out,
                                                struct weir__http_fault *fault);

#endif
