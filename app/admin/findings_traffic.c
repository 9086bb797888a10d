/* SPDX-License-Identifier: MIT */
#include "admin/findings_traffic.h"

#include <string.h>

#include "admin/advice_routes.h"
#include "admin/findings_host.h"

/* What is rarer than this is no incident. */
static const double few_errors = 0.01, few_refused = 0.01;

/* --- backends --- */

/* Returns: the reason in words for a person. */
static const char *words_of(const char *reason)
{
    static const struct {
        const char *reason, *words;
    } known[] = {
        {"dns", "its name is not found (dns failed)"},
        {"tls", "TLS with it fails (tls failed)"},
        {"connect", "no connection can be made (connect failed)"},
        {"closed", "it closes connections before it has answered (connection closed)"},
        {"bad_response", "its answers are not valid HTTP (bad response)"},
        {"too_large", "its answers are larger than limits: {reply: …} (reply too large)"},
        {"status", "it answers with a status of 500 or above"},
        {"busy", "too many requests wait for a connection to it (busy)"},
        {"deadline", "it answers after the deadline of the call (deadline exceeded)"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].reason, reason) == 0)
            return known[i].words;
    return reason;
}

void find_origin(struct finding_list *list, const struct finding_origin *o, uint64_t all_requests)
{
    const double failed = finding_share(o->errors, o->requests);
    struct finding *f;

    if (o->errors == 0 || failed < few_errors)
        return;
    f = finding_add(list, "origin", o->origin,
                    failed *
                        finding_at_most_1(finding_share(o->requests, all_requests > 0 ? all_requests : 1)));
    if (f == NULL)
        return;
    if (*o->names)
        finding_say(f, "%s (%s): ", o->names, o->origin);
    else
        finding_say(f, "%s: ", o->origin);
    finding_say(f, "%.3g %% of its %llu calls fail: %s", 100 * failed, (unsigned long long)o->requests,
                words_of(o->reason));
    if (o->of_reason < o->errors)
        finding_say(f, ", in %.3g %% of the failures", 100 * finding_share(o->of_reason, o->errors));
    if (o->last_error != NULL)
        finding_say(f, "; last: %s", o->last_error);
    if (o->partial > 0 && *o->routes)
        finding_say(f, ". %llu answers of %s lacked a part", (unsigned long long)o->partial, o->routes);
    finding_number(f, "requests", (double)o->requests);
    finding_number(f, "errors", (double)o->errors);
    finding_number(f, "share", failed);
    finding_number(f, "partial", (double)o->partial);
}

/* --- what is refused --- */

static const struct advice_route *biggest_on_loop(const struct advice_input *in)
{
    const struct advice_route *biggest = NULL;

    for (size_t i = 0; i < in->route_count; i++)
        if (biggest == NULL ||
            advice_loop_share(&in->routes[i], in->loops) > advice_loop_share(biggest, in->loops))
            biggest = &in->routes[i];
    return biggest;
}

/* Says what would help against requests that wait too long for their loop. */
static void say_what_helps_loops(struct finding *f, const struct findings_input *in)
{
    const struct advice_route *r = biggest_on_loop(in->advice);
    const double taken = r != NULL ? advice_loop_share(r, in->advice->loops) : 0;

    if (r != NULL && taken > 0.1)
        finding_say(f, "; %s takes %.3g %% of a loop", r->route, 100 * taken);
    if (r != NULL && taken > 0.1 && r->kind.pool != NULL && r->kind.on_loop)
        finding_say(f, ": compute it on a pool (on: %s)", r->kind.pool);
    else if (finding_host_is_starved(in) || finding_host_is_throttled(&in->host))
        finding_say(f, "; the loops lack CPU: see the finding about the machine");
    else if (in->advice->loops < in->advice->cpus)
        finding_say(f, "; there are %d CPUs for %d loops: use more loops (loops: %d)", in->advice->cpus,
                    in->advice->loops, in->advice->cpus);
    else
        finding_say(f, "; the load is more than this machine can serve, so refusing is right");
}

static void say_why_refused(struct finding *f, const struct findings_input *in)
{
    const char *reason = in->refused.reason;

    if (strcmp(reason, "queueing") == 0) {
        finding_say(f, "queueing (requests waited longer than 50 ms for their loop, so load is shed)");
        say_what_helps_loops(f, in);
    } else if (strcmp(reason, "exchanges") == 0) {
        finding_say(
            f,
            "exchanges (as many requests are in progress as limits: {exchanges: …} allows); by Little's law "
            "that is their rate × their duration: find the route that takes long, or raise the limit");
    } else if (strncmp(reason, "pool_", strlen("pool_")) == 0) {
        finding_say(f, "%s (the pool of the route %s): see the advice on that pool", reason,
                    strcmp(reason, "pool_full") == 0   ? "has no place in its queue"
                    : strcmp(reason, "pool_late") == 0 ? "had no worker in time"
                                                       : "would take too long");
    } else if (strncmp(reason, "backend_", strlen("backend_")) == 0) {
        finding_say(f, "%s (a backend %s): see the finding on that backend", reason,
                    strcmp(reason, "backend_open") == 0 ? "has an open circuit breaker"
                    : strcmp(reason, "backend_limited") == 0
                        ? "has as many requests in progress as its limit allows"
                        : "has too many requests that wait for a connection");
    } else if (strcmp(reason, "app_busy") == 0) {
        finding_say(f, "app_busy (all places of an application are taken): 'weir stalls' says which requests "
                       "hold them; where these compute, more processes help, where they wait, a larger "
                       "concurrency");
    } else if (strcmp(reason, "app_unready") == 0) {
        finding_say(f,
                    "app_unready (no process of an application is ready): 'weir status' says of which, and "
                    "what it said last");
    } else if (strcmp(reason, "memory") == 0) {
        finding_say(f, "memory (there was none left for a request)");
    } else {
        finding_say(f, "%s", reason);
    }
}

void find_refused(struct finding_list *list, const struct findings_input *in)
{
    const struct finding_refused *r = &in->refused;
    const double part = finding_share(r->refused, r->requests);
    struct finding *f;

    if (r->refused == 0 || part < few_refused)
        return;
    f = finding_add(list, "refused", r->reason, part);
    if (f == NULL)
        return;
    finding_say(f, "%.3g %% of all requests are refused: %llu of %llu, %.3g %% of them on %s. Mostly for ",
                100 * part, (unsigned long long)r->refused, (unsigned long long)r->requests,
                100 * finding_share(r->of_route, r->refused), r->route);
    say_why_refused(f, in);
    finding_number(f, "requests", (double)r->requests);
    finding_number(f, "refused", (double)r->refused);
    finding_number(f, "share", part);
    finding_number(f, "of_reason", (double)r->of_reason);
}
