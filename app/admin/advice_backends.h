/* SPDX-License-Identifier: MIT */
/* Advice on a backend; advice.h has the rules.
 *
 * Threading: functions from numbers to text; any thread.
 */
#ifndef APP_ADMIN_ADVICE_BACKENDS_H
#define APP_ADMIN_ADVICE_BACKENDS_H

#include "admin/advice_input.h"
#include "text/text_out.h"

/* Writes {"backend":…,"advice":[…]}. */
void advice_write_backend(struct text_out *out, const struct snapshot_backend *b);

#endif
