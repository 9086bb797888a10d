/* SPDX-License-Identifier: MIT */
/* A client of the admin address of a running gateway, for weir tasks, top, stalls and the like.
 *
 * Threading: admin_client_run() belongs to the main thread, the rest to the task that it runs.
 */
#ifndef APP_COMMANDS_ADMIN_CLIENT_H
#define APP_COMMANDS_ADMIN_CLIENT_H

#include <stddef.h>

#include <weir/error.h>
#include <weir/http_client.h>
#include <weir/time.h>

enum { ADMIN_URL_BYTES = 1024, ADMIN_BASE_BYTES = 300 };

struct admin_client {
    const char *command;         /* its name begins each message on stderr */
    char base[ADMIN_BASE_BYTES]; /* "http://127.0.0.1:8081" */
    const char *where;           /* "127.0.0.1:8081" or "unix:PATH", for messages */
    weir_client *client;
};

/* Runs fn(admin, arg) as a task in a runtime of its own. SIGINT and SIGTERM cancel the task: all its waits
 * then fail with -WEIR_ECANCELED, and its result is the exit code as always. address: HOST:PORT, [IPV6]:PORT
 * or PORT, with or without http://; unix:PATH; NULL: 127.0.0.1:8081.
 * Returns: the exit code: the result of fn; after a message on stderr EXIT_USAGE for an invalid address,
 *          EXIT_FAILED without a runtime.
 */
int admin_client_run(const char *command, const char *address,
                     int (*fn)(struct admin_client *admin, void *arg), void *arg);

/* Asks for a page. The answer must have status 200, and come whole within the time.
 * Owns:    reply is the caller's to weir_reply_free(). path: with its query; lent.
 * Returns: 0; -WEIR_ECANCELED interrupted, without a message; else another negative code, after a message on
 *          stderr that says what is wrong and what helps.
 */
WEIR_CHECKED int admin_client_get(struct admin_client *admin, const char *path, weir_duration within,
                                  weir_reply *reply);

/* As admin_client_get(), without a message: while a screen is drawn there is no place for it.
 * Owns:    reply is the caller's in any case: it holds a page with another status.
 * Returns: as admin_client_get(); -WEIR_EPROTOCOL also for another status than 200.
 */
WEIR_CHECKED int admin_client_try(struct admin_client *admin, const char *path, weir_duration within,
                                  weir_reply *reply);

/* Asks for something to be done. The answer may also have status 422: it was refused, and the body says why.
 * Owns:    as admin_client_try().
 * Returns: as admin_client_try().
 */
WEIR_CHECKED int admin_client_post(struct admin_client *admin, const char *path, weir_duration within,
                                   weir_reply *reply);

/* Prints the message of a failed admin_client_try() on stderr. */
void admin_client_tell(const struct admin_client *admin, const char *path, int err, const weir_reply *reply);

/* Writes the base URL of an address as admin_client_run() takes it. The URL of a Unix socket has no path.
 * Returns: 0; -EINVAL no such address.
 */
WEIR_CHECKED int admin_client_base(const char *address, char base[ADMIN_BASE_BYTES]);

#endif
