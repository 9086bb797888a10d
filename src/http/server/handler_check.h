/* SPDX-License-Identifier: MIT */
/* Mistakes of handlers: a request or response that is used from another loop, another thread or a job, or
 * after the handler has returned. Each ends the program: see core/misuse.h.
 *
 * Threading: any thread.
 */
#ifndef WEIR__HTTP_SERVER_HANDLER_CHECK_H
#define WEIR__HTTP_SERVER_HANDLER_CHECK_H

#include "core/misuse.h"
#include "http/server/state.h"

/* Ends the program. loop: of the exchange; NULL: its handler has returned. what: "a request". */
void weir__misuse_of_exchange(const struct weir__loop *loop, const char *function, const char *what)
    __attribute__((noreturn, cold, noinline));

/* The exchange of a request, for a public function that handlers call. */
static inline struct weir__exchange *weir__checked_request(const weir_request *req, const char *function)
{
    struct weir__exchange *x = weir__exchange_of_request(req);

    if (__builtin_expect(x->loop != weir__loop_current() || x->loop == NULL, 0))
        weir__misuse_of_exchange(x->loop, function, "a request");
    return x;
}

/* The same of a response. */
static inline struct weir__exchange *weir__checked_response(const weir_response *res, const char *function)
{
    struct weir__exchange *x = weir__exchange_of_response(res);

    if (__builtin_expect(x->loop != weir__loop_current() || x->loop == NULL, 0))
        weir__misuse_of_exchange(x->loop, function, "a response");
    return x;
}

#endif
