/* SPDX-License-Identifier: MIT */
/* Where the time of an exchange went: for its record, and for its client.
 *
 * Threading: the task of the exchange.
 */
#ifndef WEIR__HTTP_SERVER_EXCHANGE_TIMING_H
#define WEIR__HTTP_SERVER_EXCHANGE_TIMING_H

#include "http/server/state.h"

/* Accounts for the time until now. Returns: how long the exchange has taken. */
weir_duration weir__exchange_close(struct weir__exchange *x);

/* Adds a Server-Timing header: where the time until now went. */
void weir__exchange_add_timing(struct weir__exchange *x);

#endif
