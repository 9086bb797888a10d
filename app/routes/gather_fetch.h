/* SPDX-License-Identifier: MIT */
/* The calls of a gather: asks the backends, and undoes the content codings of their answers.
 *
 * Threading: tasks of the loop of the request.
 */
#ifndef APP_ROUTES_GATHER_FETCH_H
#define APP_ROUTES_GATHER_FETCH_H

#include "routes/gathering.h"

/* Fetches all calls at once, and waits until each has ended; each has its error and reply afterwards.
 * Owns:    the caller frees each reply with gather_fetch_free().
 * Cancel:  ends all calls.
 * Where:   task. Waits, at most for the deadline of the settings.
 */
void gather_fetch_all(struct gathering *g);

/* Frees the reply of a call. A second call does nothing. */
void gather_fetch_free(struct gather_fetch *call);

#endif
