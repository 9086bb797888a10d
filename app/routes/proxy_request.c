/* SPDX-License-Identifier: MIT */
#include "routes/proxy_request.h"

#include <errno.h>
#include <string.h>

static void *take(void *arg, size_t bytes)
{
    return weir_request_alloc(arg, bytes);
}

struct proxy_memory proxy_memory_of(weir_request *req)
{
    return (struct proxy_memory){take, req};
}

/* --- the target --- */

/* What is left of a path without its first segments; it begins with '/', or is empty. */
static const char *without_segments(const char *path, int count)
{
    for (int i = 0; i < count && *path != '\0'; i++) {
        path++;
        path += strcspn(path, "/");
    }
    return path;
}

/* The query goes on byte for byte, also an empty one. */
static int make_target(struct proxying *p)
{
    const struct proxy_settings *settings = p->state->settings;
    const char *rest = without_segments(weir_request_path_written(p->req), settings->strip);
    const char *query = strchr(weir_request_target(p->req), '?');
    size_t base = strlen(settings->base), path = strlen(rest), tail = query != NULL ? strlen(query) : 0;
    char *target = weir_request_alloc(p->req, base + path + tail + 2), *at = target;

    if (target == NULL)
        return -ENOMEM;
    at = mempcpy(at, settings->base, base);
    at = mempcpy(at, rest, path);
    if (at == target)
        *at++ = '/';
    if (query != NULL)
        at = mempcpy(at, query, tail);
    *at = '\0';
    p->target = target;
    return 0;
}

/* --- the whole --- */

int proxy_request_make(struct proxying *p)
{
    const struct proxy_memory memory = proxy_memory_of(p->req);
    const struct proxy_settings *settings = p->state->settings;
    size_t count;
    const weir_header *headers = weir_request_headers(p->req, &count);
    const struct proxy_request facts = {
        .method = weir_request_method(p->req),
        .peer = weir_request_peer(p->req),
        .scheme = weir_request_scheme(p->req),
        .authority = weir_request_authority(p->req),
        .version = weir_request_version(p->req),
        .has_body = proxy_has_body(p),
        .continues = weir_request_awaits_continue(p->req) && settings->buffer_bytes == 0,
        .own_host = settings->host == PROXY_HOST_CLIENT,
    };
    int err = make_target(p);

    if (err == 0)
        err = proxy_request_headers(headers, count, &facts, &memory, &p->headers);
    if (err == 0 && facts.continues)
        weir_request_leave_continue(p->req);
    return err;
}

int proxy_request_send(struct proxying *p)
{
    const struct proxy_settings *settings = p->state->settings;
    const weir_fetch_options options = {
        .method = weir_request_method(p->req),
        .url = settings->origin,
        .address = settings->address,
        .target = p->target,
        .headers = p->headers.header,
        .header_count = p->headers.count,
        .duplex = proxy_has_body(p),
        .upgrade = p->headers.upgrade,
    };

    return weir_fetch_open(p->state->client, &options, p->body_length, &p->fetch);
}
