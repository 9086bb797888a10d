/* SPDX-License-Identifier: MIT */
/* HTTP servers on a thread and runtime of their own, beside the main one: so that they answer while its loops
 * are held, and cost them nothing.
 *
 * Threading: background_servers_start and background_servers_stop are called by one thread that is no loop;
 * handlers run on the side's own loop.
 */
#ifndef APP_HTTP_BACKGROUND_SERVER_H
#define APP_HTTP_BACKGROUND_SERVER_H

#include <stddef.h>

#include <weir/http_server.h>
#include <weir/runtime.h>

struct background_servers;

struct background_server {
    const weir_server_options *options; /* listen and limits; its setup, teardown and callbacks too */
    const weir_route *routes;
    size_t route_count;
    int (*beside)(void *arg); /* a task for as long as the server runs, or NULL; ends when it is cancelled */
    void *beside_arg;
};

/* Starts a thread that runs these servers; returns once all of them accept connections, or one can't.
 * Owns:    servers and all they point to are lent until background_servers_stop(). name is a literal.
 * Returns: 0 with *out; the error of the first that failed, and nothing runs.
 */
WEIR_CHECKED int background_servers_start(const char *name, const weir_options *options,
                                          const struct background_server *servers, size_t count,
                                          struct background_servers **out);

/* The servers drain and give up their addresses; what runs beside them goes on until
 * background_servers_stop(). Once.
 * Where:   a handler of theirs. Does not wait.
 */
void background_servers_give_up(struct background_servers *side);

/* Drains the servers and waits for the thread. NULL is nothing. */
void background_servers_stop(struct background_servers *side);

#endif
