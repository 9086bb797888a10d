/* SPDX-License-Identifier: MIT */
/* Time limits and least rates for the body of a request and for the response.
 *
 * Threading: belongs to the connection's loop. Nothing waits.
 */
#ifndef WEIR__HTTP_SERVER_H1_PROGRESS_H
#define WEIR__HTTP_SERVER_H1_PROGRESS_H

#include "http/server/h1.h"

void weir__h1_progress_init(struct weir__server_loop *home);
/* A wait for more of the body begins; it is over. Harmless if there is none.
 * Returns: 0; -WEIR_ESLOW it does not begin, because too little has come. */
int weir__h1_body_wait(struct weir__h1_exchange *h) WEIR_CHECKED;
void weir__h1_body_came(struct weir__h1_exchange *h);
/* A wait for the client to take more of the response begins; it is over. */
void weir__h1_take_wait_more(struct weir__h1_exchange *h);

static inline void weir__h1_take_wait(struct weir__h1_exchange *h)
{
    struct weir__connection *c = h->connection;

    if (h->progress.waits != 0 || h->ahead != NULL) {
        weir__h1_take_wait_more(h);
        return;
    }
    h->progress.waits = WEIR__H1_WAIT_TAKE;
    weir__timeout_list_enter(&c->home->progress, &c->timeout);
    h->progress.taken_since_ns = c->timeout.since_ns;
}

static inline void weir__h1_taken(struct weir__h1_exchange *h)
{
    h->progress.waits &= (uint8_t)~WEIR__H1_WAIT_TAKE;
    if (h->progress.waits == 0)
        weir__timeout_list_leave(&h->connection->timeout);
}

/* Since when the client of an entry in home->progress has taken nothing; INT64_MAX: it is not asked to. */
int64_t weir__h1_takes_nothing_since(struct weir__timeout_entry *entry);
/* Breaks the response off, because its client reads it too slowly. */
void weir__h1_takes_too_little(struct weir__h1_exchange *h);

#endif
