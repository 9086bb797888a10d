/* SPDX-License-Identifier: MIT */
#include "admin/advice_routes.h"

#include <string.h>

#include "admin/advice_hedging.h"
#include "admin/advice_piece.h"

static const double bound_share = 0.8; /* a request is bound by what takes so much of its time */
static const double held_ms = 2;       /* on the loop, at p99: worth a hand-over */
static const double tiny_ms = 0.05;    /* on the pool: the hand-over costs as much */
static const double ready_ms = 1, ready_share = 0.1;
static const double slowest_share = 0.5, slowest_ms = 20;

/* --- what a route is --- */

enum advice_class advice_class_of(const struct advice_route *route)
{
    const double computing = route->loop.mean_ms + route->pool_ms;
    const double all = computing + route->wait_ms;

    if (route->requests == 0 || all <= 0)
        return ADVICE_IDLE;
    return computing >= bound_share * all        ? ADVICE_CPU_BOUND
           : route->wait_ms >= bound_share * all ? ADVICE_IO_BOUND
                                                 : ADVICE_MIXED;
}

static const char *class_name(enum advice_class class)
{
    static const char *const names[] = {"idle", "I/O-bound", "CPU-bound", "mixed"};

    return names[class];
}

double advice_loop_share(const struct advice_route *route, int loops)
{
    return route->rate * route->loop.mean_ms / 1000 / loops;
}

/* See advice.h. */
static double delay_to_others_ms(const struct advice_route *route, int loops)
{
    return route->rate / 1000 / loops * route->loop_square_ms2 / 2;
}

/* --- pieces of advice, each only if the configuration of the route can take it --- */

static bool can_offload(const struct advice_route *r)
{
    return r->kind.pool != NULL && r->kind.on_loop;
}

static void advise_on_loop_time(struct text_out *out, bool *first, const struct advice_route *r,
                                const struct advice_input *in)
{
    const struct advice_number numbers[] = {{"loop_p99_ms", r->loop.p99_ms},
                                            {"loop_ms", r->loop.mean_ms},
                                            {"rate", r->rate},
                                            {"loop_share", advice_loop_share(r, in->loops)},
                                            {"delay_to_others_ms", delay_to_others_ms(r, in->loops)},
                                            {NULL, 0}};

    if (r->loop.p99_ms < held_ms)
        return;
    if (can_offload(r))
        advice_add(out, first, numbers,
                   "%s spends %.3g ms on the loop at p99, and all other requests there wait for it: offload "
                   "it (on: %s)",
                   r->route, r->loop.p99_ms, r->kind.pool);
    else if (r->kind.asks_backends)
        advice_add(out, first, numbers,
                   "%s spends %.3g ms on the loop at p99, to check and pass on the answers of its backends: "
                   "fewer or smaller answers would help (limits: {reply: …} limits their size)%s",
                   r->route, r->loop.p99_ms, in->loops < in->cpus ? ", or more loops" : "");
    else
        advice_add(out, first, numbers, "%s spends %.3g ms on the loop at p99%s", r->route, r->loop.p99_ms,
                   in->loops < in->cpus ? ": more loops would share it (loops: …)"
                                        : ", with work that a pool cannot do");
}

/* "GET /report" is a task of the route /report. */
static const struct advice_route *route_of_task(const struct advice_input *in, const char *task)
{
    const char *path = strchr(task, ' ');

    for (size_t i = 0; path != NULL && i < in->route_count; i++)
        if (strcmp(in->routes[i].route, path + 1) == 0)
            return &in->routes[i];
    return NULL;
}

/* The digits with which "%.*g" writes a figure by three of them, and one of a thousand or more whole, not as
 * 3e+03. */
static int digits_of(double figure)
{
    int digits = 3;

    for (; figure >= 999.5 && digits < 15; figure /= 10)
        digits++;
    return digits;
}

#define FIGURE(figure) digits_of(figure), (figure)

static void advise_on_being_held(struct text_out *out, bool *first, const struct advice_route *r,
                                 const struct advice_input *in)
{
    const struct advice_number numbers[] = {{"ready_ms", r->ready_ms}, {"took_ms", r->took_ms}, {NULL, 0}};
    const struct advice_route *holder = r->held_by != NULL ? route_of_task(in, r->held_by) : NULL;
    const char *more = in->loops < in->cpus ? "; more loops would help" : "";

    if (r->ready_ms < ready_ms || r->ready_ms < ready_share * r->took_ms)
        return;
    if (r->held_by != NULL && holder != NULL && can_offload(holder))
        advice_add(out, first, numbers,
                   "%s waits %.*g of its %.*g ms to be run, mostly for %s: offload that route (on: %s)",
                   r->route, FIGURE(r->ready_ms), FIGURE(r->took_ms), r->held_by, holder->kind.pool);
    else if (r->held_by != NULL)
        advice_add(out, first, numbers, "%s waits %.*g of its %.*g ms to be run, mostly for %s%s", r->route,
                   FIGURE(r->ready_ms), FIGURE(r->took_ms), r->held_by, more);
    else
        advice_add(out, first, numbers,
                   "%s waits %.*g of its %.*g ms to be run: its loop has too much to do%s", r->route,
                   FIGURE(r->ready_ms), FIGURE(r->took_ms), more);
}

