/* SPDX-License-Identifier: MIT */
#include "http/server/response_error.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <weir/json.h>
#include <weir/text.h>

#include "http/server/filter.h"
#include "http/server/handler_check.h"
#include "http/server/refusals.h"
#include "http/server/response_send.h"

/* Says when to try again: after the wait that a pool expected as it refused, or a breaker, rounded up; or a
 * second.
 */
static int add_retry_after(weir_response *res)
{
    int64_t busy_ns = weir__exchange_of_response(res)->activity.busy_for_ns;
    char seconds[24];

    (void)snprintf(seconds, sizeof seconds, "%" PRId64, busy_ns > 0 ? (busy_ns - 1) / 1000000000 + 1 : 1);
    return weir_response_header_add(res, "retry-after", seconds);
}

int weir_respond_fault(weir_response *res, int status, const char *code, const char *message)
{
    weir_buffer text;
    int err;

    (void)weir__checked_response(res, __func__);
    weir_buffer_init(&text, 4096);
    err = weir_buffer_append_text(&text, "{\"error\":{\"code\":");
    if (err == 0)
        err = weir_json_append_string(&text, code, strlen(code));
    if (err == 0)
        err = weir_buffer_append_text(&text, ",\"message\":");
    if (err == 0)
        err = weir_json_append_string(&text, message, strlen(message));
    if (err == 0)
        err = weir_buffer_append_text(&text, "}}\n");
    if (err == 0 && status == 503)
        err = add_retry_after(res);
    if (err == 0)
        err = weir_respond_buffer(res, status, "application/json", &text);
    weir_buffer_free(&text);
    return err;
}

static int reply_busy(weir_response *res)
{
    const char *why = weir__exchange_of_response(res)->activity.busy_why;
    char message[128];

    (void)snprintf(message, sizeof message, "%s; try again later", why != NULL ? why : "a limit is reached");
    return weir_respond_fault(res, 503, "busy", message);
}

int weir_respond_refusal(weir_response *res, const char *reason, int status, const char *code,
                         const char *message)
{
    struct weir__exchange *x = weir__checked_response(res, __func__);

    if (!res->began && x->refusal.status == 0)
        x->refusal.reason = reason;
    return weir_respond_fault(res, status, code, message);
}

int weir_respond_busy(weir_response *res, const char *reason, weir_duration retry_after, const char *message)
{
    weir__checked_response(res, __func__)->activity.busy_for_ns = retry_after.ns;
    return weir_respond_refusal(res, reason, 503, "busy", message);
}

/* The reason of a refusal that a handler passes on as an error; NULL: it is none. */
static const char *reason_of(const weir_response *res, int err)
{
    const char *pool = weir__exchange_of_response(res)->activity.busy_reason;

    switch (-err) {
    case WEIR_EBUSY:
    case WEIR_ELATE:
        return pool != NULL ? pool : "busy";
    case WEIR_EOPEN:
        return "backend_open";
    case WEIR_ELIMITED:
        return "backend_limited";
    case WEIR_ENESTED:
    case EAGAIN:
        return "pool_other";
    case ENOMEM:
        return "memory";
    case WEIR_ETOOLARGE:
    case WEIR_ECPU:
        return "too_large";
    case WEIR_EPROTOCOL:
        return "malformed";
    case WEIR_ETRUNCATED:
        return "truncated";
    case WEIR_ESLOW:
        return weir__exchange_of_response(res)->refusal.reason; /* which limit it was is known already */
    default:
        return NULL;
    }
}

static int reply_slow(weir_response *res)
{
    const struct weir__exchange *x = weir__exchange_of_response(res);
    const weir_server_options *o = &x->home->server->options;
    const char *reason = x->refusal.reason;
    char message[160], time[WEIR_DURATION_TEXT_MAX];

    if (reason != NULL && strcmp(reason, "body_rate") == 0)
        (void)snprintf(message, sizeof message,
                       "the request's body arrived too slowly: %" PRIu64 " bytes a second at least (%s)",
                       o->limits.body_rate_bytes, o->limit_names.body_rate);
    else
        (void)snprintf(message, sizeof message, "nothing more of the request's body arrived for %s (%s)",
                       weir_duration_format(time, sizeof time, o->limits.idle_timeout),
                       o->limit_names.idle_timeout);
    return weir_respond_fault(res, 408, "timeout", message);
}

/* The decoder of chunks knows what was wrong, and what was expected. */
static int reply_malformed(weir_response *res)
{
    const char *fault = weir__exchange_of_response(res)->request.body.chunked.fault;
    char message[160];

    if (fault == NULL)
        return weir_respond_fault(res, 400, "malformed", "the request body is not valid");
    (void)snprintf(message, sizeof message, "the request body is not valid: %s", fault);
    return weir_respond_fault(res, 400, "malformed", message);
}

/* What is too large is the body, or what a chunked body has beside it. */
static const char *too_large(struct weir__exchange *x)
{
    const char *fault = x->request.body.chunked.fault;

    if (fault != NULL)
        return fault;
    return weir_request_body_is_too_large(&x->request) ? weir__body_limit_text(x)
                                                       : "the body is larger than the limit";
}

int weir_respond_error(weir_response *res, int err)
{
    struct weir__exchange *x = weir__checked_response(res, __func__);

    if (!res->began && x->refusal.status == 0)
        x->refusal.reason = reason_of(res, err);
    switch (-err) {
    case WEIR_EBUSY:
    case WEIR_EOPEN:
    case WEIR_ELIMITED:
        return reply_busy(res);
    case ENOMEM:
        return weir_respond_fault(res, 503, "busy", "out of memory; try again later");
    case WEIR_ENESTED:
    case EAGAIN:
        return weir_respond_fault(res, 503, "busy", "no thread is free; try again later");
    case WEIR_EDEADLINE:
        return weir_respond_fault(res, 504, "deadline", "deadline exceeded");
    case WEIR_ELATE:
        return weir_respond_fault(res, 504, "deadline", "the job would not have ended before the deadline");
    case WEIR_ETOOLARGE:
        return weir_respond_fault(res, 413, "too_large", too_large(x));
    case WEIR_ECPU:
        return weir_respond_fault(res, 422, "too_large", "the request takes more CPU time than is allowed");
    case WEIR_EPROTOCOL:
        return reply_malformed(res);
    case WEIR_ESLOW:
        return reply_slow(res);
    case EPROTONOSUPPORT:
        return weir_respond_fault(res, 426, "upgrade_required",
                                  "the request does not ask for the protocol of this route: see Upgrade");
    case WEIR_ETRUNCATED:
        return weir_respond_fault(res, 400, "truncated", "the request body ended early");
    default:
        return weir_respond_fault(res, 500, "internal", weir_error_text(err));
    }
}

void weir__response_finish(struct weir__exchange *x, int outcome)
{
    weir_response *res = &x->response;

    if (!res->began) {
        if (x->client_left)
            res->err = -ECONNRESET;
        else if (outcome < 0)
            (void)weir_respond_error(res, outcome);
        else
            (void)weir_respond_fault(res, 500, "internal", "the handler gave no answer");
    }
    if (res->ended || res->err < 0)
        return;
    res->ended = outcome >= 0 && (res->no_body || res->left == 0 || res->left == UINT64_MAX);
    if (res->ended && res->filtered) {
        outcome = weir__filter_finish(x);
        res->ended = outcome >= 0;
    }
    if (res->ended)
        weir__response_send_end(x);
    else
        res->err = outcome < 0 ? outcome : -WEIR_ETRUNCATED;
}
