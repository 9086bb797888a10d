/* SPDX-License-Identifier: MIT */
/* The contexts for TLS that a configuration needs: one for each listener with tls, one for each backend with
 * an https URL, and one for all other https URLs.
 *
 * Threading: opened by a task; closed by any thread of its runtime. Its context's own functions say where
 * they may be called.
 */
#ifndef APP_GATEWAY_TLS_CONTEXTS_H
#define APP_GATEWAY_TLS_CONTEXTS_H

#include <weir/error.h>
#include <weir/tls.h>

#include "config/config.h"
#include "metrics/gateway_status.h"

struct tls_contexts {
    struct gateway_context *items;
    size_t count;
};

/* Opens the contexts. A file that cannot be used becomes a fault at the place that names it.
 * Owns:    config is lent until tls_contexts_close(), which is also called after a failure.
 * Returns: 0; -WEIR_ECONFIG with faults; -WEIR_ECANCELED; -ENOMEM.
 * Where:   task. Waits.
 */
WEIR_CHECKED int tls_contexts_open(const struct config *config, struct config_faults *faults,
                                   struct tls_contexts *out);
void tls_contexts_close(struct tls_contexts *contexts);

/* The context of a listener or backend, by its number in the configuration, or (GATEWAY_TLS_OTHERS, 0) that
 * of all other https URLs.
 * Returns: NULL: it has none. */
weir_tls *tls_contexts_find(const struct tls_contexts *contexts, enum gateway_tls_side side, size_t number);

#endif
