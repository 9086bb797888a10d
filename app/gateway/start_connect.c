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

#include "config/backend.h"
#include "config/route_kind.h"

enum { AT_ONCE = 64, TIMEOUT_S = 2, BACKENDS_MAX = 4096 };

struct backend {
    const char *origin;
    struct config_place place;
    struct trying *trying;
    bool each;                   /* address of its name is tried: it is an instance */
    char at[WEIR_ADDRESS_BYTES]; /* the address that failed; "": the only one */
    int err;
    const char *why; /* its name could not be resolved; else NULL */
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

static int connect_to(const char *address)
{
    weir_scope scope;
    weir_stream *stream = NULL;
    int err;

    weir_scope_open(&scope, weir_after(weir_seconds(TIMEOUT_S)), 0);
    err = weir_connect(address, &stream);
    (void)weir_scope_close(&scope);
    if (err == 0)
        weir_stream_close(stream);
    return err;
}

/* Connects to each address of a name. Returns: the error of the first that fails. */
static int try_addresses(struct backend *b, weir_bytes host, uint16_t port)
{
    char name[WEIR_ADDRESS_BYTES * 3];
    weir_resolved *found = calloc(1, sizeof *found);
    int err = found != NULL ? 0 : -ENOMEM;

    (void)snprintf(name, sizeof name, "%.*s", (int)host.len, host.data);
    if (err == 0)
        err = weir_resolve(name, found);
    for (size_t i = 0; err == 0 && i < found->count; i++) {
        const char *address = found->addresses[i];
        (void)snprintf(b->at, sizeof b->at, strchr(address, ':') != NULL ? "[%s]:%u" : "%s:%u", address,
                       port);
        err = connect_to(b->at);
    }
    free(found);
    return err;
}

/* Says why a name has no address: the resolver still knows it. NULL: it does not. */
static const char *why_of_name(const char *address)
{
    char host[WEIR_ADDRESS_BYTES * 3];
    weir_resolved *resolved = malloc(sizeof *resolved);
    weir_address parsed;
    const char *why = NULL;

    if (resolved != NULL && weir_address_parse(weir_bytes_of(address), &parsed, NULL) == 0 &&
        parsed.host.len < sizeof host) {
        memcpy(host, parsed.host.data, parsed.host.len);
        host[parsed.host.len] = '\0';
        if (weir_resolve(host, resolved) == -WEIR_EDNS)
            why = resolved->why;
    }
    free(resolved);
    return why;
}

static int try(void *arg)
{
    struct backend *b = arg;
    char text[WEIR_ADDRESS_BYTES * 3];
    weir_address address;

    if (weir_semaphore_acquire(&b->trying->places) < 0)
        return 0;
    address_of(b->origin, text, sizeof text);
    if (b->each && weir_address_parse(weir_bytes_of(text), &address, NULL) == 0 &&
        address.host_type == WEIR_HOST_NAME &&
        !weir_bytes_equal_nocase(address.host, weir_bytes_of("localhost")))
        b->err = try_addresses(b, address.host, address.port);
    else
        b->err = connect_to(text);
    if (b->err == -WEIR_EDNS)
        b->why = why_of_name(text);
    weir_semaphore_release(&b->trying->places);
    return 0;
}

void start_connect(const struct config *config, struct config_faults *faults)
{
    struct trying t = {.backends = calloc(BACKENDS_MAX, sizeof *t.backends)};
    weir_scope scope;

    if (t.backends == NULL)
        return;
    weir_semaphore_init(&t.places, AT_ONCE);
    for (size_t i = 0; i < config->route_count; i++)
        if (config->routes[i].kind->backends != NULL)
            config->routes[i].kind->backends(config->routes[i].settings, add_backend, &t);
    for (size_t i = 0; i < config->backend_count; i++)
        for (size_t k = 0; k < config->backends[i].options.url_count; k++)
            add_instances(&t, &config->backends[i].urls[k]);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    for (size_t i = 0; i < t.count; i++)
        t.backends[i].err = weir_spawn(&scope, "trying a backend", try, &t.backends[i]);
    (void)weir_scope_close(&scope);
    for (size_t i = 0; i < t.count; i++) {
        const struct backend *b = &t.backends[i];
        if (b->err < 0)
            config_fault(faults, b->place,
                         "%s%s%s cannot be connected to: %s; expected a backend that listens there",
                         b->origin, b->at[0] != '\0' ? " at " : "", b->at,
                         b->why != NULL              ? b->why
                         : b->err == -WEIR_EDEADLINE ? "no answer within 2s"
                                                     : weir_error_text(b->err));
    }
    free(t.backends);
}
