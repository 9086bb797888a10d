/* SPDX-License-Identifier: MIT */
/* The page /stalls: the tasks that have held a loop, as JSON: first those that did so themselves, then those
 * that were kept off the CPU, each the latest first.
 *
 * Threading: the admin's loop; loops of the gateway are only read.
 */
#ifndef APP_ADMIN_PAGE_STALLS_H
#define APP_ADMIN_PAGE_STALLS_H

#include "metrics/gateway_status.h"
#include "text/text_out.h"

/* Writes the page.
 * Returns: nothing; see out->err.
 */
void page_stalls_write(struct text_out *out, struct gateway_status *status);

#endif
