/* SPDX-License-Identifier: MIT */
/* Second attempts: when a request that is slow, or has failed, is sent once more, and what pays for it.
 *
 * A request that is slow may be sent a second time, to another instance of its service, and the first answer
 * is taken: *hedging*. One that fails may be sent again: *retrying*. Both are paid from one budget, so that a
 * service in trouble never gets more than a fixed share of requests on top: hedging without a budget adds a
 * third to the load of a service that has become three times slower. (Dean and Barroso, "The Tail at Scale",
 * 2013; gRPC proposal A6.)
 *
 * Backends (<weir/backend.h>) do all of this by themselves, given weir_backend_options.hedge and retry. The
 * functions here are the rules alone, for a program that sends its requests by other means:
 *
 *     weir_attempts_first(attempts);
 *     after = weir_attempts_hedge_after(attempts);
 *     … ask, for as long as after …
 *     if (nothing has come && weir_attempts_pay(attempts, WEIR_ATTEMPT_HEDGE, left) == 0)
 *         … ask another instance, too …
 *     weir_attempts_took(attempts, took);                     // of the first attempt, answered or given up
 *     weir_attempts_ended(attempts, WEIR_ATTEMPT_FIRST, WEIR_ATTEMPT_ANSWERED);
 *
 * The threshold. A request is hedged once it has taken longer than a share of the first attempts do
 * (`percentile`), as learned from those that ended in the last 15 to 30 seconds, from the hundredth on. After
 * a pause the last value holds until there are a hundred new ones. While the budget is less than half full
 * the threshold rises, to 1.6 times when it is empty: so that a percentile that was learned too low costs
 * nothing. It is never below `floor`.
 *
 * The budget. Each first attempt adds `extra_percent` of one second attempt, or time adds one a second,
 * whichever has added more; at most what ten seconds add is kept. With both hedging and retrying the larger
 * extra_percent counts, never their sum.
 *
 * Threading: an object belongs to the loop of the task that opened it. Those of one runtime with the same
 * name share the budget, what is known of Retry-After, and what is counted; with shared memory
 * (weir_options.shared) so do those of all its processes. What has been learned is each loop's own.
 */
#ifndef WEIR_ATTEMPTS_H
#define WEIR_ATTEMPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>
#include <weir/runtime.h>
#include <weir/time.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A zero field means its default, given in brackets. */
typedef struct weir_hedge_options {
    double percentile; /* of first attempts, above 50 and below 100 [0: no hedging, unless after is given] */
    weir_duration after;  /* instead of a percentile: a fixed time. It rises with an empty budget, too */
    weir_duration floor;  /* never earlier than this [2 ms] */
    double extra_percent; /* of the first attempts, at most 100 [5] */
} weir_hedge_options;

/* What is tried again. */
enum weir_retry_on {
    WEIR_RETRY_CONNECT = 1, /* there was no connection, or no TLS handshake */
    WEIR_RETRY_RESET = 2,   /* the connection broke off before a whole head came */
    WEIR_RETRY_502 = 4,
    WEIR_RETRY_503 = 8,
    WEIR_RETRY_504 = 16,
};

typedef struct weir_retry_options {
    unsigned on;          /* of enum weir_retry_on [0: no retrying] */
    int times;            /* for one request, at most 3 [1] */
    double extra_percent; /* of the first attempts, at most 100 [10] */
} weir_retry_options;

enum weir_attempt_kind { WEIR_ATTEMPT_FIRST, WEIR_ATTEMPT_RETRY, WEIR_ATTEMPT_HEDGE, WEIR_ATTEMPT_KINDS };

/* How an attempt ended. */
enum weir_attempt_outcome {
    WEIR_ATTEMPT_ANSWERED,  /* its answer was taken: a status below 500, not 429 */
    WEIR_ATTEMPT_FAILED,    /* no answer, 429, or 500 and above; taken when there was no other */
    WEIR_ATTEMPT_LOST,      /* the other attempt's answer was taken */
    WEIR_ATTEMPT_CANCELLED, /* the caller was cancelled, or its deadline passed */
    WEIR_ATTEMPT_OUTCOMES
};

/* Why there was no second attempt where one was wanted. */
enum weir_attempt_denial {
    WEIR_ATTEMPT_NO_BUDGET,
    WEIR_ATTEMPT_PUSHBACK, /* the service has said Retry-After */
    WEIR_ATTEMPT_TOO_LATE, /* less is left of the deadline than the median of first attempts */
    WEIR_ATTEMPT_OPEN,     /* the breaker of the backend is not closed */
    WEIR_ATTEMPT_NO_ROOM,  /* the limit, or the connections, of the backend are in use */
    WEIR_ATTEMPT_DENIALS
};

/* Of one request: what was tried. */
typedef struct weir_attempts_made {
    unsigned char made;          /* attempts; 1: the first alone */
    unsigned char taken;         /* whose answer is here, from 1; 0: none's */
    bool good;                   /* that answer has a status below 500, and other than 429 */
    enum weir_attempt_kind last; /* of the latest attempt */
    weir_duration last_after;    /* when it was begun, from the beginning of the first */
} weir_attempts_made;

