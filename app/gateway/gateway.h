/* SPDX-License-Identifier: MIT */
/* The gateway of a configuration: its routes, its admin address, its logs.
 *
 * Threading: the main thread, which runs loop 0 until gateway_run() returns.
 */
#ifndef APP_GATEWAY_GATEWAY_H
#define APP_GATEWAY_GATEWAY_H

#include <stdbool.h>

#include <weir/error.h>

#include "config/config.h"

/* What a gateway has from its supervisor. */
struct gateway_inherited {
    const int *listeners; /* descriptors, in the order of config->listen; the gateway's to close */
    const char *admin;    /* where its admin pages are: "unix:PATH", if the configuration has an admin address
                             at all. NULL: at that address */
    struct weir_shared *shared; /* see handed.h */
    int counts;                 /* a descriptor: see handed.h */
    const char *folder;         /* of the supervisor */
    bool quiet;                 /* another process with the same configuration logs what is unwise in it */
    /* Called instead of printing, with each fault that keeps it from serving. */
    void (*fault)(void *arg, const char *text);
    /* Called instead of logging, with how much is cut off at the end of the drain. */
    void (*cut)(void *arg, int exchanges, int connections);
    void *arg;
};

struct gateway_events {
    /* Called on loop 0 when the gateway accepts connections, with its addresses as logged. May be NULL. */
    void (*started)(void *arg, const char *const *listening, size_t count);
    void *arg;
    const struct gateway_inherited *inherited; /* NULL: it listens itself */
    const char *root; /* for tests: prefix of the paths in /proc and /sys that are read; or NULL */
};

/* Serves until SIGTERM or SIGINT, and then the drain. If it can't serve, a message on stderr says why, and
 * what helps.
 * Owns:    all is lent until it returns. command: for messages. file: of the configuration, for faults; NULL:
 * none.
 * Returns: the exit code, EXIT_SUCCESS or EXIT_FAILURE.
 */
int gateway_run(const char *command, const struct config *config, const char *file,
                const struct gateway_events *events);

#endif
