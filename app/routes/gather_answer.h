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

#include "routes/gather_settings.h"
#include "routes/gather_note.h"

enum {
    GATHER_ANSWER_BYTES_MAX = 64 << 20, /* of the whole; a part that does not fit is "reply too large" */
    GATHER_COPIED_BYTES_MAX = 2 << 10,  /* of a body that becomes a part of the text around it */
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

/* A body that stays where it lies until it is sent. */
struct gather_part {
    size_t at;       /* so much of the text comes before it */
    weir_bytes body; /* of the call, or own's */
    weir_buffer own; /* what was made of it; may be empty */
    size_t held;     /* what own was held for */
};

/* An answer while it is made: text, with parts between. */
struct gather_answer {
    weir_buffer text;          /* its max is what the whole may be, less the parts */
    struct gather_part *parts; /* room for one for each call */
    size_t part_count;
    int (*hold)(void *arg,
                size_t bytes); /* may own take so much? 0, or the error of the call. NULL: it may */
    void *hold_arg;
};

/* The words that an answer has for an error. */
const char *gather_error_text(int err);

/* A whole answer with a status below 500. */
bool gather_succeeded(const struct gather_outcome *outcome);

/* Adds '"name":{…}', counts the outcome and says how it ended. A large body becomes a part of its own; one
 * that is not embedded as it came is made anew. What would make the answer longer than its text may be turns
 * into the error "reply too large".
 * Owns:    the outcome's body is lent until the answer has been sent when the last part points to it, and not
 *          at all otherwise: gather_lends(). The caller frees parts with gather_part_free().
 * Returns: 0, or -ENOMEM, -WEIR_ETOOLARGE when not even that can be held.
 */
WEIR_CHECKED int gather_add(struct gather_answer *answer, const char *name,
                            const struct gather_outcome *outcome, struct gather_tally *tally,
                            struct gather_call_end *end);

/* Whether the part that was added last points to this body. */
bool gather_lends(const struct gather_answer *answer, weir_bytes body);

/* Frees what a part has of its own.
 * Returns: what was held for it.
 */
size_t gather_part_free(struct gather_part *part);

/* 200 when as many succeeded as are required; else 502, or 504 when every failure was a deadline. */
int gather_status(enum gather_require require, const struct gather_tally *tally);

/* "N/M" for X-Weir-Partial; NULL when all succeeded. */
const char *gather_partial(char text[GATHER_PARTIAL_BYTES], const struct gather_tally *tally);

#endif
