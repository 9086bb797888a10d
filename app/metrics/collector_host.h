/* SPDX-License-Identifier: MIT */
/* What the machine had for the gateway.
 *
 * Threading: belongs to the admin's loop.
 */
#ifndef APP_METRICS_COLLECTOR_HOST_H
#define APP_METRICS_COLLECTOR_HOST_H

#include "metrics/host_stats.h"
#include "metrics/sliding_window.h"

enum observed_host_number {
    OBSERVED_HOST_ALL,
    OBSERVED_HOST_BUSY,
    OBSERVED_HOST_STOLEN,
    OBSERVED_HOST_OWN,
    OBSERVED_HOST_PRESSED,
    OBSERVED_HOST_PERIODS,
    OBSERVED_HOST_USED_UP,
    OBSERVED_HOST_STOPPED,
    OBSERVED_HOST_NUMBERS
};

struct observed_host {
    struct host_stats stats; /* as last read */
    struct rolling *rolling; /* times in us */
};

WEIR_CHECKED int observed_host_open(struct observed_host *o);
void observed_host_look(struct observed_host *o);
void observed_host_next(struct observed_host *o, const struct rolling_clock *clock);
void observed_host_close(struct observed_host *o);

#endif
