/* SPDX-License-Identifier: MIT */
/* Heads: the first line and the fields of a request or a response, checked so that they can be read one way
 * only.
 *
 * Threading: pure functions over the caller's memory; no state is kept between calls but weir__http_scan.
 *
 * The bytes stay where they are: every span of a parsed head points into `data`. llhttp reads the grammar;
 * before and after it stand the checks for what it lets through. Whoever gets a fault answers `status` and
 * closes: after a head that could not be read nobody knows where the next one starts.
 */
#ifndef WEIR__HTTP_MESSAGE_HEAD_H
#define WEIR__HTTP_MESSAGE_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/buffer.h>
#include <weir/error.h>

struct weir__http_field {
    weir_bytes name;  /* as it came; compare with weir_bytes_equal_nocase() */
    weir_bytes value; /* without the spaces around it; may be empty */
};

enum weir__http_method {
    WEIR__HTTP_GET,
    WEIR__HTTP_HEAD,
    WEIR__HTTP_POST,
    WEIR__HTTP_PUT,
    WEIR__HTTP_DELETE,
    WEIR__HTTP_PATCH,
    WEIR__HTTP_OPTIONS,
    WEIR__HTTP_CONNECT,
    WEIR__HTTP_TRACE,
    WEIR__HTTP_OTHER_METHOD, /* registered, no meaning to Weir: PROPFIND, …; method_text says which */
};

/* How the end of the body is found. */
enum weir__http_framing {
    WEIR__HTTP_NO_BODY,     /* the message ends with its head */
    WEIR__HTTP_LENGTH,      /* content_length bytes follow; may be 0 */
    WEIR__HTTP_CHUNKED,     /* see chunked.h */
    WEIR__HTTP_UNTIL_CLOSE, /* responses only */
};

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

/* How far an incomplete head has been looked through, so that dribbling bytes cost nothing twice.
 * Zero it before the first byte of each message. */
struct weir__http_scan {
    size_t at;
};

struct weir__http_request_head {
    /* Set by the caller; more fields than this are a fault (431). */
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
    bool expect_continue;   /* it waits for 100 before it sends the body */
    bool upgrade;           /* an Upgrade field is there; nobody has to heed it */
};

struct weir__http_response_head {
    /* Set by the caller; more fields than this are a fault. */
    struct weir__http_field *fields;
    size_t field_max;

    size_t field_count;
    int status;        /* 100–599, never 101 */
    weir_bytes reason; /* may be empty */
    int minor;
    enum weir__http_framing framing; /* already knows of HEAD, CONNECT, 1xx, 204 and 304 */
    int64_t content_length;          /* -1: no such field. Kept for HEAD and 304, where no body follows */
    bool keep_alive;                 /* the connection may be used again after the body */
};

/* Reads a request head from the front of data[0..len). One empty line before it is tolerated.
 * Call it again with the same scan when more bytes came; data may have moved, but those seen may not change.
 * Owns:    nothing; the spans in out live as long as data.
 * Returns: > 0 the bytes the head takes, out is filled; 0 it is not complete yet (what can be refused
 *          already, is); -WEIR_EPROTOCOL malformed, or not spoken here; -WEIR_ETOOLARGE over a limit; both
 *          with fault filled.
 * Where:   any thread.
 */
WEIR_CHECKED int weir__http_request_head_parse(const char *data, size_t len, struct weir__http_scan *scan,
                                               const struct weir__http_head_limits *limits,
                                               struct weir__http_request_head *out,
                                               struct weir__http_fault *fault);

/* Reads a response head, as strictly. `method` is that of the request it answers. A 1xx comes out like any
 * other (framing NO_BODY): the caller skips it, zeroes scan and reads on; 101 is a fault, because nobody here
 * asks for an upgrade.
 * Owns:    as for requests.
 * Returns: as for requests.
 * Where:   any thread.
 */
WEIR_CHECKED int weir__http_response_head_parse(const char *data, size_t len, struct weir__http_scan *scan,
                                                const struct weir__http_head_limits *limits,
                                                enum weir__http_method method,
                                                struct weir__http_response_head *out,
                                                struct weir__http_fault *fault);

/* The method of this exact text.
 * Returns: WEIR__HTTP_OTHER_METHOD for what is not named above.
 * Where:   any thread.
 */
enum weir__http_method weir__http_method_of(weir_bytes text);

#endif
