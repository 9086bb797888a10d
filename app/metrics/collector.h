/* SPDX-License-Identifier: MIT */
/* Collects the figures of the gateway: the one place that reads what its loops, pools and backends count. It
 * does so once a second, for the windows, and whenever a page asks. A page gets a snapshot and writes it
 * down.
 *
 * Threading: belongs to the admin's loop, from collector_run() on. The loops of the gateway are only read,
 * never waited for.
 */
#ifndef APP_METRICS_COLLECTOR_H
#define APP_METRICS_COLLECTOR_H

#include <weir/error.h>

#include "metrics/gateway_status.h"
#include "metrics/snapshot.h"

struct collector;

/* Owns:    status and what it counts are lent until collector_close(). */
WEIR_CHECKED int collector_open(struct gateway_status *status, struct collector **out);

/* NULL is nothing. */
void collector_close(struct collector *c);

/* A task: reads all totals once a second, until cancelled. arg: the collector. */
int collector_run(void *arg);

/* The totals of this moment: a request that has been answered before is among them. Of the windows only those
 * of loops are up to date.
 * Owns:    lent until the caller waits.
 */
const struct snapshot *collector_totals(struct collector *c);

/* The same, and the stall that was worst of late: all that totals_write() writes. */
const struct snapshot *collector_all_totals(struct collector *c);

/* The windows as of this moment, and the totals that have windows.
 * Owns:    as collector_totals().
 */
const struct snapshot *collector_windows(struct collector *c);

/* The same, and the outcomes of requests: all that advice rests on. */
const struct snapshot *collector_windows_and_outcomes(struct collector *c);

#endif
