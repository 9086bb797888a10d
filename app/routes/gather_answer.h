/* SPDX-License-Identifier: MIT */
/* The answer of a gather: outcomes of calls in, a JSON object out. No I/O.
 *
 * Threading: pure functions.
 */
#ifndef APP_ROUTES_GATHER_ANSWER_H
#define APP_ROUTES_GATHER_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/buffer.h>
#include <weir/error.h>

#include "routes/gather_settings.h"
#include "routes/gather_note.h"

enum {
    GATHER_ANSWER_BYTES_MAX = 64 << 20, /* a part that does not fit becomes the error "reply too large" */
    GATHER_COPIED_BYTES_MAX = 2 << 10,  /* a smaller body is copied into the text */
    GATHER_PARTIAL_BYTES = 32           /* room for "N/M" */
};

/* The outcome of a call. */
struct gather_outcome {
    int err;          /* 0: a whole answer came */
    int status;       /* of that answer */
    const char *type; /* its Content-Type; NULL: none */
    weir_bytes body;  /* its body */
    bool detail;      /* a failure is answered with its reason, too */
    const char *why;  /* the reason; NULL: the text of err */
};

/* Counts of calls: all, those that succeeded, those that failed on a deadline. */
struct gather_tally {
    size_t calls, succeeded, late;
};

/* A body that is not copied into the text, but sent from where it lies. */
struct gather_part {
    size_t at;       /* the offset in the text at which it is sent */
    weir_bytes body; /* of the call, or of own */
    weir_buffer own; /* the body in another form; may be empty */
    size_t held;     /* the bytes that were reserved for own */
};

/* An answer while it is made: text, with parts between. */
struct gather_answer {
    weir_buffer text;          /* its maximum is that of the answer, less the parts */
    struct gather_part *parts; /* room for a part for each call */
    size_t part_count;

    /* Reserves memory for `own` of a part. Returns: 0, or the error of the call. NULL: no limit. */
    int (*hold)(void *arg, size_t bytes);
    void *hold_arg;
};

/* Adds '"name":{…}', counts the outcome, and sets *end. A large body becomes a part; a body that is not JSON
 * is converted. A body that would make the answer too long is replaced by the error "reply too large".
 * Owns:    if the last part points to the outcome's body, the body is lent until the answer has been sent,
 * else not at all: gather_lends(). The caller frees parts with gather_part_free().
 * Returns: 0, or -ENOMEM, -WEIR_ETOOLARGE when there is no room for the error either.
 */
WEIR_CHECKED int gather_add(struct gather_answer *answer, const char *name,
                            const struct gather_outcome *outcome, struct gather_tally *tally,
                            struct gather_call_end *end);

/* Reports whether the last part points to this body. */
bool gather_lends(const struct gather_answer *answer, weir_bytes body);

/* Frees the memory of a part.
 * Returns: the bytes that were reserved for it.
 */
size_t gather_part_free(struct gather_part *part);

/* The status of the answer: 200 when as many calls succeeded as are required; else 502, or 504 when every
 * failure was a deadline. */
int gather_status(enum gather_require require, const struct gather_tally *tally);

/* Writes "N/M" for X-Weir-Partial; NULL when all calls succeeded. */
const char *gather_partial(char text[GATHER_PARTIAL_BYTES], const struct gather_tally *tally);

#endif
