/* SPDX-License-Identifier: MIT */
/* What a process of an application is started with: its words and its environment.
 *
 * Threading: any thread; the environment of this program does not change meanwhile.
 */
#ifndef APP_SUPERVISOR_APP_ENVIRONMENT_H
#define APP_SUPERVISOR_APP_ENVIRONMENT_H

#include <stddef.h>

#include "config/app.h"
#include "config/arena.h"

/* The words of the command behind those in front, with "{socket}" filled in.
 * Owns:    all lies in memory.
 * Returns: a list ended by NULL; NULL without memory. */
const char *const *app_words(struct config_memory *memory, const struct config_app *app, const char *socket,
                             const char *const *front);

/* The environment of this program, without what is addressed to it alone (NOTIFY_SOCKET,
 * LISTEN_FDS, WATCHDOG_USEC and the like), with that of the configuration, WEIR_APP_NAME and, unless helpers
 * is NULL, WEIR_APP_SOCKET. The names of those of the configuration begin with hidden besides: "" for none.
 * Owns, returns: as app_words(). */
const char *const *app_environment(struct config_memory *memory, const struct config_app *app,
                                   const char *socket, const char *helpers, const char *hidden);

#endif
