/* SPDX-License-Identifier: MIT */
/* Delays of simulated services: log-normal, half of them below 12 ms, one in a hundred above 80 ms. The same
 * seed, service and request number give the same delay, so that two gateways can be given identical services.
 *
 * Threading: pure functions.
 */
#ifndef APP_COMMANDS_DEMO_DELAYS_H
#define APP_COMMANDS_DEMO_DELAYS_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/time.h>

/* The delay of a service for a request; at most 2 s. */
weir_duration demo_delay(uint64_t seed, unsigned service, uint64_t number);

/* Reports whether the failing service, which fails one request in twenty, fails this request. */
bool demo_fails(uint64_t seed, unsigned service, uint64_t number);

#endif
