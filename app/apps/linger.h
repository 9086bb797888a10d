/* SPDX-License-Identifier: MIT */
/* Requests to an application whose answer nobody wants any more, since that of another attempt was taken. The
 * process is still at it, so the request keeps its place until the answer is here: otherwise the next request
 * would be sent to a process that has no time for it. That also keeps requests away from a process that is
 * stopped, and one that gives no answer until its time is over has failed, as without the other attempt.
 *
 * Threading: tasks of the loop of the queue.
 */
#ifndef APP_APPS_LINGER_H
#define APP_APPS_LINGER_H

#include "apps/queue.h"

/* Requests of a loop to one application that linger: more are broken off, and their places given back. */
enum { APP_LINGER_MAX = 32 };

struct app_linger_options {
    struct app_place place;
    weir_fetch_stream *fetch; /* the head of its answer has not come */
    weir_instant until;       /* its process has failed then, and it is broken off */
    weir_instant began;       /* of a first attempt, whose time is learned; 0: of another */
};

/* Takes over a request, with its place.
 * Owns:    options are copied; fetch and place are the queue's. Does not wait. */
void app_linger(struct app_queue *queue, const struct app_linger_options *options);

/* Ends all of a queue that is being closed. Waits, whatever is cancelled. */
void app_linger_end(struct app_queue *queue);

#endif
