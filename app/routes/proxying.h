/* SPDX-License-Identifier: MIT */
/* A proxied request in progress: the record that its steps share.
 *
 *     proxy_exchange.h the steps, one after the other
 *     proxy_request.h  what the backend is asked: target and headers
 *     proxy_upload.h   the body of the request, on its way to the backend
 *     proxy_answer.h   the answer, on its way to the client
 *     proxy_tunnel.h   the connection, once client and backend have agreed on another protocol
 *     proxy_failure.h  what the client is told when the backend fails
 *
 * Threading: the tasks of its request.
 */
#ifndef APP_ROUTES_PROXYING_H
#define APP_ROUTES_PROXYING_H

#include <weir/http_client.h>
#include <weir/http_pump.h>
#include <weir/http_server.h>
#include <weir/time.h>

#include "http/client_deadline.h"
#include "http/proxy_headers.h"
#include "routes/proxy_note.h"
#include "routes/proxy_settings.h"

enum {
    PROXY_PIECE_BYTES = 64 << 10, /* of a body, in memory, in each direction */
    PROXY_FIRST_BYTES = 8 << 10,  /* of a body, sent with the head: a kernel takes so much in any case */
    PROXY_TWICE_BYTES = 64 << 10, /* of a body, all of it, that may be sent twice */
    PROXY_DISCARD_BYTES =
        64 << 10, /* of a body that the backend does not need: as the server drops at most */
};

/* The state of a proxy route on a loop. */
struct proxy_state {
    const struct proxy_settings *settings;
    const struct config_header_rules *rules; /* of the request to the backend */
    const struct network *trusted;           /* peers that are believed: config.trusted_proxies */
    size_t trusted_count;
    weir_client *client;
    weir_backend *const *backends; /* by config_backend.number */
};

struct proxying {
    const struct proxy_state *state;
    const char *address;                /* that is asked; NULL: that of settings.origin */
    const char *name;                   /* the time is charged to it; NULL: to settings.app, or the backend */
    int (*pass)(struct proxying *self); /* passes on the answer whose head has come, but a 101 */
    weir_request *req;
    weir_response *res;
    struct proxy_note *note;
    struct proxy_headers headers; /* of the request to the backend */
    const char *target;
    weir_instant until;               /* the deadline that the request came with; weir_never(): none */
    char left[CLIENT_DEADLINE_BYTES]; /* of it, as the backend is told */
    int64_t body_length;              /* -1: unknown */
    weir_fetch_stream *fetch;
    const char *why; /* it has failed, if more is known than the code tells */

    /* The request's body. */
    weir_buffer held;  /* the beginning, kept until the backend is asked: settings.buffer */
    const char *first; /* the beginning, what is held or what was here, which is sent with the head */
    size_t first_bytes;
    bool body_read;            /* all of it has come from the client */
    weir_body_pumped uploaded; /* what is neither held nor sent with the head */
    bool uploads;              /* it is on its way: uploaded tells where it stands */
    weir_instant since;        /* the backend has had all that there is */
    int client_err;            /* why the body could not be read */

    bool heard; /* the wait for the first of the answer is over, with heard_err */
    int heard_err;
    weir_reply reply;
    bool began; /* to be passed on: a failure can't be answered any more */
};

static inline bool proxy_has_body(const struct proxying *p)
{
    return p->body_length != 0;
}

#endif
