/* SPDX-License-Identifier: MIT */
/* A circuit breaker: refuses requests for a while after too many of them have failed.
 *
 * It is closed, and counts; open, and refuses; or half open: one request, the probe, is let through, and
 * decides. The window slides in tenths: it covers `within`, and at most a tenth of it more.
 *
 * Threading: all is atomic, without a lock and without pointers; any number of loops use one breaker. The
 * functions take the instant from their caller, and do nothing else.
 */
#ifndef WEIR__BACKEND_BREAKER_H
#define WEIR__BACKEND_BREAKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    WEIR__BREAKER_PARTS = 11, /* of the window: ten that have passed, and the present one */
    WEIR__BREAKER_OPEN_MAX_S = 60,
};

/* Positive. failed_percent 0: there is no breaker. */
struct weir__breaker_settings {
    int failed_percent, of;
    int64_t within_ns, open_ns;
};

/* All zero: closed, and nothing has been counted. */
struct weir__breaker {
    _Atomic uint64_t state;                      /* see breaker.c */
    _Atomic uint64_t parts[WEIR__BREAKER_PARTS]; /* what ended in each part of the window */
    _Atomic int64_t opened_ns;                   /* when it opened first; meaningful while it is not closed */
    _Atomic uint64_t opened;                     /* how often it has opened after being closed */
};

enum weir__breaker_verdict {
    WEIR__BREAKER_PASSES,
    WEIR__BREAKER_PROBES, /* this request is the probe: its end is to be told to the breaker in any case */
    WEIR__BREAKER_REFUSES,
};

enum weir__breaker_news {
    WEIR__BREAKER_STAYS,
    WEIR__BREAKER_OPENS,
    WEIR__BREAKER_REOPENS, /* the probe has failed */
    WEIR__BREAKER_CLOSES,
};

/* Whether a request may go on. */
enum weir__breaker_verdict weir__breaker_admit(struct weir__breaker *b, int64_t now_ns);

/* Counts a request that was answered well, or failed. */
enum weir__breaker_news weir__breaker_count(struct weir__breaker *b, const struct weir__breaker_settings *s,
                                            int64_t now_ns, bool is_probe, bool failed);

/* The probe has ended, and its end says nothing of the backend: the next request probes. */
void weir__breaker_forgo(struct weir__breaker *b, int64_t now_ns);

/* Returns: how long it goes on refusing; 0: it refuses nothing. */
int64_t weir__breaker_refuses_for(const struct weir__breaker *b, int64_t now_ns);

bool weir__breaker_is_closed(const struct weir__breaker *b);

#endif
