/* SPDX-License-Identifier: MIT */
/* The deadline that a request comes with: x-weir-deadline-ms, how many milliseconds its client waits for the
 * answer. Backends are told what is left of it, so that none works for a client that has given up.
 *
 * It holds until the answer begins: what has begun is sent to its end.
 *
 * Threading: tasks of the loop of the request.
 */
#ifndef APP_HTTP_CLIENT_DEADLINE_H
#define APP_HTTP_CLIENT_DEADLINE_H

#include <stdbool.h>

#include <weir/http_server.h>
#include <weir/time.h>

#define CLIENT_DEADLINE_HEADER "x-weir-deadline-ms"

enum { CLIENT_DEADLINE_BYTES = 24 }; /* room for the value of the header */

/* Reads the deadline. One that cannot be read is answered 400; one that has passed already, 504.
 * Takes:   until: set to the deadline; weir_never(): the request has none.
 * Returns: 0; 1 the request has been answered; < 0 it could not be.
 */
WEIR_CHECKED int client_deadline_read(weir_request *req, weir_response *res, weir_instant *until);

/* Runs a handler that knows nothing of the deadline: its waits fail with -WEIR_EDEADLINE when the deadline
 * passes before the answer has begun.
 * Returns: as the handler, or as client_deadline_read().
 */
WEIR_CHECKED int client_deadline_run(weir_request *req, weir_response *res, weir_handler *handler,
                                     void *state);

/* Answers 504: the deadline has passed.
 * Returns: as weir_respond_fault().
 */
WEIR_CHECKED int client_deadline_respond(weir_response *res);

/* Reports whether a deadline has passed; weir_never() never has. */
bool client_deadline_passed(weir_instant until);

/* The earlier of two instants. */
weir_instant client_deadline_min(weir_instant a, weir_instant b);

/* Writes what is left: the value of the header for a backend. until is not weir_never().
 * Returns: text.
 */
const char *client_deadline_left(char text[CLIENT_DEADLINE_BYTES], weir_instant until);

#endif
