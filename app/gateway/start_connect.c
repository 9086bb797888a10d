/* SPDX-License-Identifier: MIT */
#include "gateway/start_connect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/address.h>
#include <weir/resolver.h>
#include <weir/scope.h>
#include <weir/stream.h>
#include <weir/sync.h>
#include <weir/task.h>
#include <weir/time.h>

#include "config/backend.h"
#include "config/route_kind.h"

enum { AT_ONCE = 128, CONNECT_S = 2, RESOLVE_S = 5, WHOLE_S = 10, REPORT_AFTER_S = 2, BACKENDS_MAX = 4096 };

struct backend {
    const char *origin;
    struct config_place place;
    struct trying *trying;
    bool each;                   /* address of its name is tried: it is an instance */
    char at[WEIR_ADDRESS_BYTES]; /* the address that failed; "": the only one */
    const char *doing;           /* NULL: not begun, or done */
    bool is_done;
    int err;
    const char *why; /* in words; NULL: err says it */
};

struct trying {
    weir_semaphore places;
    struct backend *backends;
    size_t count;
};

static void add_backend(void *arg, const char *origin, struct config_place place)
{
    struct trying *t = arg;

    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->backends[i].origin, origin) == 0)
            return;
    if (t->count < BACKENDS_MAX)
        t->backends[t->count++] = (struct backend){.origin = origin, .place = place, .trying = t};
}

static void add_instances(struct trying *t, const struct config_backend_url *url)
{
    add_backend(t, url->text, url->place);
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->backends[i].origin, url->text) == 0)
            t->backends[i].each = true;
}

/* Writes HOST:PORT of "http://HOST" or "http://HOST:PORT"; "unix:PATH" is an address. */
static void address_of(const char *origin, char *out, size_t room)
{
    const char *scheme = strstr(origin, "://");
    const char *host = scheme != NULL && strncmp(origin, "unix:", 5) != 0 ? scheme + strlen("://") : NULL;
    const char *colon = host != NULL ? strrchr(host, ':') : NULL,
               *bracket = host != NULL ? strrchr(host, ']') : NULL;
    bool has_port = colon != NULL && (bracket == NULL || colon > bracket);

    if (host == NULL) {
        snprintf(out, room, "%s", origin);
        return;
    }
    snprintf(out, room, "%.*s%s", (int)strcspn(host, "/"), host, has_port ? "" : ":80");
}

/* --- one backend --- */

static void connect_to(struct backend *b, const char *address)
{
    weir_scope scope;
    weir_stream *stream = NULL;

    b->doing = "connecting";
    weir_scope_open(&scope, weir_after(weir_seconds(CONNECT_S)), 0);
    b->err = weir_connect(address, &stream);
    (void)weir_scope_close(&scope);
    if (b->err == 0)
        weir_stream_close(stream);
    else if (b->err == -WEIR_EDEADLINE)
        b->why = "no answer within 2 s";
}

static void resolve(struct backend *b, weir_bytes host, weir_resolved *out)
{
    char name[WEIR_ADDRESS_BYTES * 3];
    weir_scope scope;

    b->doing = "resolving";
    (void)snprintf(name, sizeof name, "%.*s", (int)host.len, host.data);
    weir_scope_open(&scope, weir_after(weir_seconds(RESOLVE_S)), 0);
    b->err = weir_resolve(name, out);
    (void)weir_scope_close(&scope);
    b->why = b->err == -WEIR_EDEADLINE ? "no answer for the name within 5 s" : out->why;
}

/* Connects to each address of a name, up to the first that fails. */
static void connect_to_each(struct backend *b, const weir_resolved *found, uint16_t port)
{
    for (size_t i = 0; b->err == 0 && i < found->count; i++) {
        const char *address = found->addresses[i];
        (void)snprintf(b->at, sizeof b->at, strchr(address, ':') != NULL ? "[%s]:%u" : "%s:%u", address,
                       port);
        connect_to(b, b->at);
    }
}

