/* SPDX-License-Identifier: MIT */
/* Advice on second attempts: where hedging would pay, and what it does where it is on. hedging_gain.h has
 * the arithmetic.
 *
 * Threading: functions from numbers to text; any thread.
 */
#ifndef APP_ADMIN_ADVICE_HEDGING_H
#define APP_ADMIN_ADVICE_HEDGING_H

#include <stdbool.h>

#include "admin/advice_input.h"
#include "text/text_out.h"

/* Names the backends of a route that would make it faster, by how much, and for how many more calls. Silent
 * where little is gained, few calls were measured, or a backend has too much to do: hedging would make that
 * worse. */
void advise_to_hedge(struct text_out *out, bool *first, const struct advice_route *r);

/* Says which second attempts of a backend do not come to pass, if they are the most; and what the others do.
 */
void advise_on_denials(struct text_out *out, bool *first, const struct snapshot_backend *b);
void tell_of_attempts(struct text_out *out, bool *first, const struct snapshot_backend *b);

#endif
