/* SPDX-License-Identifier: MIT */
/* Where the time of the routes' requests went.
 *
 * Threading: belongs to the admin's loop.
 */
#ifndef APP_METRICS_COLLECTOR_BREAKDOWN_H
#define APP_METRICS_COLLECTOR_BREAKDOWN_H

#include <stddef.h>

#include <weir/error.h>

#include "metrics/metrics.h"
#include "metrics/sliding_window.h"

/* The numbers beside the meter of how long they ran: by kind of charge, in nanoseconds, and of how many. */
enum { OBSERVED_SAMPLES = WEIR_CHARGE_KINDS, OBSERVED_SPENT_NUMBERS };
_Static_assert((int)OBSERVED_SPENT_NUMBERS <= (int)ROLLING_NUMBERS_MAX, "a series has room for every kind");

/* One route. */
struct observed_spent {
    struct rolling *rolling;
    char slowest[SPENT_NAME_BYTES], holder[SPENT_NAME_BYTES]; /* of late; "": none */
    double slowest_ms;                                        /* of one request */
};

/* Makes count of them. */
WEIR_CHECKED int observed_spent_open(struct observed_spent **out, size_t count);
void observed_spent_close(struct observed_spent *spent, size_t count);

void observed_spent_look(struct observed_spent *spent, const struct metrics *metrics, size_t count);
void observed_spent_next(struct observed_spent *spent, const struct rolling_clock *clock, size_t count);

/* Of one request on average, in milliseconds; 0 when none was looked at. */
double observed_spent_ms(const struct rolling_window *w, enum weir_charge_kind kind);

#endif
