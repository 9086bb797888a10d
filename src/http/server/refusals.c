/* SPDX-License-Identifier: MIT */
/* The reasons for which a request is refused: every reason that a refusal names, and every code of its
 * answer. */
#include "http/server/refusals.h"

#include <inttypes.h>
#include <stdio.h>

#include <weir/text.h>

static const weir_refusal refusals[] = {
    {"exchanges", WEIR_REFUSAL_LOAD},
    {"queueing", WEIR_REFUSAL_LOAD},
    {"pool_full", WEIR_REFUSAL_LOAD},
    {"pool_wait", WEIR_REFUSAL_LOAD},
    {"pool_deadline", WEIR_REFUSAL_LOAD},
    {"pool_late", WEIR_REFUSAL_LOAD},
    {"pool_other", WEIR_REFUSAL_LOAD},
    {"busy", WEIR_REFUSAL_LOAD},
    {"memory", WEIR_REFUSAL_LOAD},
    {"timeout", WEIR_REFUSAL_SLOWNESS},
    {"body_rate", WEIR_REFUSAL_SLOWNESS},
    {"unread", WEIR_REFUSAL_SLOWNESS},
    {"replies", WEIR_REFUSAL_LOAD},
    {"backend_busy", WEIR_REFUSAL_LOAD},
    {"backend_limited", WEIR_REFUSAL_LOAD},
    {"backend_open", WEIR_REFUSAL_LOAD},
    {"app_busy", WEIR_REFUSAL_LOAD},
    {"app_unready", WEIR_REFUSAL_LOAD},
    {"rate", WEIR_REFUSAL_RULE},
    {"auth", WEIR_REFUSAL_RULE},
    {"origin", WEIR_REFUSAL_RULE},
    {"not_found", WEIR_REFUSAL_FAULT},
    {"method_not_allowed", WEIR_REFUSAL_FAULT},
    {"malformed", WEIR_REFUSAL_FAULT},
    {"truncated", WEIR_REFUSAL_FAULT},
    {"too_large", WEIR_REFUSAL_FAULT},
    {"head_too_large", WEIR_REFUSAL_FAULT},
    {"target_too_long", WEIR_REFUSAL_FAULT},
    {"not_implemented", WEIR_REFUSAL_FAULT},
    {"other", WEIR_REFUSAL_FAULT},
};

const weir_refusal *weir_refusal_at(size_t i)
{
    return i < sizeof refusals / sizeof *refusals ? &refusals[i] : NULL;
}

/* --- refusing --- */

void weir__refuse(struct weir__exchange *x, int status, const char *code, const char *message, bool close)
{
    if (x->refusal.status == 0)
        x->refusal =
            (struct weir__refusal){.status = status, .code = code, .message = message, .close = close};
}

void weir__refuse_busy(struct weir__exchange *x, const char *reason, const char *message)
{
    if (x->refusal.status != 0)
        return;
    weir__refuse(x, 503, "busy", message, false);
    x->refusal.reason = reason;
}

static const char *code_of(int status)
{
    switch (status) {
    case 413:
        return "too_large";
    case 414:
        return "target_too_long";
    case 431:
        return "head_too_large";
    case 501:
        return "not_implemented";
    default:
        return "malformed";
    }
}

/* "1MiB", "1000". */
static const char *size_text(char text[static 32], uint64_t bytes)
{
    static const char *const units[] = {" bytes", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;

    while (bytes > 0 && bytes % 1024 == 0 && unit < 4)
        bytes /= 1024, unit++;
    (void)snprintf(text, 32, "%" PRIu64 "%s", bytes, units[unit]);
    return text;
}

/* Adds the limit to a message, if there is memory for that. */
static const char *with_limit(struct weir__exchange *x, const char *message, const char *limit,
                              const char *name)
{
    const char *text = weir__arena_printf(&x->memory, "%s: %s at most (%s)", message, limit, name);

    return text != NULL ? text : message;
}

void weir__refuse_fault(struct weir__exchange *x, const struct weir__http_fault *fault)
{
    const weir_server_options *o = &x->home->server->options;
    const char *message = fault->message;
    char text[32];

    if (fault->too_many_fields) {
        (void)snprintf(text, sizeof text, "%d", o->limits.headers);
        message = with_limit(x, message, text, o->limit_names.headers);
    } else if (fault->status == 414 || fault->status == 431) {
        message = with_limit(x, message, size_text(text, o->limits.head_bytes), o->limit_names.head);
    }
    weir__refuse(x, fault->status, code_of(fault->status), message, true);
}

void weir__refuse_slow_head(struct weir__exchange *x)
{
    const weir_server_options *o = &x->home->server->options;
    char text[WEIR_DURATION_TEXT_MAX];

    weir__refuse(x, 408, "timeout",
                 with_limit(x, "the request's head took too long to arrive",
                            weir_duration_format(text, sizeof text, o->limits.head_timeout),
                            o->limit_names.head_timeout),
                 true);
}

const char *weir__body_limit_text(struct weir__exchange *x)
{
    char text[32];

    return with_limit(x, "the request's body is larger than this route accepts",
                      size_text(text, x->request.body.max), x->home->server->options.limit_names.body);
}
