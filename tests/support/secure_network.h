/* SPDX-License-Identifier: MIT */
/* TLS on the network in memory: who accepts is the server, who connects the client. What runs on it does not
 * see it, so that each test of streams and HTTP is one of TLS, too.
 *
 * Randomness of OpenSSL is drawn from the seed meanwhile: the same seed gives the same run.
 *
 * Threading: as support/memory.h.
 */
#ifndef TEST_SUPPORT_SECURE_NETWORK_H
#define TEST_SUPPORT_SECURE_NETWORK_H

#include <stdbool.h>

#include <weir.h>

/* memory_run(), with TLS on each connection. */
int secure_run(const weir_options *options, int (*fn)(void *arg), void *arg);

/* Whether this is within secure_run(). */
bool secure_is_here(void);

#endif
