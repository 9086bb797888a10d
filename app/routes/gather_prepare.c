/* SPDX-License-Identifier: MIT */
#include "routes/gather_prepare.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include <weir/random.h>

#include "http/header_rules.h"
#include "http/template.h"
#include "routes/discard.h"
#include "routes/gather_request.h"

static bool takes_body(const struct gather_call *call)
{
    return call->method == CONFIG_POST || call->method == CONFIG_PUT || call->method == CONFIG_PATCH;
}

static const char *param_of(const void *req, const char *name)
{
    return weir_request_param(req, name);
}

static char *copy_text(weir_request *req, weir_bytes text)
{
    char *copy = weir_request_alloc(req, text.len + 1);

    if (copy != NULL) {
        memcpy(copy, text.data, text.len);
        copy[text.len] = '\0';
    }
    return copy;
}

/* Reports whether a header of the request is passed on as it came. */
static bool passes(const struct gathering *g, weir_bytes connection, weir_bytes name)
{
    const struct gather_settings *settings = g->state->settings;

    return gather_forwards(settings->forward, settings->forward_count, connection, name) &&
           !header_rules_name(g->state->rules, name);
}

/* Adds the headers that the rules of the route set. */
static int collect_ruled(struct gathering *g)
{
    int count;

    g->ruled = weir_request_alloc(g->req, g->state->rules->count * sizeof *g->ruled);
    count = g->ruled != NULL ? header_rules_set(g->state->rules, g->req, g->ruled) : -ENOMEM;
    if (count < 0)
        return count;
    g->ruled_count = (size_t)count;
    for (size_t i = 0; i < g->ruled_count; i++)
        g->forwards_coding = g->forwards_coding || strcasecmp(g->ruled[i].name, "accept-encoding") == 0;
    return 0;
}

static int collect_headers(struct gathering *g)
{
    const weir_bytes connection = weir_bytes_of(weir_request_header_joined(g->req, "connection"));
    size_t count = 0;
    weir_bytes name, value;

    for (size_t i = 0; weir_request_header_at(g->req, i, &name, &value); i++)
        count += passes(g, connection, name);
    if (count == 0)
        return 0;
    g->forwarded = weir_request_alloc(g->req, count * sizeof *g->forwarded);
    if (g->forwarded == NULL)
        return -ENOMEM;
    for (size_t i = 0; weir_request_header_at(g->req, i, &name, &value); i++) {
        weir_header *header;

        if (!passes(g, connection, name))
            continue;
        header = &g->forwarded[g->forwarded_count];
        *header = (weir_header){copy_text(g->req, name), copy_text(g->req, value)};
        if (header->name == NULL || header->value == NULL)
            return -ENOMEM;
        g->forwarded_count++;
        g->forwards_coding = g->forwards_coding || strcasecmp(header->name, "accept-encoding") == 0;
    }
    return 0;
}

static size_t add_trace(struct gathering *g, struct gather_fetch *call, weir_header *headers)
{
    const char *state = weir_request_trace_state(g->req);
    size_t n = 0;

    if (gather_call_sets(call->settings, "traceparent") ||
        header_rules_name(g->state->rules, weir_bytes_of("traceparent")))
        return 0;
    /* Each call is a span of its own. Its id is odd, and so not 0. */
    headers[n++] = (weir_header){"traceparent", weir_trace_format(weir_request_trace(g->req),
                                                                  weir_random_u64() | 1, call->traceparent)};
    if (state != NULL && !gather_call_sets(call->settings, "tracestate") &&
        !header_rules_name(g->state->rules, weir_bytes_of("tracestate")))
        headers[n++] = (weir_header){"tracestate", state};
    return n;
}

static bool describes_body(const struct gathering *g, const char *name)
{
    for (size_t i = 0; i < g->describing_count; i++)
        if (strcasecmp(g->describing[i].name, name) == 0)
            return true;
    return false;
}

/* Keeps the headers that describe the body: without them a backend could not interpret it. */
static void collect_describing(struct gathering *g)
{
    static const char *const names[GATHER_DESCRIBING_MAX] = {
        "content-type", "content-encoding", "content-language", "content-digest", "repr-digest"};

    for (size_t i = 0; i < GATHER_DESCRIBING_MAX; i++) {
        const char *value = weir_request_header_joined(g->req, names[i]);
        if (value != NULL && !header_rules_name(g->state->rules, weir_bytes_of(names[i])))
            g->describing[g->describing_count++] = (weir_header){names[i], value};
    }
}

/* Collects the headers of a call: its own, then those set by rules and those passed on, both unless its own
 * replace them, the trace, and the description of the body. There is room for one more. */
static int prepare_headers(struct gathering *g, struct gather_fetch *call)
{
    const struct gather_call *settings = call->settings;
    const size_t describing = call->options.body_bytes ? g->describing_count : 0;
    size_t most = settings->headers.count + g->ruled_count + g->forwarded_count + 3 + describing, n = 0;
    weir_header *headers = weir_request_alloc(g->req, most * sizeof *headers);

    if (headers == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < settings->headers.count; i++)
        headers[n++] = settings->headers.header[i];
    for (size_t i = 0; i < g->ruled_count; i++)
        if (!gather_call_sets(settings, g->ruled[i].name))
            headers[n++] = g->ruled[i];
    for (size_t i = 0; i < g->forwarded_count; i++) {
        const char *name = g->forwarded[i].name;
        if ((describing && describes_body(g, name)) || gather_call_sets(settings, name))
            continue;
        headers[n++] = g->forwarded[i];
    }
    n += add_trace(g, call, headers + n);
    for (size_t i = 0; i < describing; i++)
        if (!gather_call_sets(settings, g->describing[i].name))
            headers[n++] = g->describing[i];
    call->options.headers = headers;
    call->options.header_count = n;
    /* A call that sets the header itself replaces the one that would be passed on. */
    call->options.identity = !settings->sets_coding && !g->forwards_coding;
    return 0;
}

