/* SPDX-License-Identifier: MIT */
/* HTTP servers on a thread and runtime of their own, beside the main one: so that they answer while its loops
 * are held, and cost them nothing.
 *
 * Threading: side_start and side_stop are called by one thread that is no loop; handlers run on the side's
 * own loop.
 */
#ifndef APP_HTTP_BACKGROUND_SERVER_H
#define APP_HTTP_BACKGROUND_SERVER_H

#include <stddef.h>

#include <weir/http_server.h>
#include <weir/runtime.h>

struct side;

struct side_server {
    const weir_server_options *options; /* listen and limits; its setup, teardown and callbacks too */
    const weir_route *routes;
    size_t route_count;
    int (*beside)(void *arg); /* a task for as long as the server runs, or NULL; ends when it is cancelled */
    void *beside_arg;
};

/* Starts a thread that runs these servers; returns once all of them accept connections, or one can't.
 * Owns:    servers and all they point to are lent until side_stop(). name is a literal.
 * Returns: 0 with *out; the error of the first that failed, and nothing runs.
 */
WEIR_CHECKED int side_start(const char *name, const weir_options *options, const struct side_server *servers,
                            size_t count, struct side **out);

/* The servers drain and give up their addresses; what runs beside them goes on until side_stop(). Once.
 * Where:   a handler of theirs. Does not wait.
 */
void side_give_up(struct side *side);

/* Drains the servers and waits for the thread. NULL is nothing. */
void side_stop(struct side *side);

#endif
