/* SPDX-License-Identifier: MIT */
/* Reloads: the file is read anew, and put into force if it can be served; else the old configuration stays.
 * One reload runs at a time. Requests that come meanwhile lead to one more, after it, for all of them: the
 * latest file wins, and each request has an outcome.
 *
 * Threading: tasks of the supervisor's loop.
 */
#ifndef APP_SUPERVISOR_RELOAD_H
#define APP_SUPERVISOR_RELOAD_H

#include <weir/error.h>

#include "text/text_out.h"

struct reloads;
struct supervisor;

enum {
    RELOAD_PAUSE_MS = 200, /* between two: requests in quick succession lead to few */
    RELOAD_ROOM_S = 6,     /* that one waits at most for a generation that drains, so that none is hurried */
    RELOAD_START_S = 5,    /* that a request waits at most for the first configuration to be in force */
    RELOAD_PATIENCE_MS = 10000, /* one that is not ready so long after the next request is given up */
};

void reloads_open(struct reloads *r);
void reloads_close(struct reloads *r);

/* No more will be done: requests that wait are refused. */
void reloads_end(struct reloads *r);

/* The task that reloads, until it is cancelled. arg: the struct supervisor. */
int reload_run(void *arg);

/* Asks for a reload. Does not wait. */
void reload_ask(struct supervisor *s);

/* Asks for one, and waits for its outcome, which is written in lines for a person.
 * Returns: 0; -WEIR_ECONFIG it can't be served, and the old one stays in force; -WEIR_ECLOSED all drains,
 * or nothing is in force yet;
 * -WEIR_ECANCELED. */
WEIR_CHECKED int reload_now(struct supervisor *s, struct text_out *out);

#endif
