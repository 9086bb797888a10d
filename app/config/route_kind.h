/* SPDX-License-Identifier: MIT */
/* A kind of route: what "respond:", "gather:" and the others do. Each kind is a file of routes/, and
 * a line in routes/table.c.
 *
 * Threading: configure runs once, before any loop. open, handle and close run on a loop, with that loop's own
 * state; the settings are shared by all loops and never written again.
 */
#ifndef APP_CONFIG_ROUTE_KIND_H
#define APP_CONFIG_ROUTE_KIND_H

#include <weir/backend.h>
#include <weir/http_client.h>
#include <weir/http_server.h>

#include "config/config.h"
#include "config/schema.h"

struct app_queue;
struct file_cache;

/* What a loop has for all its routes. */
struct route_loop {
    const struct config *config;
    weir_client *client;
    weir_backend *const *backends; /* by config_backend.number */
    struct app_queue *const *apps; /* by config_app.number; apps/queue.h */
    struct file_cache *files;      /* files/file_cache.h */
};

struct route_kind {
    const char *name; /* the key in the file */
    const char *on;   /* the pool it computes on unless the file names another; NULL: it computes nothing */
    unsigned
        methods; /* it answers unless the file names others, as bits (enum config_method); 0: every method */

    /* Reads the value of the key. The route's path is valid; its methods, on, share and limits are known.
     * Owns:    the result lies in reader->memory, and becomes route->settings.
     * Returns: the settings; NULL after a fault, or without memory.
     */
    const void *(*configure)(struct config_reader *reader, const struct tree_node *node,
                             const struct config_route *route);

    /* Checks whether a route of a valid file can be served here: adds a fault for each reason why open()
     * would fail, and a warning for a setting that is merely unwise. May be NULL.
     * Where:   the main thread, before any loop: it may block.
     */
    void (*check)(const struct config_route *route, struct config_faults *faults,
                  struct config_faults *warnings);

    /* The methods, when they depend on the settings; used in place of `methods`. May be NULL. */
    unsigned (*methods_for)(const void *settings);

    /* The methods that it can answer with these settings, as bits: a route must not name others. NULL: all.
     */
    unsigned (*answerable)(const void *settings);

    /* Calls each() for every origin that the route itself names, with its place, not for those of "backends";
     * an origin may come several times. May be NULL. */
    void (*backends)(const void *settings,
                     void (*each)(void *arg, const char *origin, struct config_place place), void *arg);

    /* The memory, ours and the kernel's, that a request in progress holds beside what every request does, and
     * that a job holds at most; without bodies. NULL: negligible. */
    uint64_t (*exchange_bytes)(const void *settings);
    uint64_t (*job_bytes)(const void *settings);

    /* The memory that all routes of this kind may hold together in a process, beside requests. */
    uint64_t process_bytes;

    /* Answers a request, as a weir_handler does: 0, or a negative code, which becomes the answer. state was
     * made by open() on this loop; without an open() it is route->settings.
     * Where:   task. May wait.
     */
    weir_handler *handle;

    /* handle() reads the deadline that a request comes with: http/client_deadline.h; or it answers at once,
     * and needs none. For other kinds it is a deadline of the task until the answer begins. */
    bool heeds_deadline;

    /* The body of every answer, when it is always the same, in memory that stays: its compressed form can be
     * kept. May be NULL. */
    weir_bytes (*fixed_body)(const void *settings);

    /* Makes the state of a route on a loop, before it accepts. May be NULL.
     * Owns:    *state belongs to the loop until close; what loop points to outlives it.
     * Returns: 0 or a negative code, which stops the start.
     */
    int (*open)(const struct config_route *route, const struct route_loop *loop, void **state);
    void (*close)(void *state); /* may be NULL */
};

/* The kinds of routes that a configuration may use. */
struct route_kinds {
    const struct route_kind *const *list; /* in the order they are shown; ended by NULL */
    const char *const *later;             /* names that are reserved, but not in this build; ended by NULL */
};

#endif
