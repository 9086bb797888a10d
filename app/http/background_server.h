/* SPDX-License-Identifier: MIT */
/* HTTP servers on a thread and runtime of their own, beside the main runtime: they answer while its loops are
 * held, and cost its loops nothing.
 *
 * Threading: background_servers_start() and background_servers_stop() are called by one thread, which is no
 * loop's. Handlers run on the servers' own loop.
 */
#ifndef APP_HTTP_BACKGROUND_SERVER_H
#define APP_HTTP_BACKGROUND_SERVER_H

#include <stddef.h>

#include <weir/http_server.h>
#include <weir/runtime.h>

struct background_servers;

struct background_server {
    const weir_server_options *options; /* but for what is weir_serve()'s alone */
    const weir_route *routes;
    size_t route_count;
};

/* Starts a thread that runs these servers, and waits until all of them accept connections, or one can't.
 * Owns:    servers and all they point to are lent until background_servers_stop(). name is a literal.
 * Returns: 0 with *out; the error of the first server that failed, and nothing runs.
 */
WEIR_CHECKED int background_servers_start(const char *name, const weir_options *options,
                                          const struct background_server *servers, size_t count,
                                          struct background_servers **out);

/* Begins to drain the servers, which give up their addresses.
 * Where:   any thread, until background_servers_stop(). Does not wait.
 */
void background_servers_drain(struct background_servers *group);

/* Drains the servers and waits for the thread. NULL is allowed. */
void background_servers_stop(struct background_servers *group);

#endif
