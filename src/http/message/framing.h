/* SPDX-License-Identifier: MIT */
/* What the fields of a head say about its message: where the body ends, whether the connection is kept.
 *
 * Threading: pure functions over the caller's memory.
 *
 * Whatever two readers could understand differently is a fault, never a guess. This keeps a request from
 * being smuggled inside another.
 */
#ifndef WEIR__HTTP_MESSAGE_FRAMING_H
#define WEIR__HTTP_MESSAGE_FRAMING_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/buffer.h>
#include <weir/error.h>

/* How the end of the body is found. */
enum weir__http_framing {
    WEIR__HTTP_NO_BODY,     /* the message ends with its head */
    WEIR__HTTP_LENGTH,      /* content_length bytes follow; may be 0 */
    WEIR__HTTP_CHUNKED,     /* see chunked.h */
    WEIR__HTTP_UNTIL_CLOSE, /* responses only */
};

struct weir__http_facts {
    weir_bytes host;        /* .data NULL: none so far */
    int64_t content_length; /* -1: none so far */
    bool coded;             /* a Transfer-Encoding was there … */
    bool coded_unknown;     /* … with a coding other than chunked in it */
    bool chunked_last;      /* … and chunked is the last so far */
    bool close, keep_alive; /* options of Connection */
    bool upgrade;
    bool expect_continue;
};

/* Adds one field.
 * Owns:    facts.host points into value.
 * Returns: NULL, or what is wrong with it (static text).
 */
const char *weir__http_facts_add(struct weir__http_facts *facts, weir_bytes name, weir_bytes value);

/* Checks all fields of a head together.
 * Owns:    nothing.
 * Returns: 0, or the status to answer, *wrong then says why (static text).
 * Where:   any thread.
 */
int weir__http_facts_check(const struct weir__http_facts *facts, int minor, const char **wrong);

#endif
