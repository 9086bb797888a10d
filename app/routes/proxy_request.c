/* SPDX-License-Identifier: MIT */
#include "routes/proxy_request.h"

#include <errno.h>
#include <string.h>

#include <weir/task.h>

#include "http/header_rules.h"
#include "http/template.h"
#include "routes/proxy_upload.h"
#include "text/networks.h"

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

/* --- headers --- */

/* The rules of the file come last: they hold for what is added here, too. */
static int apply_rules(struct proxying *p)
{
    const struct config_header_rules *rules = p->state->rules;
    struct proxy_headers *made = &p->headers;
    weir_header *out = weir_request_alloc(p->req, (made->count + rules->count) * sizeof *out);
    size_t n = 0;
    int set;

    if (out == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < made->count; i++)
        if (!header_rules_name(rules, weir_bytes_of(made->header[i].name)))
            out[n++] = made->header[i];
    set = header_rules_set(rules, p->req, out + n);
    if (set < 0)
        return set;
    made->count = n + (size_t)set;
    made->header = out;
    return 0;
}

/* --- the whole --- */

/* Where there may be second attempts, the client of the library tells each of them. */
static bool tells_deadline(const struct proxying *p)
{
    const struct config_backend *backend = p->state->settings->backend;

    return (backend == NULL || !backend->options.tells_deadline) && !weir_is_never(p->until);
}

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
        .proxies = p->state->trusted,
        .proxy_count = p->state->trusted_count,
        .trusted = networks_have(p->state->trusted, p->state->trusted_count, weir_request_peer(p->req)),
        .has_body = proxy_has_body(p),
        .continues =
            weir_request_awaits_continue(p->req) && settings->buffer_bytes == 0 && !proxy_upload_is_kept(p),
        .deadline = tells_deadline(p) ? p->left : NULL,
        .own_host = settings->host == PROXY_HOST_CLIENT,
    };
    int err = make_target(p);

    if (err == 0)
        err = proxy_request_headers(headers, count, &facts, &memory, &p->headers);
    if (err == 0 && p->state->rules->count > 0)
        err = apply_rules(p);
    if (err == 0 && facts.continues)
        weir_request_leave_continue(p->req);
    return err;
}

int proxy_request_send(struct proxying *p)
{
    const struct proxy_settings *settings = p->state->settings;
    weir_fetch_options options = {
        .method = weir_request_method(p->req),
        .url = settings->origin,
        .address = p->address,
        .name = p->name != NULL ? p->name : settings->app,
        .once = settings->app != NULL,
        .foreign_deadline = p->until.ns < weir_add(p->since, settings->timeout).ns,
        .target = p->target,
        .headers = p->headers.header,
        .header_count = p->headers.count,
        .first = p->first,
        .first_bytes = p->first_bytes,
        .duplex = proxy_has_body(p) && !proxy_upload_is_whole(p),
        .upgrade = p->headers.upgrade,
        .why = &p->why,
    };
    int err;

    if (tells_deadline(p))
        (void)client_deadline_left(p->left, weir_deadline());
    if (settings->backend != NULL) {
        options.backend = p->state->backends[settings->backend->number];
        options.repeatable = settings->repeatable;
        options.attempts = &p->note->attempts;
        if (settings->backend->key.count > 0)
            options.balance_key = template_fill(&settings->backend->key, p->req);
    }
    err = weir_fetch_open(p->state->client, &options, p->body_length, &p->fetch);
    if (p->note->attempts.made > 0)
        weir_request_note(p->req, p->note);
    return err;
}
