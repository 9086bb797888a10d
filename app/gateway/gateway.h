/* SPDX-License-Identifier: MIT */
/* The gateway that a configuration describes: its routes served, its admin side, its logs.
 *
 * Threading: the main thread, which is lent to loop 0 until it returns.
 */
#ifndef APP_GATEWAY_GATEWAY_H
#define APP_GATEWAY_GATEWAY_H

#include <weir/error.h>

#include "config/config.h"

struct gateway_events {
    /* The gateway accepts connections; addresses as told to the log. On loop 0. May be NULL. */
    void (*started)(void *arg, const char *const *listening, size_t count);
    void *arg;
    const char *root; /* for tests: stands before the paths in /proc and /sys that tell of memory; or NULL */
};

/* Serves until SIGTERM or SIGINT and the drain. What can't be opened is told on stderr, under this name of
 * the command, with what helps.
 * Owns:    all is lent until it returns. file: the configuration's, for faults; NULL: none.
 * Returns: the exit code, EXIT_SUCCESS or EXIT_FAILURE.
 */
int gateway_run(const char *command, const struct config *config, const char *file,
                const struct gateway_events *events);

#endif
