/* SPDX-License-Identifier: MIT */
/* What a gather answers: outcomes of calls in, one JSON object out. No I/O.
 *
 * Threading: pure functions.
 */
#ifndef APP_ROUTES_GATHER_ANSWER_H
#define APP_ROUTES_GATHER_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/buffer.h>
#include <weir/error.h>

#include "routes/gather.h"
#include "routes/gather_note.h"

enum {
    GATHER_ANSWER_BYTES_MAX = 64 << 20, /* of the whole; a part that does not fit is "reply too large" */
    GATHER_PARTIAL_BYTES = 32           /* room for "N/M" */
};

/* How one call ended. */
struct gather_outcome {
    int err;          /* 0: a whole answer came */
    int status;       /* of that answer */
    const char *type; /* its Content-Type; NULL: none */
    weir_bytes body;  /* its body */
    bool detail;      /* of a failure: say more than the error's word */
    const char *why;  /* what there is to say; NULL: what err says */
};

/* How many calls succeeded, and how many failed on a deadline. */
struct gather_tally {
    size_t calls, succeeded, late;
};

/* The words that an answer has for an error. */
const char *gather_error_text(int err);

/* A whole answer with a status below 500. */
bool gather_succeeded(const struct gather_outcome *outcome);

/* Adds '"name":{…}', counts the outcome and says how it ended. What would make the answer longer than its
 * buffer may be turns into the error "reply too large".
 * Returns: 0, or -ENOMEM, -WEIR_ETOOLARGE when not even that can be held.
 */
WEIR_CHECKED int gather_add(weir_buffer *out, const char *name, const struct gather_outcome *outcome,
                            struct gather_tally *tally, struct gather_call_end *end);

/* 200 when as many succeeded as are required; else 502, or 504 when every failure was a deadline. */
int gather_status(enum gather_require require, const struct gather_tally *tally);

/* "N/M" for X-Weir-Partial; NULL when all succeeded. */
const char *gather_partial(char text[GATHER_PARTIAL_BYTES], const struct gather_tally *tally);

#endif
