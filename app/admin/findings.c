/* SPDX-License-Identifier: MIT */
#include "admin/findings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/advice_piece.h"

/* What is rarer than this is no incident. */
static const double few_errors = 0.01, few_refused = 0.01;
static const double lacked_share = 0.1, lacked_least_ms = 20; /* a second */
static const double stopped_least_share = 0.01;
/* A balancer that looks after us opens a connection each second or two, and closes it. */
static const int half_sent_least = 20;
static const uint64_t slow_least = 20, silent_least = 100, left_least = 600;
static const double held_least_ms = 20;

enum { FINDINGS_MAX = 64, NAME_BYTES = 160 };

struct finding {
    const char *about;
    char name[NAME_BYTES];
    double impact; /* the part of the traffic, or of the machine, that it is about */
    char text[ADVICE_TEXT_BYTES];
    struct advice_number numbers[ADVICE_NUMBERS_MAX + 1];
};

struct list {
    struct finding *items;
    size_t count;
};

static double share(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0;
}

static double at_most_1(double value)
{
    return value < 1 ? value : 1;
}

/* A new one, without text or numbers; NULL: there is no room. */
static struct finding *add(struct list *list, const char *about, const char *name, double impact)
{
    struct finding *f;

    if (list->count == FINDINGS_MAX)
        return NULL;
    f = &list->items[list->count++];
    *f = (struct finding){.about = about, .impact = impact};
    snprintf(f->name, sizeof f->name, "%s", name);
    return f;
}

__attribute__((format(printf, 2, 3))) static void say(struct finding *f, const char *format, ...)
{
    const size_t used = strlen(f->text);
    va_list args;

    va_start(args, format);
    vsnprintf(f->text + used, sizeof f->text - used, format, args);
    va_end(args);
}

static void number(struct finding *f, const char *name, double value)
{
    for (size_t i = 0; i < ADVICE_NUMBERS_MAX; i++)
        if (f->numbers[i].name == NULL) {
            f->numbers[i] = (struct advice_number){name, value};
            return;
        }
}

/* --- backends --- */

static const char *words_of(const char *reason)
{
    static const struct {
        const char *reason, *words;
    } known[] = {
        {"dns", "its name is not found (dns failed)"},
        {"connect", "no connection can be made (connect failed)"},
        {"closed", "it closes connections before it has answered (connection closed)"},
        {"bad_response", "its answers are no HTTP (bad response)"},
        {"too_large", "its answers are larger than limits: {reply: …} (reply too large)"},
        {"status", "it answers 500 or above"},
        {"busy", "too many wait for a connection to it (busy)"},
        {"deadline", "it is slower than the deadline of whoever asks (deadline exceeded)"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].reason, reason) == 0)
            return known[i].words;
    return reason;
}