/* All loops and processes together: sums, and present values. */
typedef struct weir_attempts_stats {
    const char *name;
    uint64_t attempts[WEIR_ATTEMPT_KINDS][WEIR_ATTEMPT_OUTCOMES];
    uint64_t denied[WEIR_ATTEMPT_DENIALS];
    weir_duration hedge_after; /* the present threshold, of the loop of this process that has learned most; 0:
                                  there is none yet, or no hedging */
    weir_duration hedge_saved; /* a sum, at least: how much longer the first attempts would have taken that a
                                  hedge has beaten, by what this kind of request takes that is so late */
    double budget;             /* second attempts that it would pay for now */
    uint64_t shared_id; /* with shared memory: the same number in all processes, see weir_backend_stats */
} weir_attempts_stats;

typedef struct weir_attempts weir_attempts;

typedef struct weir_attempts_options {
    const char *name; /* in statistics; those of the same name share their budget. Not optional */
    weir_hedge_options hedge;
    weir_retry_options retry;
    unsigned char reserved[32]; /* for later versions; zero */
} weir_attempts_options;

/* Opens the rules of a service on this loop.
 * Owns:    options are copied. The caller owns *out and closes it.
 * Returns: 0; -EINVAL an option; -WEIR_ECONFIG the name is open with other options; -ENOMEM; of shared memory
 *          -ENOSPC no room is left in it.
 * Where:   task. Does not wait.
 */
int weir_attempts_open(const weir_attempts_options *options, weir_attempts **out) WEIR_CHECKED;

/* Closes them. NULL does nothing.
 * Where:   task of its loop. Does not wait.
 */
void weir_attempts_close(weir_attempts *attempts);

/* Says that a first attempt begins: the budget gains by it.
 * Where:   task of its loop. Does not wait.
 */
void weir_attempts_first(weir_attempts *attempts);

/* Tells how long after its beginning a first attempt is to be hedged, as things are now.
 * Returns: 0: not at all: there is no hedging, or nothing has been learned yet.
 * Where:   task of its loop. Does not wait.
 */
weir_duration weir_attempts_hedge_after(weir_attempts *attempts);

/* Pays for a second attempt, which is begun then. left: of the request's deadline.
 * Returns: 0; -WEIR_EBUSY it must not be begun: *why is set, and counted. why may be NULL.
 * Where:   task of its loop. Does not wait.
 */
int weir_attempts_pay(weir_attempts *attempts, enum weir_attempt_kind kind, weir_duration left,
                      enum weir_attempt_denial *why) WEIR_CHECKED;

/* Counts a second attempt that was wanted, and that something beside these rules forbids.
 * Where:   task of its loop. Does not wait.
 */
void weir_attempts_deny(weir_attempts *attempts, enum weir_attempt_denial why);

/* Learns from a first attempt: how long it took to the head of its answer, or until it was given up.
 * Where:   task of its loop. Does not wait.
 */
void weir_attempts_took(weir_attempts *attempts, weir_duration took);

/* Says that a hedge has beaten a first attempt that had taken so long and had no answer: what that would have
 * taken is reckoned for hedge_saved.
 * Where:   task of its loop. Does not wait.
 */
void weir_attempts_beaten(weir_attempts *attempts, weir_duration took);

/* The service has asked, by Retry-After in an answer with status 429 or 503, not to be asked again for so
 * long: until then there are no second attempts. It is at most ten minutes. See weir_retry_after_parse().
 * Where:   task of its loop. Does not wait.
 */
void weir_attempts_pushback(weir_attempts *attempts, weir_duration period);

/* Counts the end of an attempt.
 * Where:   task of its loop. Does not wait.
 */
void weir_attempts_ended(weir_attempts *attempts, enum weir_attempt_kind kind,
                         enum weir_attempt_outcome outcome);

/* Tells as what an answer with this status would be tried again.
 * Returns: WEIR_RETRY_502, WEIR_RETRY_503, WEIR_RETRY_504; 0: not by its status.
 * Where:   any thread.
 */
unsigned weir_retry_on_status(int status);

/* Reads a Retry-After (RFC 9110, 10.2.3): seconds, or a date in any of the three forms of HTTP.
 * Takes:   now: the wall clock, in seconds since 1970, that a date is compared with.
 * Returns: 0, *out is not negative: a date that has passed gives 0; -EINVAL it is neither.
 * Where:   any thread.
 */
int weir_retry_after_parse(const char *value, int64_t now, weir_duration *out) WEIR_CHECKED;

/* Calls fn for each name of a runtime, once however many loops have it open, those of backends not included:
 * weir_backend_stats.attempts has them.
 * Owns:    stats is lent to fn, which must not wait, nor open or close attempts.
 * Where:   any thread while the runtime runs. Does not block its loops.
 */
void weir_attempts_each(weir_runtime *runtime, void (*fn)(void *arg, const weir_attempts_stats *stats),
                        void *arg);

/* Names a kind, as a label: "first", "retry", "hedge".
 * Returns: never NULL.
 * Where:   any thread.
 */
const char *weir_attempt_kind_name(enum weir_attempt_kind kind);

/* Names an outcome, as a label: "ok", "failed", "lost", "cancelled".
 * Returns: never NULL.
 * Where:   any thread.
 */
const char *weir_attempt_outcome_name(enum weir_attempt_outcome outcome);

/* Names a reason, as a label: "budget", "pushback", "deadline", "open", "busy".
 * Returns: never NULL.
 * Where:   any thread.
 */
const char *weir_attempt_denial_name(enum weir_attempt_denial denial);

#ifdef __cplusplus
}
#endif
#endif