static int expand_urls(struct gathering *g)
{
    const struct gather_settings *settings = g->state->settings;
    int err = 0;
    const char *url;

    for (size_t i = 0; i < settings->call_count && err == 0; i++)
        err = gather_expand(&g->urls, &settings->calls[i].url, param_of, g->req);
    g->url_too_long = err == -WEIR_ETOOLARGE;
    url = g->urls.data; /* the buffer grows no more, so the text does not move */
    for (size_t i = 0; i < settings->call_count && err == 0; i++) {
        g->calls[i].options.url = url;
        url += strlen(url) + 1;
    }
    return err;
}

static int read_body(struct gathering *g)
{
    const struct gather_settings *settings = g->state->settings;

    for (size_t i = 0; i < settings->call_count; i++)
        if (takes_body(&settings->calls[i]))
            return weir_request_read_body(g->req, &g->body, SIZE_MAX);
    return request_discard_body(g->req);
}

/* Sets field by field, since much of the structure needs no clearing. options.url is set already. */
static void make_call(struct gathering *g, const struct gather_call *settings, struct gather_fetch *call)
{
    call->settings = settings;
    call->req = g->req;
    call->client = g->state->client;
    call->options = (weir_fetch_options){
        .url = call->options.url,
        .method = settings->method_text,
        .name = settings->backend == NULL ? settings->name : NULL,
        .reply_bytes_max = g->state->reply_bytes_max,
        .repeatable = settings->repeatable,
    };
    if (settings->backend != NULL) {
        call->options.backend = g->state->backends[settings->backend->number];
        if (settings->backend->key.count > 0)
            call->options.balance_key = template_fill(&settings->backend->key, g->req);
    }
    if (takes_body(settings)) {
        call->options.body = g->body.data;
        call->options.body_bytes = g->body.len;
    }
    call->reply = (weir_reply){0};
    call->err = 0;
    call->decoded = NULL;
    call->lent = false;
}

/* Where there may be second attempts, the client of the library tells each of them. */
static bool tells_deadline(const struct gather_call *call)
{
    return (call->backend == NULL || !call->backend->options.tells_deadline) &&
           !gather_call_sets(call, CLIENT_DEADLINE_HEADER);
}

/* Tells the calls whose deadline is the client's. Few requests have any. */
static void mark_deadlines(struct gathering *g)
{
    const struct gather_settings *settings = g->state->settings;

    for (size_t i = 0; i < settings->call_count; i++) {
        const weir_duration of_call = g->calls[i].settings->deadline,
                            own = of_call.ns > 0 && of_call.ns < settings->deadline.ns ? of_call
                                                                                       : settings->deadline;
        g->calls[i].options.foreign_deadline = g->until.ns < weir_after(own).ns;
    }
}

/* Adds the deadline to the headers of calls. */
static int add_deadlines(struct gathering *g)
{
    const struct gather_settings *settings = g->state->settings;
    const weir_instant whole = client_deadline_min(weir_after(settings->deadline), g->until);

    if (header_rules_name(g->state->rules, weir_bytes_of(CLIENT_DEADLINE_HEADER)))
        return 0;
    for (size_t i = 0; i < settings->call_count; i++) {
        struct gather_fetch *call = &g->calls[i];
        const weir_duration own = call->settings->deadline;
        char *left;
        weir_header *headers = (weir_header *)(uintptr_t)call->options.headers; /* of prepare_headers() */

        if (!tells_deadline(call->settings))
            continue;
        left = weir_request_alloc(g->req, CLIENT_DEADLINE_BYTES);
        if (left == NULL)
            return -ENOMEM;
        (void)client_deadline_left(left, own.ns > 0 ? client_deadline_min(whole, weir_after(own)) : whole);
        headers[call->options.header_count++] = (weir_header){CLIENT_DEADLINE_HEADER, left};
    }
    return 0;
}

__attribute__((noinline)) static int heed_deadline(struct gathering *g)
{
    mark_deadlines(g);
    return add_deadlines(g);
}

int gather_prepare(struct gathering *g)
{
    const struct gather_settings *settings = g->state->settings;
    int err = read_body(g);

    if (err == 0 && g->body.len > 0)
        collect_describing(g);
    if (err == 0)
        err = collect_headers(g);
    if (err == 0 && g->state->rules->count > 0)
        err = collect_ruled(g);
    if (err == 0)
        err = expand_urls(g);
    for (size_t i = 0; i < settings->call_count && err == 0; i++) {
        struct gather_fetch *call = &g->calls[i];
        make_call(g, &settings->calls[i], call);
        err = prepare_headers(g, call);
    }
    if (err == 0 && !weir_is_never(g->until))
        err = heed_deadline(g);
    return err;
}
