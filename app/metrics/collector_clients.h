/* SPDX-License-Identifier: MIT */
/* The addresses from which most connections without a request come.
 *
 * Threading: belongs to the admin's loop.
 */
#ifndef APP_METRICS_COLLECTOR_CLIENTS_H
#define APP_METRICS_COLLECTOR_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/http_server.h>
#include <weir/runtime.h>

#include "metrics/sliding_window.h"

enum { OBSERVED_CLIENTS_MAX = 256, OBSERVED_CLIENT_BYTES = 64 };

struct observed_client {
    char address[OBSERVED_CLIENT_BYTES];
    bool known;                         /* to some loop, when last looked at */
    int half_sent;                      /* now */
    uint64_t ended[WEIR_UNSERVED_WAYS]; /* connections, since it is kept count of */
    uint64_t seen;                      /* all of them, when last looked at */
    uint32_t seconds[ROLLING_SECONDS];  /* that ended in each, as the clock counts them */
};

/* In no order; all zero is none. */
struct observed_clients {
    struct observed_client *list;
    size_t count;
};

/* Reads them all. While the runtime runs. */
void observed_clients_look(struct observed_clients *o, weir_runtime *runtime,
                           const struct rolling_clock *clock);

/* As rolling_next(). */
void observed_clients_next(struct observed_clients *o, const struct rolling_clock *clock);

void observed_clients_close(struct observed_clients *o);

/* How many connections of it have ended without a request in the last seconds. */
uint64_t observed_client_ended(const struct observed_client *client, const struct rolling_clock *clock,
                               weir_instant now, int seconds);

/* Puts those first that have most half-sent heads now and connections without a request in the last minute.
 */
void observed_clients_sort(struct observed_clients *o, const struct rolling_clock *clock, weir_instant now);

#endif
