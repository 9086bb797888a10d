/* SPDX-License-Identifier: MIT */
/* What is wrong with the certificates of a configuration, or will soon be.
 *
 * Threading: a task.
 */
#ifndef APP_GATEWAY_START_TLS_H
#define APP_GATEWAY_START_TLS_H

#include "config/config.h"
#include "gateway/tls_contexts.h"

/* Adds warnings: certificates that have expired, are not valid yet, or expire soon; hosts of routes for which
 * no listener has a certificate, and certificates for none of these hosts; backends that are not verified;
 * redirects from https to the same URL. */
void start_tls_check(const struct config *config, const struct tls_contexts *contexts,
                     struct config_faults *warnings);

#endif
