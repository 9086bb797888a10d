/* SPDX-License-Identifier: MIT */
/* The page /guard: the calls that held up a loop, as JSON.
 *
 * Threading: the admin's loop.
 */
#ifndef APP_ADMIN_PAGE_GUARD_H
#define APP_ADMIN_PAGE_GUARD_H

#include "text/text_out.h"

/* Writes [{"function":…,"task":…,"route":…,"waited":…,"place":…,"hint":…,"count":…,"stack":[…]}], those with
 * the greatest count first.
 * Returns: nothing; see out->err.
 */
void page_guard_write(struct text_out *out);

#endif
