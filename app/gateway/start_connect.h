/* SPDX-License-Identifier: MIT */
/* Connecting to the backends of a configuration, for 'weir check --connect'.
 *
 * Threading: a task.
 */
#ifndef APP_GATEWAY_START_CONNECT_H
#define APP_GATEWAY_START_CONNECT_H

#include "config/config.h"
#include "gateway/tls_contexts.h"

/* Connects to every backend once, many at a time, and closes; with https URLs the handshake of TLS is part of
 * that. A backend whose name is not resolved within five seconds, or that can't be connected to within two,
 * becomes a fault at its first place in the file; so
 * does one whose turn does not come within ten seconds, the time for all. What is waited for is reported on
 * stderr every two seconds. */
void start_connect(const struct config *config, const struct tls_contexts *contexts,
                   struct config_faults *faults);

#endif
