/* SPDX-License-Identifier: MIT */
/* The simulated services of the demo: HTTP servers that answer after a delay, on a thread of their own.
 *
 * Threading: started and stopped by the main thread.
 */
#ifndef APP_COMMANDS_DEMO_SERVICES_H
#define APP_COMMANDS_DEMO_SERVICES_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/error.h>
#include <weir/stream.h>

enum { DEMO_SERVICES = 12 };

extern const char *const demo_service_names[DEMO_SERVICES];

struct demo_services;

struct demo_services_options {
    int port;      /* of the first, the others follow; 0: any free ones */
    uint64_t seed; /* of the delays */
    bool replay;   /* the number in the path of a request chooses its delay, not the count of requests */
};

/* Starts the services on 127.0.0.1.
 * Owns:    the caller owns *out and stops it.
 * Returns: 0, or the error of a service that can't listen.
 */
WEIR_CHECKED int demo_services_start(const struct demo_services_options *options, struct demo_services **out);

/* "127.0.0.1:PORT" of a service. */
const char *demo_service_address(const struct demo_services *services, int index);

/* Stops all services. NULL is allowed. */
void demo_services_stop(struct demo_services *services);

#endif
