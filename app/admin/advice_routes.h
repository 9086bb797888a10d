/* SPDX-License-Identifier: MIT */
/* Advice on a route; advice.h has the rules.
 *
 * Threading: functions from numbers to text; any thread.
 */
#ifndef APP_ADMIN_ADVICE_ROUTES_H
#define APP_ADMIN_ADVICE_ROUTES_H

#include "admin/advice_input.h"
#include "text/text_out.h"

enum advice_class { ADVICE_IDLE, ADVICE_IO_BOUND, ADVICE_CPU_BOUND, ADVICE_MIXED };

enum advice_class advice_class_of(const struct advice_route *route);

/* The share of one loop's time that a route takes. */
double advice_loop_share(const struct advice_route *route, int loops);

/* Writes {"route":…,"advice":[…]}. */
void advice_write_route(struct text_out *out, const struct advice_route *r, const struct advice_input *in);

#endif
