/* SPDX-License-Identifier: MIT */
/* The page /advice: what is wrong, and tasks or pools, by the traffic of the last minute.
 *
 * Threading: functions from data to text; any thread.
 */
#ifndef APP_ADMIN_PAGE_ADVICE_H
#define APP_ADMIN_PAGE_ADVICE_H

#include "metrics/snapshot.h"
#include "text/text_out.h"

/* Writes the page.
 * Returns: nothing; see out->err.
 */
void page_advice_write(struct text_out *out, const struct snapshot *s);

#endif
