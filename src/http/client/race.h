/* SPDX-License-Identifier: MIT */
/* A request that may have second attempts (<weir/attempts.h>): the first attempt, hedges and retries, and
 * which of them is taken.
 *
 *     race.c          the race, from the first attempt to what is taken
 *     race_attempt.c  an attempt: a second one has a place, and perhaps a task, of its own
 *     backend/linger.c  connections of attempts that lost, whose answers are read and dropped
 *
 * The task that asks makes the first attempt itself. When that has taken as long as the rules say, a timer
 * starts a hedge in a task of its own, in a scope that the asking task has open: so nothing of it outlives
 * the request. What comes in is seen where it comes in, and the first good head decides there: it cancels
 * the other attempt. A retry is made by the asking task, once nothing else is under way.
 *
 * What is known of how long first attempts take has to stay true although slow ones are cut short. So one
 * that is given up counts as having taken as long as it had by then, unless that is less than the percentile:
 * then it says nothing. It has lost, was cancelled, or its deadline passed.
 *
 * Threading: as state.h.
 */
#ifndef WEIR__HTTP_CLIENT_RACE_H
#define WEIR__HTTP_CLIENT_RACE_H

#include "http/client/race_attempt.h"

enum { WEIR__RACE_BODY_BYTES_MAX = 64 << 10 };

/* Whether a request to a backend that has second attempts may have one. whole: its body is held whole. */
bool weir__race_suits(const weir_fetch_options *options, bool whole, size_t body_bytes);

/* Runs a race. url: as weir__fetch_place() takes it. Waits.
 * Returns: 0: f has the head of an answer or, of a stream, an informational one; of a request that is not
 * streamed perhaps all of it (f->ended). As weir_fetch(). f may have a connection in any case, and is to
 * leave its backend. */
int weir__race_run(struct weir__race *r, weir_url *url) WEIR_CHECKED;

#endif
