/* SPDX-License-Identifier: MIT */
/* Advice from measured traffic, by route, backend and pool
 *
 * Threading: functions from numbers to text; any thread.
 *
 * The rules, each shown with its numbers:
 *   - A request that computes on a loop delays everything else on that loop. Met at a random moment, work of
 *     length S that comes at a rate r delays by r · E[S²] / 2 (the mean residual work of a queue with one
 * server; Kleinrock, Queueing Systems I, 1975, 5.6).
 *   - Handing a job over and back costs some tens of microseconds: shorter work is done sooner on the loop.
 *   - By Little's law (1961) a pool has rate × run workers busy, and rate × (queue + run) jobs in it, on
 * average. Near all workers busy, the queue grows without end: the advice is to have so many that 70 % are
 * busy.
 *   - A backend is to be hedged where that takes a tenth off the p99 of a route, computed from how long its
 *     calls take (hedging_gain.h), and the backend has room.
 *   - A backend is advised on where its instances failed, or requests waited for a connection.
 */
#ifndef APP_ADMIN_ADVICE_H
#define APP_ADMIN_ADVICE_H

#include "admin/advice_input.h"
#include "text/text_out.h"

/* Writes "routes":[…],"backends":[…],"pools":[…]. Owns: in is lent. */
void advice_write(struct text_out *out, const struct advice_input *in);

#endif
