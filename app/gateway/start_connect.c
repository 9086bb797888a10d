/* SPDX-License-Identifier: MIT */
#include "gateway/start_connect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <weir/address.h>
#include <weir/resolver.h>
#include <weir/scope.h>
#include <weir/stream.h>
#include <weir/sync.h>
#include <weir/task.h>
#include <weir/time.h>
#include <weir/tls.h>
#include <weir/url.h>

#include "config/backend.h"
#include "config/route_kind.h"

enum {
    AT_ONCE = 128,
    CONNECT_S = 2,
    RESOLVE_S = 5,
    WHOLE_S = 10,
    REPORT_AFTER_S = 2,
    BACKENDS_MAX = 4096,
    ALERT_MS = 300,
    WHY_BYTES = 200
};

struct backend {
    const char *origin;
    struct config_place place;
    struct trying *trying;
    weir_tls *tls;               /* NULL: no https URL */
    bool each;                   /* address of its name is tried: it is an instance */
    char at[WEIR_ADDRESS_BYTES]; /* the address that failed; "": the only one */
    const char *doing;           /* NULL: not begun, or done */
    bool is_done;
    int err;
    const char *why;         /* in words; NULL: err says it */
    bool is_connected;       /* and TLS failed */
    char tls_why[WHY_BYTES]; /* why, if TLS failed */
};

struct trying {
    weir_semaphore places;
    struct backend *backends;
    size_t count;
    weir_tls *tls; /* of those that are being added */
};

static bool is_https(const char *origin)
{
    return strncasecmp(origin, "https:", strlen("https:")) == 0;
}

/* The same URL of two backends is tried with the certificates of each. */
static bool is_same(const struct backend *b, const char *origin, const struct trying *t)
{
    return strcmp(b->origin, origin) == 0 && (b->tls == NULL || b->tls == t->tls);
}

static void add_backend(void *arg, const char *origin, struct config_place place)
{
    struct trying *t = arg;

    for (size_t i = 0; i < t->count; i++)
        if (is_same(&t->backends[i], origin, t))
            return;
    if (t->count < BACKENDS_MAX)
        t->backends[t->count++] = (struct backend){
            .origin = origin, .place = place, .trying = t, .tls = is_https(origin) ? t->tls : NULL};
}

static void add_instances(struct trying *t, const struct config_backend_url *url)
{
    add_backend(t, url->text, url->place);
    for (size_t i = 0; i < t->count; i++)
        if (is_same(&t->backends[i], url->text, t))
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
    snprintf(out, room, "%.*s%s", (int)strcspn(host, "/"), host,
             has_port           ? ""
             : is_https(origin) ? ":443"
                                : ":80");
}

/* --- one backend --- */

/* In TLS 1.3 a server that wants a certificate, or refuses ours, says so when our side of the handshake is
 * over. */
static int wait_for_alert(weir_stream *stream)
{
    weir_scope scope;
    ssize_t n;
    char byte;

    weir_scope_open(&scope, weir_after(weir_ms(ALERT_MS)), 0);
    n = weir_read(stream, &byte, 1);
    (void)weir_scope_close(&scope);
    return n == -WEIR_ETLS ? -WEIR_ETLS : 0; /* silence is good, and so is a server that has no patience */
}

/* Begins TLS on a connection, within the scope of the caller. */
static void shake_hands(struct backend *b, weir_stream *stream)
{
    char host[WEIR_ADDRESS_BYTES * 3];
    const char *why;
    weir_url url;

    b->err = weir_url_parse(weir_bytes_of(b->origin), &url, NULL);
    if (b->err < 0)
        return;
    url.host = weir_host_without_dot(url.host);
    (void)snprintf(host, sizeof host, "%.*s", (int)url.host.len, url.host.data);
    b->is_connected = true;
    b->err = weir_stream_start_tls(stream, b->tls, host);
    if (b->err == 0)
        b->err = wait_for_alert(stream);
    why = b->err == -WEIR_ETLS ? weir_stream_tls_why(stream) : NULL;
    if (why != NULL)
        (void)snprintf(b->tls_why, sizeof b->tls_why, "%s", why);
}

static void connect_to(struct backend *b, const char *address)
{
    weir_scope scope;
    weir_stream *stream = NULL;

    b->doing = "connecting";
    weir_scope_open(&scope, weir_after(weir_seconds(CONNECT_S)), 0);
    b->err = weir_connect(address, &stream);
    if (b->err == 0 && b->tls != NULL)
        shake_hands(b, stream);
    (void)weir_scope_close(&scope);
    weir_stream_close(stream);
    if (b->err == -WEIR_EDEADLINE)
        b->why = "no answer within 2 s";
    else if (b->tls_why[0] != '\0')
        b->why = b->tls_why;
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

static void say(const struct backend *b, bool had_time, struct config_faults *faults)
{
    const char *at = b->at[0] != '\0' ? " at " : "";

    if (b->is_connected)
        config_fault(faults, b->place, "%s%s%s: TLS fails: %s; expected a handshake that succeeds", b->origin,
                     at, b->at, words_of(b, had_time));
    else
        config_fault(faults, b->place,
                     "%s%s%s cannot be connected to: %s; expected a backend that listens there", b->origin,
                     at, b->at, words_of(b, had_time));
}

static void add_all(struct trying *t, const struct config *config, const struct tls_contexts *contexts)
{
    t->tls = tls_contexts_find(contexts, GATEWAY_TLS_OTHERS, 0);
    for (size_t i = 0; i < config->route_count; i++)
        if (config->routes[i].kind->backends != NULL)
            config->routes[i].kind->backends(config->routes[i].settings, add_backend, t);
    for (size_t i = 0; i < config->backend_count; i++) {
        t->tls = tls_contexts_find(contexts, GATEWAY_TLS_BACKEND, i);
        for (size_t k = 0; k < config->backends[i].options.url_count; k++)
            add_instances(t, &config->backends[i].urls[k]);
    }
}

void start_connect(const struct config *config, const struct tls_contexts *contexts,
                   struct config_faults *faults)
{
    struct trying t = {.backends = calloc(BACKENDS_MAX, sizeof *t.backends)};
    bool had_time;

    if (t.backends == NULL)
        return;
    weir_semaphore_init(&t.places, AT_ONCE);
    add_all(&t, config, contexts);
    had_time = try_all(&t);
    for (size_t i = 0; i < t.count; i++) {
        if (t.backends[i].err < 0)
            say(&t.backends[i], had_time, faults);
    }
    free(t.backends);
}
