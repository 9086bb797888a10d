/* SPDX-License-Identifier: MIT */
/* Asking a running gateway at its admin address: what weir tasks, top and their like have in common.
 *
 * Threading: admin_client_run is for the main thread; the rest is for the task it runs.
 */
#ifndef APP_COMMANDS_ADMIN_CLIENT_H
#define APP_COMMANDS_ADMIN_CLIENT_H

#include <stddef.h>

#include <weir/error.h>
#include <weir/http_client.h>
#include <weir/time.h>

enum { ADMIN_URL_BYTES = 1024, ADMIN_BASE_BYTES = 300 };

struct admin_client {
    const char *command;         /* for what is told on stderr */
    char base[ADMIN_BASE_BYTES]; /* "http://127.0.0.1:8081" */
    const char *where;           /* "127.0.0.1:8081" or "unix:PATH", for whoever reads it */
    weir_client *client;
};

/* Runs fn(admin, arg) as a task in a runtime of its own. SIGINT and SIGTERM cancel it: all its waits then
 * fail with -WEIR_ECANCELED, and it returns what is fine to return then.
 * address: HOST:PORT, [IPV6]:PORT, PORT, with http:// before it or not; unix:PATH; NULL: 127.0.0.1:8081.
 * Returns: the exit code: that of fn; EXIT_USAGE for an address that is none, EXIT_FAILED without a runtime,
 *          after telling on stderr.
 */
int admin_client_run(const char *command, const char *address,
                     int (*fn)(struct admin_client *admin, void *arg), void *arg);

/* Asks for a page, whose answer must be 200 and come whole within the time.
 * Owns:    reply is the caller's to weir_reply_free(). path: with its query; lent.
 * Returns: 0; -WEIR_ECANCELED, interrupted, which is not told; else another negative code, after telling on
 *          stderr what is wrong and what helps.
 */
WEIR_CHECKED int admin_client_get(struct admin_client *admin, const char *path, weir_duration within,
                                  weir_reply *reply);

/* The same, but tells nothing: while a screen is drawn there is no place for it.
 * Owns:    reply is the caller's in any case: a page with another status is in it.
 * Returns: 0; -WEIR_EPROTOCOL another status than 200, too.
 */
WEIR_CHECKED int admin_client_try(struct admin_client *admin, const char *path, weir_duration within,
                                  weir_reply *reply);

/* Says on stderr what that was, and what helps. */
void admin_client_tell(const struct admin_client *admin, const char *path, int err, const weir_reply *reply);

/* Adds "?name=value" to a path of room bytes, or "&name=value", with the value encoded.
 * Returns: 0; -WEIR_ETOOLARGE.
 */
WEIR_CHECKED int admin_client_add_query(char *path, size_t room, const char *name, const char *value);

/* Writes the base URL of an address, as of admin_client_run; that of a Unix socket names no path.
 * Returns: 0; -EINVAL it is none.
 */
WEIR_CHECKED int admin_client_base(const char *address, char base[ADMIN_BASE_BYTES]);

#endif
