/* SPDX-License-Identifier: MIT */
/* The page /guard: the calls that held up a loop, as JSON.
 *
 * Threading: the admin's loop.
 */
#ifndef APP_ADMIN_PAGE_GUARD_H
#define APP_ADMIN_PAGE_GUARD_H

#include "metrics/exposition.h"
#include "metrics/collector.h"
#include "text/text_out.h"

/* [{"function":…,"task":…,"route":…,"waited":…,"count":…,"hint":…,"stack":[…]}], those with the greatest
 * count first. */
void admin_guard_write(struct observed *o, struct text_out *out);

/* The family weir_guard_calls_total: one sample for each call that was caught. */
void admin_guard_metrics(struct exposition *e);

#endif
