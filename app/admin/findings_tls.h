/* SPDX-License-Identifier: MIT */
/* Findings about TLS: certificates that expire or cannot be renewed, handshakes that fail, sessions that are
 * not resumed.
 *
 * Threading: as findings.h.
 */
#ifndef APP_ADMIN_FINDINGS_TLS_H
#define APP_ADMIN_FINDINGS_TLS_H

#include "admin/finding_list.h"
#include "admin/findings_input.h"

/* Adds what there is to say of one context. */
void find_tls(struct finding_list *list, const struct snapshot_tls *tls, const struct findings_input *in);

#endif
