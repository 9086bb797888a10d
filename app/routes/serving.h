/* SPDX-License-Identifier: MIT */
/* A request to an application in progress: a proxied request with a place in one of the processes.
 *
 * The place is taken when the request is here, whole or as far as app.buffer goes, and given back when the
 * answer has been read, whole or up to the last app.answer bytes of it: neither a client that sends slowly
 * nor one that reads slowly holds it.
 *
 *     serve_attempts.h a second process is asked, too
 *     serve_answer.h   the answer: read, the place given back, passed on
 *     serve_refusal.h  what the client is told when there is no place
 *
 * Threading: the tasks of its request.
 */
#ifndef APP_ROUTES_SERVING_H
#define APP_ROUTES_SERVING_H

#include <weir/stream.h>

#include "apps/queue.h"
#include "routes/proxying.h"
#include "routes/serve_settings.h"

/* The state of a serve route on a loop. */
struct serve_state {
    struct proxy_state proxy; /* first; its client is that of the application */
    const struct serve_settings *settings;
    struct app_queue *queue;
    weir_client *holds; /* counts what is held of answers */
};

struct serving {
    struct proxying p; /* first */
    struct proxy_note note;
    const struct serve_state *state;
    struct app_place place;
    enum app_outcome outcome; /* if all goes well */
    char address[WEIR_ADDRESS_BYTES];
};

/* Asks the process that has the place: as proxy_exchange_begin(). Waits. */
WEIR_CHECKED int serving_begin(struct serving *s);

/* Reports whether an error says that a connection was refused: nothing of the request has been sent. */
bool serving_is_refused(int err);

/* Gives the place back, once: err is the result of asking the process. */
void serving_gives(struct serving *s, int err);

/* Gives the place back, once: the whole answer has been read, or err says why it has not. What is left of the
 * request goes on meanwhile. */
void serving_ends(struct serving *s, int err);

/* Reads a piece of the answer's body. Returns: as weir_fetch_read(); -WEIR_EIDLE nothing came for
 * app.timeout. Waits. */
WEIR_CHECKED ssize_t serving_read(struct serving *s, void *data, size_t bytes);

#endif
