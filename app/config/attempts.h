/* SPDX-License-Identifier: MIT */
/* hedge and retry: the second attempts of a backend or an application.
 *
 * Threading: as config.h.
 */
#ifndef APP_CONFIG_ATTEMPTS_H
#define APP_CONFIG_ATTEMPTS_H

#include <weir/attempts.h>

#include "config/reader.h"

/* Reads {after: p95, floor: 2ms, extra: 5%}, or after alone; false: none. what names the key, for faults:
 * "backend.hedge". *out is set as a whole. */
void attempts_read_hedge(struct config_reader *reader, const struct tree_node *node, const char *what,
                         weir_hedge_options *out);

/* Reads {on: [connect, reset, 502, 503], times: 1, extra: 10%}; false: none. Likewise. */
void attempts_read_retry(struct config_reader *reader, const struct tree_node *node, const char *what,
                         weir_retry_options *out);

#endif