/* localhost is one machine under two addresses: one of them suffices. */
static bool has_several_addresses(const weir_address *address)
{
    return address->host_type == WEIR_HOST_NAME && !weir_host_is_localhost(address->host);
}

static void try_backend(struct backend *b)
{
    char text[WEIR_ADDRESS_BYTES * 3];
    weir_resolved *found = calloc(1, sizeof *found);
    weir_address address = {0};

    address_of(b->origin, text, sizeof text);
    b->err = found == NULL ? -ENOMEM : weir_address_parse(weir_bytes_of(text), &address, NULL);
    if (b->err == 0 && address.host_type == WEIR_HOST_NAME)
        resolve(b, address.host, found);
    if (b->err == 0 && b->each && has_several_addresses(&address))
        connect_to_each(b, found, address.port);
    else if (b->err == 0)
        connect_to(b, text);
    free(found);
}

static int try(void *arg)
{
    struct backend *b = arg;

    b->err = weir_semaphore_acquire(&b->trying->places);
    if (b->err == 0) {
        try_backend(b);
        weir_semaphore_release(&b->trying->places);
    }
    b->is_done = true;
    return 0;
}

/* --- all --- */

/* Says on stderr which backends are waited for, while that takes long. */
static int report(void *arg)
{
    const struct trying *t = arg;

    while (weir_sleep(weir_seconds(REPORT_AFTER_S)) == 0) {
        const struct backend *first = NULL;
        size_t left = 0;
        for (size_t i = t->count; i > 0; i--)
            if (!t->backends[i - 1].is_done) {
                left++;
                first = t->backends[i - 1].doing != NULL ? &t->backends[i - 1] : first;
            }
        if (first != NULL)
            fprintf(stderr, "weir check: still trying %zu of %zu backends: %s %s%s\n", left, t->count,
                    first->doing, first->origin, left > 1 ? ", …" : "");
    }
    return 0;
}

/* Returns: whether all had their time. */
static bool try_all(struct trying *t)
{
    weir_scope reporting, scope;
    int cause;

    weir_scope_open(&reporting, weir_never(), WEIR_COLLECT);
    if (weir_spawn(&reporting, "reporting", report, t) < 0)
        weir_scope_cancel(&reporting); /* without reports */
    weir_scope_open(&scope, weir_after(weir_seconds(WHOLE_S)), WEIR_COLLECT);
    for (size_t i = 0; i < t->count; i++) {
        t->backends[i].err = weir_spawn(&scope, "trying a backend", try, &t->backends[i]);
        t->backends[i].is_done = t->backends[i].err < 0;
    }
    cause = weir_scope_close(&scope);
    weir_scope_cancel(&reporting);
    (void)weir_scope_close(&reporting);
    return cause != -WEIR_EDEADLINE;
}

static const char *words_of(const struct backend *b, bool had_time)
{
    if (b->why != NULL)
        return b->why;
    return !had_time && b->err == -WEIR_EDEADLINE ? "not tried within 10 s, the time for all"
                                                  : weir_error_text(b->err);
}

void start_connect(const struct config *config, struct config_faults *faults)
{
    struct trying t = {.backends = calloc(BACKENDS_MAX, sizeof *t.backends)};
    bool had_time;

    if (t.backends == NULL)
        return;
    weir_semaphore_init(&t.places, AT_ONCE);
    for (size_t i = 0; i < config->route_count; i++)
        if (config->routes[i].kind->backends != NULL)
            config->routes[i].kind->backends(config->routes[i].settings, add_backend, &t);
    for (size_t i = 0; i < config->backend_count; i++)
        for (size_t k = 0; k < config->backends[i].options.url_count; k++)
            add_instances(&t, &config->backends[i].urls[k]);
    had_time = try_all(&t);
    for (size_t i = 0; i < t.count; i++) {
        const struct backend *b = &t.backends[i];
        if (b->err < 0)
            config_fault(faults, b->place,
                         "%s%s%s cannot be connected to: %s; expected a backend that listens there",
                         b->origin, b->at[0] != '\0' ? " at " : "", b->at, words_of(b, had_time));
    }
    free(t.backends);
}