static void advise_on_no_cpu(struct text_out *out, bool *first, const struct advice_route *r)
{
    const double lacked_ms = r->starved_ms + r->throttled_ms;
    const struct advice_number numbers[] = {
        {"starved_ms", r->starved_ms}, {"throttled_ms", r->throttled_ms}, {"took_ms", r->took_ms}, {NULL, 0}};

    if (lacked_ms < ready_ms || lacked_ms < ready_share * r->took_ms)
        return;
    advice_add(out, first, numbers,
               r->throttled_ms > r->starved_ms
                   ? "%s is stopped for %.*g of its %.*g ms, because the CPU quota of its cgroup is used up"
                   : "%s is stopped for %.*g of its %.*g ms, because other processes have the CPU",
               r->route, FIGURE(lacked_ms), FIGURE(r->took_ms));
}

static void advise_on_tiny_jobs(struct text_out *out, bool *first, const struct advice_route *r)
{
    const struct advice_number numbers[] = {{"pool_ms", r->pool_ms}, {"queue_ms", r->queue_ms}, {NULL, 0}};

    if (r->pool_ms <= 0 || r->pool_ms >= tiny_ms || r->kind.pool == NULL)
        return;
    advice_add(
        out, first, numbers,
        "%s spends %.3g ms on the pool, less than the hand-over costs: compute it on the loop (on: loop)",
        r->route, r->pool_ms);
}

static void advise_on_the_slowest(struct text_out *out, bool *first, const struct advice_route *r)
{
    const struct advice_number numbers[] = {
        {"slowest_ms", r->slowest_ms}, {"took_ms", r->took_ms}, {NULL, 0}};
    const bool is_slow =
        r->slowest != NULL && r->slowest_ms >= slowest_ms && r->slowest_ms >= slowest_share * r->took_ms;

    if (is_slow && r->kind.asks_backends)
        advice_add(out, first, numbers,
                   "%s waits %.*g of its %.*g ms for %s: make that backend faster, or give the call a "
                   "deadline of its "
                   "own if an answer is useful without it",
                   r->route, FIGURE(r->slowest_ms), FIGURE(r->took_ms), r->slowest);
    else if (is_slow && r->kind.name != NULL && strcmp(r->kind.name, "proxy") == 0)
        advice_add(out, first, numbers,
                   "%s waits %.*g of its %.*g ms for %s: make that backend faster, or give it more instances",
                   r->route, FIGURE(r->slowest_ms), FIGURE(r->took_ms), r->slowest);
}

static void advise_on_slow_clients(struct text_out *out, bool *first, const struct advice_route *r)
{
    const struct advice_number numbers[] = {{"client_ms", r->client_ms}, {"took_ms", r->took_ms}, {NULL, 0}};

    if (r->client_ms < slowest_ms || r->client_ms < slowest_share * r->took_ms)
        return;
    advice_add(
        out, first, numbers,
        "%s waits %.*g of its %.*g ms for its clients to send or to receive: their connections are slow, "
        "not the gateway",
        r->route, FIGURE(r->client_ms), FIGURE(r->took_ms));
}

static void advise_that_all_is_well(struct text_out *out, bool *first, const struct advice_route *r)
{
    const struct advice_number numbers[] = {
        {"loop_p99_ms", r->loop.p99_ms}, {"wait_ms", r->wait_ms}, {NULL, 0}};

    if (!*first || r->requests == 0)
        return;
    if (r->pool_ms > 0)
        advice_add(out, first, numbers, "%s computes on a pool and does not hold the loop: right as it is",
                   r->route);
    else
        advice_add(out, first, numbers, "%s needs at most %.3g ms of the loop at p99: tasks are right for it",
                   r->route, r->loop.p99_ms);
}

void advice_write_route(struct text_out *out, const struct advice_route *r, const struct advice_input *in)
{
    bool first = true;

    text_out_add(out, "{\"route\":");
    text_out_json(out, r->route);
    text_out_printf(
        out,
        ",\"class\":\"%s\",\"requests\":%llu,\"rate\":%.6g,\"took_ms\":%.6g,\"loop_ms\":%.6g,\"loop_p99_ms\":"
        "%.6g,\"wait_ms\":%.6g,\"client_ms\":%.6g,\"ready_ms\":%.6g,\"starved_ms\":%.6g,\"throttled_ms\":%."
        "6g,\"queue_ms\":%.6g,\"pool_ms\":%.6g,\"loop_share\":%.6g,\"delay_to_others_ms\":%.6g,\"advice\":[",
        class_name(advice_class_of(r)), (unsigned long long)r->requests, r->rate, r->took_ms, r->loop.mean_ms,
        r->loop.p99_ms, r->wait_ms, r->client_ms, r->ready_ms, r->starved_ms, r->throttled_ms, r->queue_ms,
        r->pool_ms, advice_loop_share(r, in->loops), delay_to_others_ms(r, in->loops));
    advise_on_loop_time(out, &first, r, in);
    advise_on_being_held(out, &first, r, in);
    advise_on_no_cpu(out, &first, r);
    advise_on_tiny_jobs(out, &first, r);
    advise_to_hedge(out, &first, r);
    advise_on_the_slowest(out, &first, r);
    advise_on_slow_clients(out, &first, r);
    advise_that_all_is_well(out, &first, r);
    text_out_add(out, "]}");
}
