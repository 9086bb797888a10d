/* SPDX-License-Identifier: MIT */
#include "http/server/server_options.h"

#include <errno.h>

#include "base/reserved.h"

enum {
    HEAD_BYTES = 16 << 10,
    HEADERS = 100,
    BODY_BYTES = 1 << 20,
    HEAD_TIMEOUT_S = 10,
    IDLE_TIMEOUT_S = 60,
    CONNECTIONS = 10000,
    EXCHANGES = 2000,
    BODY_RATE_BYTES = 256,
};

static void fill_name(const char **name, const char *fallback)
{
    if (*name == NULL)
        *name = fallback;
}

static void fill_names(weir_limit_names *names)
{
    fill_name(&names->head, "weir_limits.head_bytes");
    fill_name(&names->headers, "weir_limits.headers");
    fill_name(&names->body, "weir_limits.body_bytes");
    fill_name(&names->head_timeout, "weir_limits.head_timeout");
    fill_name(&names->idle_timeout, "weir_limits.idle_timeout");
    fill_name(&names->body_rate, "weir_limits.body_rate_bytes");
}

/* Whether no field is used that this version does not have. */
static bool is_known(const weir_server_options *o)
{
    return weir__reserved_is_zero(o->reserved, sizeof o->reserved) &&
           weir__reserved_is_zero(o->limits.reserved, sizeof o->limits.reserved) &&
           weir__reserved_is_zero(o->limit_names.reserved, sizeof o->limit_names.reserved);
}

int weir__server_options_complete(weir_server_options *o)
{
    weir_limits *l = &o->limits;

    if (!is_known(o) || l->headers < 0 || l->connections < 0 || l->connections_per_client < 0 ||
        l->exchanges < 0 || l->head_timeout.ns < 0 || l->idle_timeout.ns < 0 || o->drain.ns < 0 ||
        l->head_bytes > 1 << 20)
        return -EINVAL;
    l->head_bytes = l->head_bytes != 0 ? l->head_bytes : HEAD_BYTES;
    l->headers = l->headers != 0 ? l->headers : HEADERS;
    l->body_bytes = l->body_bytes != 0 ? l->body_bytes : BODY_BYTES;
    l->head_timeout = l->head_timeout.ns != 0 ? l->head_timeout : weir_seconds(HEAD_TIMEOUT_S);
    l->idle_timeout = l->idle_timeout.ns != 0 ? l->idle_timeout : weir_seconds(IDLE_TIMEOUT_S);
    l->body_rate_bytes = l->body_rate_bytes != 0 ? l->body_rate_bytes : BODY_RATE_BYTES;
    l->connections = l->connections != 0 ? l->connections : CONNECTIONS;
    l->exchanges = l->exchanges != 0 ? l->exchanges : EXCHANGES;
    o->drain = o->drain.ns != 0 ? o->drain : weir_seconds(WEIR__DRAIN_S);
    fill_names(&o->limit_names);
    return 0;
}
