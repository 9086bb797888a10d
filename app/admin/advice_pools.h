/* SPDX-License-Identifier: MIT */
/* Advice on a pool; advice.h has the rules.
 *
 * Threading: functions from numbers to text; any thread.
 */
#ifndef APP_ADMIN_ADVICE_POOLS_H
#define APP_ADMIN_ADVICE_POOLS_H

#include "admin/advice_input.h"
#include "text/text_out.h"

/* How many workers a pool needs at its rate. */
int advice_workers_needed(const struct advice_pool *pool);

/* Writes {"pool":…,"advice":[…]}. */
void advice_write_pool(struct text_out *out, const struct advice_pool *p, const struct advice_input *in);

#endif
