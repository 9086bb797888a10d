/* SPDX-License-Identifier: MIT */
#include "routes/proxy_failure.h"

#include <errno.h>
#include <stdio.h>

#include <weir/text.h>

#include "routes/gather_note.h"

static const char open_text[] =
    "{\"error\":{\"code\":\"busy\",\"message\":\"too many requests to the backend have failed; try again "
    "later\"}}\n";

static enum gather_end end_of(int err)
{
    return err == -ETIMEDOUT ? GATHER_DEADLINE : gather_end_of(err);
}

int proxy_failed(struct proxying *p, int err)
{
    p->note->failed = gather_end_text(end_of(err));
    weir_request_note(p->req, p->note);
    return err;
}

/* The breaker is open: says for how much longer. */
static int respond_open(struct proxying *p)
{
    const struct config_backend *backend = p->state->settings->backend;
    const weir_duration left = weir_backend_retry_after(p->state->backends[backend->number]);
    char seconds[24];
    int err;

    (void)snprintf(seconds, sizeof seconds, "%lld",
                   left.ns > 0 ? (long long)(left.ns - 1) / 1000000000 + 1 : 1);
    err = weir_response_header_add(p->res, "retry-after", seconds);
    return err < 0 ? err
                   : weir_respond_bytes(p->res, 503, "application/json", open_text, sizeof open_text - 1);
}

int proxy_respond_failed(struct proxying *p, int err)
{
    char message[128], time[WEIR_DURATION_TEXT_MAX];

    (void)proxy_failed(p, err);
    switch (end_of(err)) {
    case GATHER_DEADLINE:
        (void)snprintf(message, sizeof message, "the backend has not answered within %s",
                       weir_duration_format(time, sizeof time, p->state->settings->timeout));
        return weir_respond_fault(p->res, 504, "deadline", message);
    case GATHER_BUSY:
    case GATHER_LIMITED:
        return weir_respond_fault(p->res, 503, "busy",
                                  "too many requests wait for the backend; try again later");
    case GATHER_OPEN:
        return respond_open(p);
    case GATHER_DNS:
        return weir_respond_fault(p->res, 502, "bad_gateway", "the name of the backend has no address");
    case GATHER_CLOSED:
        return weir_respond_fault(p->res, 502, "bad_gateway",
                                  "the backend closed the connection without an answer");
    case GATHER_BAD_RESPONSE:
    case GATHER_TOO_LARGE:
        return weir_respond_fault(p->res, 502, "bad_gateway",
                                  "the answer of the backend can't be understood");
    default:
        return weir_respond_fault(p->res, 502, "bad_gateway", "the backend can't be connected to");
    }
}
