/* SPDX-License-Identifier: MIT */
/* A kind of route: what "respond:", "gather:" and the others do. Each kind is a file of routes/, and
 * a line in routes/table.c.
 *
 * Threading: configure runs once, before any loop. open, handle and close run on a loop, with that loop's own
 * state; the settings are shared by all loops and never written again.
 */
#ifndef APP_CONFIG_ROUTE_KIND_H
#define APP_CONFIG_ROUTE_KIND_H

#include <weir/http_client.h>
#include <weir/http_server.h>

#include "config/config.h"
#include "config/schema.h"

struct route_kind {
    const char *name; /* the key in the file */
    const char *on;   /* the pool it computes on when the file names none; NULL: it computes nothing */
    unsigned methods; /* it answers when the file names none, as bits (enum config_method); 0: every method */

    /* Reads the value of the key. route->path has been checked; methods, on, share and limits are
     * filled in.
     * Owns:    what it returns lies in reader->memory and is route->settings from then on.
     * Returns: the settings; NULL after adding a fault, or when memory is short.
     */
    const void *(*configure)(struct config_reader *reader, const struct tree_node *node,
                             const struct config_route *route);

    /* Looks whether a route of a fine file can be served here: a fault, with its place, for what open() would
     * fail at; a warning for what is merely unwise. May be NULL.
     * Where:   the main thread, before any loop: it may block.
     */
    void (*check)(const struct config_route *route, struct config_faults *faults,
                  struct config_faults *warnings);

    /* For a kind whose methods are a matter of its settings, in the place of `methods`. May be NULL. */
    unsigned (*methods_for)(const void *settings);

    /* Names the backends it asks, each where it is written; one may come several times. May be NULL. */
    void (*backends)(const void *settings,
                     void (*each)(void *arg, const char *origin, struct config_place place), void *arg);

    /* What a request in progress holds beside what every one does, and a job at most, in memory of ours and
     * the kernel's; bodies not counted. May be NULL: nothing to speak of. */
    uint64_t (*exchange_bytes)(const void *settings);
    uint64_t (*job_bytes)(const void *settings);

    /* Answers one request, as a weir_handler does: 0 or a negative code, which becomes the answer.
     * state is what open() made on this loop; without an open() it is route->settings.
     * Where:   task. May wait.
     */
    weir_handler *handle;

    /* The body that it answers with every time, in memory that stays; what is made of it can be kept. May be
     * NULL. */
    weir_bytes (*fixed_body)(const void *settings);

    /* Makes the state of one route on one loop, before it accepts. May be NULL. The client is the loop's one,
     * for all its routes.
     * Owns:    *state belongs to the loop until close.
     * Returns: 0 or a negative code, which stops the start.
     */
    int (*open)(const struct config_route *route, weir_client *client, void **state);
    void (*close)(void *state); /* may be NULL */
};

/* The kinds of routes that a configuration may use. */
struct route_kinds {
    const struct route_kind *const *list; /* in the order they are shown; ended by NULL */
    const char *const *later;             /* names that are reserved, but not in this build; ended by NULL */
};

#endif
