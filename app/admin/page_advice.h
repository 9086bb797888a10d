/* SPDX-License-Identifier: MIT */
/* The page /advice: tasks or pools, by the traffic of the last minute.
 *
 * Threading: the admin's loop.
 */
#ifndef APP_ADMIN_PAGE_ADVICE_H
#define APP_ADMIN_PAGE_ADVICE_H

#include "metrics/collector.h"
#include "text/text_out.h"

void admin_advice_write(struct observed *o, struct text_out *out);

#endif
