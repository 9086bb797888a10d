/* SPDX-License-Identifier: MIT */
/* The note of a proxied request for the access log: why its backend failed.
 *
 * Threading: belongs to the task of its request, then to on_exchange.
 */
#ifndef APP_ROUTES_PROXY_NOTE_H
#define APP_ROUTES_PROXY_NOTE_H

#include <weir/attempts.h>

#include "routes/route_note.h"

struct proxy_note {
    struct route_note base;
    const char *failed; /* "connect failed", as a gather names it; static; NULL: the backend has not failed */
    const char *why;    /* the same in more words, "it has no address: …", as weir_reply.why, or "connection
                           refused"; NULL: not known */
    weir_attempts_made attempts; /* made 0: there can be one alone */
};

#endif
