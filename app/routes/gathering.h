/* SPDX-License-Identifier: MIT */
/* A gather in progress: the records that its steps share. gather_prepare.h makes the calls ready,
 * gather_fetch.h asks the backends, gather_reply.h answers.
 *
 * Threading: the tasks of its request.
 */
#ifndef APP_ROUTES_GATHERING_H
#define APP_ROUTES_GATHERING_H

#include <weir/http_client.h>
#include <weir/http_server.h>
#include <weir/trace.h>

#include "config/route_kind.h"
#include "http/client_deadline.h"
#include "routes/gather_note.h"
#include "routes/gather_settings.h"

enum { GATHER_DESCRIBING_MAX = 5 };

/* The state of a gather route on a loop. */
struct gather_state {
    const struct gather_settings *settings;
    uint64_t reply_bytes_max;
    weir_client *client;
    weir_backend *const *backends;           /* by config_backend.number */
    const struct config_header_rules *rules; /* of what is passed on */
};

/* A call of a request. */
struct gather_fetch {
    const struct gather_call *settings;
    weir_request *req;
    char traceparent[WEIR_TRACE_PARENT_BYTES];
    weir_client *client;
    weir_fetch_options options;
    weir_reply reply;
    int err;
    weir_buffer *decoded; /* the body without its content coding; NULL: it had none */
    bool lent;            /* a part of the answer points to the reply */
    size_t part;          /* the number of that part */
};

/* A request while it is answered; lies in the request's memory. */
struct gathering {
    const struct gather_state *state;
    weir_request *req;
    weir_buffer urls; /* of all calls, each ended by NUL */
    weir_header *forwarded;
    size_t forwarded_count;
    weir_header *ruled; /* set by the rules of the route */
    size_t ruled_count;
    weir_instant until;   /* the deadline that the request came with; weir_never(): none */
    bool forwards_coding; /* accept-encoding is among either */
    weir_header
        describing[GATHER_DESCRIBING_MAX]; /* the headers that describe the body, when there is a body */
    size_t describing_count;
    weir_bytes body; /* of the request; read only for calls that take a body */
    struct gather_note *note;
    bool url_too_long;
    struct gather_fetch calls[]; /* settings->call_count */
};

#endif
