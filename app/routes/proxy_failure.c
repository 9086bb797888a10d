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
    p->note->failed = gather_end_text(end_of(err));
    p->note->why = p->why;
    weir_request_note(p->req, p->note);
    return err;
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
        return weir_respond_error(p->res, -WEIR_EBUSY); /* counted as refused, with its reason */
    case GATHER_LIMITED:
    case GATHER_OPEN:
        return weir_respond_error(p->res, err);
    case GATHER_DNS:
        return weir_respond_fault(p->res, 502, "bad_gateway", "the name of the backend has no address");
    case GATHER_TLS:
        return weir_respond_fault(p->res, 502, "bad_gateway", "TLS with the backend has failed");
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