static void find_origin(struct list *list, const struct finding_origin *o, uint64_t all_requests)
{
    const double failed = share(o->errors, o->requests);
    struct finding *f;

    if (o->errors == 0 || failed < few_errors)
        return;
    f = add(list, "origin", o->origin,
            failed * at_most_1(share(o->requests, all_requests > 0 ? all_requests : 1)));
    if (f == NULL)
        return;
    if (*o->names)
        say(f, "%s (%s): ", o->names, o->origin);
    else
        say(f, "%s: ", o->origin);
    say(f, "%.3g %% of its %llu calls fail: %s", 100 * failed, (unsigned long long)o->requests,
        words_of(o->reason));
    if (o->of_reason < o->errors)
        say(f, ", in %.3g %% of the failures", 100 * share(o->of_reason, o->errors));
    if (o->last_error != NULL)
        say(f, "; last: %s", o->last_error);
    if (o->partial > 0 && *o->routes)
        say(f, ". %llu answers of %s lacked a part", (unsigned long long)o->partial, o->routes);
    number(f, "requests", (double)o->requests);
    number(f, "errors", (double)o->errors);
    number(f, "share", failed);
    number(f, "partial", (double)o->partial);
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

/* Without what a quota took. */
static double starved_ms(const struct findings_input *in)
{
    const double stopped_ms = in->host.stopped_share * 1000 * in->advice->loops;

    return in->host.lacked_ms > stopped_ms ? in->host.lacked_ms - stopped_ms : 0;
}

static bool is_starved(const struct findings_input *in)
{
    return starved_ms(in) >= lacked_least_ms && starved_ms(in) >= lacked_share * in->host.wanted_ms;
}

static bool is_throttled(const struct finding_host *h)
{
    return h->quota_cpus > 0 && h->stopped_share >= stopped_least_share;
}

/* What would help against requests that wait too long for their loop. */
static void say_what_helps_loops(struct finding *f, const struct findings_input *in)
{
    const struct advice_route *r = biggest_on_loop(in->advice);
    const double taken = r != NULL ? advice_loop_share(r, in->advice->loops) : 0;

    if (r != NULL && taken > 0.1)
        say(f, "; %s takes %.3g %% of a loop", r->route, 100 * taken);
    if (r != NULL && taken > 0.1 && r->kind.pool != NULL && r->kind.on_loop)
        say(f, ": have it computed on a pool (on: %s)", r->kind.pool);
    else if (is_starved(in) || is_throttled(&in->host))
        say(f, "; the loops lack a CPU, see the host");
    else if (in->advice->loops < in->advice->cpus)
        say(f, "; there are %d CPUs for %d loops: more would help (loops: %d)", in->advice->cpus,
            in->advice->loops, in->advice->cpus);
    else
        say(f, "; it is more than this machine can do, and to refuse is right");
}

static void say_why_refused(struct finding *f, const struct findings_input *in)
{
    const char *reason = in->refused.reason;

    if (strcmp(reason, "queueing") == 0) {
        say(f, "queueing (requests waited longer than 50 ms for their loop, so load is shed)");
        say_what_helps_loops(f, in);
    } else if (strcmp(reason, "exchanges") == 0) {
        say(f, "exchanges (as many requests are under way as limits: {exchanges: …} allows); by Little's law "
               "that "
               "is their rate × how long they take: see which route takes long, or raise the limit");
    } else if (strncmp(reason, "pool_", strlen("pool_")) == 0) {
        say(f, "%s (the pool of the route %s): see the advice on that pool", reason,
            strcmp(reason, "pool_full") == 0   ? "has no place in its queue"
            : strcmp(reason, "pool_late") == 0 ? "had no worker in time"
                                               : "would take too long");
    } else if (strcmp(reason, "memory") == 0) {
        say(f, "memory (there was none for a request)");
    } else {
        say(f, "%s", reason);
    }
}

static void find_refused(struct list *list, const struct findings_input *in)
{
    const struct finding_refused *r = &in->refused;
    const double part = share(r->refused, r->requests);
    struct finding *f;

    if (r->refused == 0 || part < few_refused)
        return;
    f = add(list, "refused", r->reason, part);
    if (f == NULL)
        return;
    say(f, "%.3g %% of all requests are refused: %llu of %llu, %.3g %% of them on %s. Mostly for ",
        100 * part, (unsigned long long)r->refused, (unsigned long long)r->requests,
        100 * share(r->of_route, r->refused), r->route);
    say_why_refused(f, in);
    number(f, "requests", (double)r->requests);
    number(f, "refused", (double)r->refused);
    number(f, "share", part);
    number(f, "of_reason", (double)r->of_reason);
}

/* --- connections without a request --- */

static bool is_incident(const struct finding_unserved *u)
{
    return u->half_sent >= half_sent_least || u->slow >= slow_least || u->silent >= silent_least ||
           u->left >= left_least || u->over >= slow_least;
}

static double impact_of(const struct finding_unserved *u, uint64_t requests)
{
    const uint64_t ended = u->slow + u->silent + u->left + u->over;
    const double now = u->connections > 0 ? (double)(u->half_sent + u->fresh) / (double)u->connections : 0;
    const double then = share(ended, ended + requests);

    return now > then ? now : then;
}

static void say_who(struct finding *f, const struct finding_unserved *u)
{
    const char *before = ". From ";

    for (size_t i = 0; i < FINDING_CLIENTS && u->clients[i].address != NULL; i++) {
        const struct finding_client *c = &u->clients[i];
        say(f, "%s%s: %d waiting, %llu ended", before, c->address, c->half_sent,
            (unsigned long long)c->ended);
        before = "; ";
    }
}

static void find_unserved(struct list *list, const struct findings_input *in)
{
    const struct finding_unserved *u = &in->unserved;
    struct finding *f;

    if (!is_incident(u))
        return;
    f = add(list, "connections", u->clients[0].address != NULL ? u->clients[0].address : "",
            impact_of(u, in->refused.requests));
    if (f == NULL)
        return;
    if (u->half_sent > 0)
        say(f, "%d of %d connections have sent half a request's head and no more", u->half_sent,
            u->connections);
    else
        say(f, "Connections come without a request");
    if (u->slow + u->silent + u->left > 0)
        say(f,
            "; in the last minute %llu ended in the middle of a head (408 after %.3g s), %llu without a "
            "byte, and "
            "%llu were given up by the client",
            (unsigned long long)u->slow, u->head_timeout_s, (unsigned long long)u->silent,
            (unsigned long long)u->left);
    say_who(f, u);
    if (u->over > 0)
        say(f, ". %llu more were turned away, since their client had %d (connections_per_client)",
            (unsigned long long)u->over, u->per_client_max);
    say(f, ". They hold places of %d (limits: {connections: …}): a shorter head_timeout ends them sooner%s",
        u->connections_max,
        u->per_client_max > 0 ? "" : ", and connections_per_client bounds what one address may hold");
    number(f, "half_sent", u->half_sent);
    number(f, "fresh", u->fresh);
    number(f, "connections", u->connections);
    number(f, "head_timeouts", (double)u->slow);
    number(f, "idle_timeouts", (double)u->silent);
    number(f, "left", (double)u->left);
    number(f, "over_limit", (double)u->over);
}

/* --- the machine --- */

static void find_throttled(struct list *list, const struct finding_host *h)
{
    struct finding *f;

    if (!is_throttled(h))
        return;
    f = add(list, "host", "throttled", at_most_1(h->stopped_share));
    if (f == NULL)
        return;
    say(f,
        "The CPU quota of the control group %s, %.3g CPUs, is used up in %.3g of %.3g periods a second, and "
        "all "
        "threads stand still for the rest of each, %.3g %% of the time: raise the quota (cpu.max), or have "
        "less to do",
        h->quota_cgroup, h->quota_cpus, h->used_up, h->periods, 100 * h->stopped_share);
    number(f, "quota_cpus", h->quota_cpus);
    number(f, "stopped_share", h->stopped_share);
    number(f, "periods", h->periods);
    number(f, "used_up", h->used_up);
    number(f, "throttled_ms", h->throttled_ms);
}

static void find_starved(struct list *list, const struct findings_input *in)
{
    const struct finding_host *h = &in->host;
    double lacked;
    struct finding *f;

    if (!is_starved(in))
        return;
    lacked = at_most_1(starved_ms(in) / h->wanted_ms);
    f = add(list, "host", "starved", lacked);
    if (f == NULL)
        return;
    say(f,
        "The machine lacks CPU: for %.3g %% of the time in which the loops had something to do they were "
        "given "
        "none (starved). Other processes use %.3g of %.3g CPUs",
        100 * lacked, h->others_cpus, h->cpus);
    if (h->stolen_cpus >= 0.01)
        say(f, ", and the hypervisor gives %.3g to other machines (steal)", h->stolen_cpus);
    if (h->pressed_share >= 0)
        say(f, "; some task waits for a CPU %.3g %% of the time (PSI)", 100 * h->pressed_share);
    say(f, ". No route is at fault: fewer neighbours, more CPUs or a higher priority help");
    number(f, "wanted_ms_per_s", h->wanted_ms);
    number(f, "lacked_ms_per_s", starved_ms(in));
    number(f, "others_cpus", h->others_cpus);
    number(f, "stolen_cpus", h->stolen_cpus);
    number(f, "starved_ms", h->starved_ms);
}

/* --- who holds a loop --- */

static void find_stall(struct list *list, const struct finding_stall *s)
{
    struct finding *f;

    if (s->task == NULL || s->held_max_ms < held_least_ms)
        return;
    f = add(list, "stall", s->route != NULL ? s->route : s->task, at_most_1(s->held_max_ms / 1000) / 2);
    if (f == NULL)
        return;
    say(f,
        "%s has held its loop %llu times, for %.3g ms at most (%s%s%s): all else there waited; 'weir stalls' "
        "has "
        "the stack",
        s->task, (unsigned long long)s->count, s->held_max_ms, s->kind, s->place != NULL ? ", in " : "",
        s->place != NULL ? s->place : "");
    number(f, "held_max_ms", s->held_max_ms);
    number(f, "count", (double)s->count);
}

/* --- the whole --- */

static int by_impact(const void *a, const void *b)
{
    const struct finding *x = a, *y = b;

    if (x->impact < y->impact || x->impact > y->impact)
        return x->impact < y->impact ? 1 : -1;
    return strcmp(x->name, y->name);
}

static void write_one(struct text_out *out, const struct finding *f)
{
    text_out_printf(out, "{\"about\":\"%s\",\"name\":", f->about);
    text_out_json(out, f->name);
    text_out_printf(out, ",\"impact\":%.3g,", f->impact);
    advice_write_piece(out, f->text, f->numbers);
    text_out_add(out, "}");
}

void findings_write(struct text_out *out, const struct findings_input *in)
{
    struct list list = {.items = calloc(FINDINGS_MAX, sizeof *list.items)};

    if (list.items == NULL) {
        out->err = -ENOMEM;
        return;
    }
    find_refused(&list, in);
    find_unserved(&list, in);
    find_throttled(&list, &in->host);
    find_starved(&list, in);
    find_stall(&list, &in->stall);
    for (size_t i = 0; i < in->origin_count; i++)
        find_origin(&list, &in->origins[i], in->refused.requests);
    qsort(list.items, list.count, sizeof *list.items, by_impact);
    text_out_add(out, "[");
    for (size_t i = 0; i < list.count; i++) {
        text_out_add(out, i ? "," : "");
        write_one(out, &list.items[i]);
    }
    text_out_add(out, "]");
    free(list.items);
}
