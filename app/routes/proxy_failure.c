/* SPDX-License-Identifier: MIT */
#include "routes/proxy_failure.h"

#include <errno.h>
#include <stdio.h>

#include <weir/text.h>

#include "routes/gather_note.h"

static enum gather_end end_of(int err)
{
    return err == -ETIMEDOUT || err == -WEIR_EIDLE ? GATHER_DEADLINE : gather_end_of(err);
}

int proxy_failed(struct proxying *p, int err)
{
    const enum gather_end end = end_of(err);

    p->note->failed = gather_end_text(end);
    p->note->why = p->why == NULL && end == GATHER_CONNECT ? weir_error_text(err) : p->why;
    weir_request_note(p->req, p->note);
    return err;
}

int proxy_respond_failed(struct proxying *p, int err)
{
    const char *asked = p->state->settings->app != NULL ? "application" : "backend";
    char message[128], time[WEIR_DURATION_TEXT_MAX];

    (void)proxy_failed(p, err);
    switch (end_of(err)) {
    case GATHER_DEADLINE:
        if (client_deadline_passed(p->until))
            return client_deadline_respond(p->res);
        (void)snprintf(message, sizeof message, "the %s has not answered within %s", asked,
                       weir_duration_format(time, sizeof time, p->state->settings->timeout));
        return weir_respond_fault(p->res, 504, "deadline", message);
    case GATHER_BUSY:
        return weir_respond_error(p->res, -WEIR_EBUSY); /* counted as refused, with its reason */
    case GATHER_LIMITED:
    case GATHER_OPEN:
        return weir_respond_error(p->res, err);
    case GATHER_DNS:
        return weir_respond_fault(p->res, 502, "bad_gateway", "the name of the backend has no address");
    case GATHER_TLS:
        return weir_respond_fault(p->res, 502, "bad_gateway", "TLS with the backend has failed");
    case GATHER_CLOSED:
        (void)snprintf(message, sizeof message, "the %s closed the connection without an answer", asked);
        return weir_respond_fault(p->res, 502, "bad_gateway", message);
    case GATHER_BAD_RESPONSE:
    case GATHER_TOO_LARGE:
        (void)snprintf(message, sizeof message, "the answer of the %s can't be understood", asked);
        return weir_respond_fault(p->res, 502, "bad_gateway", message);
    default:
        (void)snprintf(message, sizeof message, "the %s can't be connected to", asked);
        return weir_respond_fault(p->res, 502, "bad_gateway", message);
    }
}
