/* SPDX-License-Identifier: MIT */
/* Findings: what is wrong now, by its name. Backends that fail, requests that are refused, connections on
 * which none comes, a machine that has no CPU to give, tasks that hold a loop. The most important comes
 * first.
 *
 * Threading: functions from numbers to text; any thread.
 */
#ifndef APP_ADMIN_FINDINGS_H
#define APP_ADMIN_FINDINGS_H

#include "admin/findings_input.h"
#include "text/text_out.h"

/* Writes [{"about":…,"name":…,"impact":…,"text":…,"numbers":{…}},…]. Owns: in is lent. */
void findings_write(struct text_out *out, const struct findings_input *in);

#endif
