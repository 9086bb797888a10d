/* SPDX-License-Identifier: MIT */
#include "gateway/start_connect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    int err;
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
    snprintf(out, room, "%s%s", host, has_port ? "" : ":80");
}

static int try(void *arg)
{
    struct backend *b = arg;
    char address[WEIR_ADDRESS_BYTES * 3];
    weir_scope scope;
    weir_stream *stream = NULL;

    if (weir_semaphore_acquire(&b->trying->places) < 0)
        return 0;
    address_of(b->origin, address, sizeof address);
    weir_scope_open(&scope, weir_after(weir_seconds(TIMEOUT_S)), 0);
    b->err = weir_connect(address, &stream);
    (void)weir_scope_close(&scope);
    if (b->err == 0)
        weir_stream_close(stream);
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
            add_backend(&t, config->backends[i].urls[k].text, config->backends[i].urls[k].place);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    for (size_t i = 0; i < t.count; i++)
        t.backends[i].err = weir_spawn(&scope, "trying a backend", try, &t.backends[i]);
    (void)weir_scope_close(&scope);
    for (size_t i = 0; i < t.count; i++) {
        const struct backend *b = &t.backends[i];
        if (b->err < 0)
            config_fault(faults, b->place,
                         "%s cannot be connected to: %s; expected a backend that listens there", b->origin,
                         b->err == -WEIR_EDEADLINE ? "no answer within 2s" : weir_error_text(b->err));
    }
    free(t.backends);
}
