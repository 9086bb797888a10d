/* SPDX-License-Identifier: MIT */
#include "admin/advice_hedging.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/advice_piece.h"

enum { ENOUGH_CALLS = 1000, NAMED = 3, NAMES_BYTES = 200 };

static const double after_share = 0.95, of_interest = 0.99;
static const double floor_ms = 2;   /* as hedge: {floor: …} has it */
static const double gain_min = 0.1; /* of the p99 */
static const double matters = 0.05; /* of the requests that are slow, those that a backend makes slow */
static const double failing = 0.01; /* of the calls; more are no matter of slowness */
static const double independent_max = 1.5; /* between what is computed and what is measured */
static const uint64_t few = 20;

/* --- which backends may be hedged --- */

static const uint64_t *numbers_of(const struct snapshot_backend *b)
{
    return b->requests.last[LAST_60S].numbers;
}

/* Requests wait or are refused there, or fail. */
static bool has_too_much_to_do(const struct snapshot_backend *b)
{
    const double requests = (double)numbers_of(b)[BACKEND_REQUESTS];

    return b->open || b->panics || b->waiting > 0 || snapshot_backend_refused(numbers_of(b)) > 0 ||
           (b->limit > 0 && b->in_use >= b->limit) ||
           (double)snapshot_backend_failures(b, LAST_60S) > failing * requests;
}

static bool may_be_hedged(const struct advice_call *call)
{
    const struct snapshot_backend *b = call->backend;

    return b != NULL && call->repeatable > 0 && !snapshot_backend_hedges(b) &&
           call->delays->count >= ENOUGH_CALLS && b->options->connections_max != 1 &&
           b->options->limit != 1 && !has_too_much_to_do(b);
}

/* --- a route as it is, and as it would be --- */

/* The calls of a route. */
struct plan {
    const struct advice_route *route;
    struct delayed_call *calls; /* as they would be */
    bool *hedged;               /* those that would be, and are not yet */
};

static double p99_of(const struct plan *plan)
{
    return delayed_calls_quantile(plan->calls, plan->route->call_count, of_interest);
}

static double after_of(const struct advice_call *call)
{
    const double p95 = delays_quantile(call->delays, after_share);

    return p95 > floor_ms ? p95 : floor_ms;
}

/* As it is now: what is hedged already is. */
static void fill(const struct plan *plan)
{
    for (size_t i = 0; i < plan->route->call_count; i++) {
        const struct advice_call *call = &plan->route->calls[i];
        const bool now = call->backend != NULL && snapshot_backend_hedges(call->backend);
        plan->calls[i] = (struct delayed_call){
            .delays = call->delays,
            .hedge_after_ms = now ? (double)call->backend->attempts.hedge_after.ns / 1e6 : 0,
            .hedged_share = call->repeatable,
            .deadline_ms = call->deadline_ms,
        };
        plan->hedged[i] = false;
    }
}

static bool is_measured(const struct advice_route *r)
{
    for (size_t i = 0; i < r->call_count; i++)
        if (r->calls[i].delays->count < ENOUGH_CALLS)
            return false;
    return r->call_count > 0 && r->requests >= ENOUGH_CALLS;
}

static void hedge_all(const struct plan *plan)
{
    for (size_t i = 0; i < plan->route->call_count; i++) {
        plan->hedged[i] = may_be_hedged(&plan->route->calls[i]);
        if (plan->hedged[i])
            plan->calls[i].hedge_after_ms = after_of(&plan->route->calls[i]);
    }
}

/* How many more requests would be slow if the calls of a backend were not hedged. */
static double without(const struct plan *plan, const struct snapshot_backend *b, double ms)
{
    double more = 0;

    for (size_t i = 0; i < plan->route->call_count; i++)
        if (plan->hedged[i] && plan->route->calls[i].backend == b) {
            struct delayed_call call = plan->calls[i];
            call.hedge_after_ms = 0;
            more += delayed_call_longer(&call, ms) - delayed_call_longer(&plan->calls[i], ms);
        }
    return more;
}

/* Leaves those that matter for the slowest requests. */
static void leave_what_matters(const struct plan *plan)
{
    const double p99 = p99_of(plan);

    for (size_t i = 0; i < plan->route->call_count; i++)
        if (plan->hedged[i] &&
            without(plan, plan->route->calls[i].backend, p99) < matters * (1 - of_interest))
            plan->calls[i].hedge_after_ms = 0;
    for (size_t i = 0; i < plan->route->call_count; i++)
        plan->hedged[i] = plan->hedged[i] && plan->calls[i].hedge_after_ms > 0;
}

/* --- in words --- */

static bool is_first_of(const struct plan *plan, size_t call)
{
    for (size_t i = 0; i < call; i++)
        if (plan->hedged[i] && plan->route->calls[i].backend == plan->route->calls[call].backend)
            return false;
    return plan->hedged[call];
}

static size_t count_backends(const struct plan *plan)
{
    size_t count = 0;

    for (size_t i = 0; i < plan->route->call_count; i++)
        count += is_first_of(plan, i);
    return count;
}

/* "orders", "orders and stock", "orders, stock, offers and 9 more" */
static void name_backends(const struct plan *plan, char out[NAMES_BYTES])
{
    const size_t count = count_backends(plan), shown = count > NAMED + 1 ? NAMED : count;
    size_t used = 0, n = 0;

    for (size_t i = 0; i < plan->route->call_count && n < shown && used < NAMES_BYTES; i++) {
        const char *before = n == 0 ? "" : n + 1 == count ? " and " : ", ";
        if (!is_first_of(plan, i))
            continue;
        used += (size_t)snprintf(out + used, NAMES_BYTES - used, "%s%s", before,
                                 plan->route->calls[i].backend->options->name);
        n++;
    }
    if (shown < count && used < NAMES_BYTES)
        snprintf(out + used, NAMES_BYTES - used, " and %zu more", count - shown);
}

/* Of the calls to the backends that would be hedged, those that would be made twice. */
static double extra_of(const struct plan *plan)
{
    double extra = 0, calls = 0;

    for (size_t i = 0; i < plan->route->call_count; i++) {
        const struct delayed_call *call = &plan->calls[i];
        if (!plan->hedged[i])
            continue;
        extra += call->hedged_share * delays_longer(call->delays, call->hedge_after_ms);
        calls++;
    }
    return calls > 0 ? extra / calls : 0;
}

static double after_max(const struct plan *plan)
{
    double max = 0;

    for (size_t i = 0; i < plan->route->call_count; i++)
        if (plan->hedged[i] && plan->calls[i].hedge_after_ms > max)
            max = plan->calls[i].hedge_after_ms;
    return max;
}

static bool has_one_instance(const struct plan *plan)
{
    for (size_t i = 0; i < plan->route->call_count; i++)
        if (plan->hedged[i] && snapshot_backend_instances(plan->route->calls[i].backend) == 1)
            return true;
    return false;
}

static void say(struct text_out *out, bool *first, const struct plan *plan, double before, double after)
{
    const size_t count = count_backends(plan);
    const double extra = 100 * extra_of(plan);
    char names[NAMES_BYTES] = "";

    name_backends(plan, names);
    advice_add(
        out, first,
        (const struct advice_number[]){{"p99_ms", before},
                                       {"hedged_p99_ms", after},
                                       {"measured_p99_ms", plan->route->p99_ms},
                                       {"more_calls_percent", extra},
                                       {"after_ms", after_max(plan)},
                                       {"backends", (double)count},
                                       {NULL, 0}},
        "hedge %s at p95: %s p99 %.3g → %.3g ms for %.1f %% more calls (backends: {%s: {hedge: {after: "
        "p95, extra: 5%%}}}). Computed from the calls of the last minute, as if two attempts were slow "
        "independently of each other: requests that are slow by themselves gain nothing%s",
        names, plan->route->route, before, after, extra, count == 1 ? names : "NAME",
        has_one_instance(plan) ? ", nor may those that wait for the only instance of a backend: a second "
                                 "instance makes sure of that"
                               : "");
}

static void advise(struct text_out *out, bool *first, const struct plan *plan)
{
    const double measured = plan->route->p99_ms;
    double before, after;

    fill(plan);
    before = p99_of(plan);
    /* Slow calls come together, or the time goes elsewhere: what is computed would not come true. */
    if (before <= 0 || measured > independent_max * before || measured * independent_max < before)
        return;
    hedge_all(plan);
    leave_what_matters(plan);
    after = p99_of(plan);
    if (count_backends(plan) > 0 && before - after >= gain_min * before)
        say(out, first, plan, before, after);
}

void advise_to_hedge(struct text_out *out, bool *first, const struct advice_route *r)
{
    struct plan plan = {.route = r};

    if (!is_measured(r))
        return;
    plan.calls = calloc(r->call_count, sizeof *plan.calls);
    plan.hedged = calloc(r->call_count, sizeof *plan.hedged);
    if (plan.calls != NULL && plan.hedged != NULL)
        advise(out, first, &plan);
    free(plan.calls);
    free(plan.hedged);
}

/* --- where it is on --- */

static double share(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0;
}

static void say_what_hedges_do(struct text_out *out, bool *first, const struct snapshot_backend *b)
{
    const uint64_t *n = b->attempts.ended.last[LAST_60S].numbers;
    const uint64_t calls = snapshot_attempts_of(n, WEIR_ATTEMPT_FIRST),
                   hedges = snapshot_attempts_of(n, WEIR_ATTEMPT_HEDGE),
                   won = snapshot_attempts_ended(n, WEIR_ATTEMPT_HEDGE, WEIR_ATTEMPT_ANSWERED);
    const double after_ms = (double)b->attempts.hedge_after.ns / 1e6;

    if (hedges == 0)
        return;
    advice_add(out, first,
               (const struct advice_number[]){{"calls", (double)calls},
                                              {"hedges", (double)hedges},
                                              {"won", (double)won},
                                              {"saved_ms", (double)n[ATTEMPTS_SAVED_NS] / 1e6},
                                              {"after_ms", after_ms},
                                              {"budget", b->attempts.budget},
                                              {NULL, 0}},
               "hedging of %s: %.1f %% of calls, %.0f %% won", b->options->name, 100 * share(hedges, calls),
               100 * share(won, hedges));
}

static void say_what_retries_do(struct text_out *out, bool *first, const struct snapshot_backend *b)
{
    const uint64_t *n = b->attempts.ended.last[LAST_60S].numbers;
    const uint64_t calls = snapshot_attempts_of(n, WEIR_ATTEMPT_FIRST),
                   retries = snapshot_attempts_of(n, WEIR_ATTEMPT_RETRY),
                   good = snapshot_attempts_ended(n, WEIR_ATTEMPT_RETRY, WEIR_ATTEMPT_ANSWERED);

    if (retries == 0)
        return;
    advice_add(
        out, first,
        (const struct advice_number[]){
            {"calls", (double)calls}, {"retries", (double)retries}, {"answered", (double)good}, {NULL, 0}},
        "retries of %s: %.1f %% of calls, %.0f %% answered", b->options->name, 100 * share(retries, calls),
        100 * share(good, retries));
}

static const char *const denials[WEIR_ATTEMPT_DENIALS] = {
    [WEIR_ATTEMPT_NO_BUDGET] = "more requests are slow or fail than its budget pays for",
    [WEIR_ATTEMPT_PUSHBACK] = "it has asked by Retry-After to be left alone",
    [WEIR_ATTEMPT_TOO_LATE] = "the deadlines leave less time than its median answer takes",
    [WEIR_ATTEMPT_OPEN] = "its circuit breaker was open",
    [WEIR_ATTEMPT_NO_ROOM] = "its limit, or its connections, were in use",
};

/* More was denied than made: second attempts can't help. */
void advise_on_denials(struct text_out *out, bool *first, const struct snapshot_backend *b)
{
    const uint64_t *n = b->attempts.ended.last[LAST_60S].numbers;
    const uint64_t denied = snapshot_attempts_denied(n), made = snapshot_attempts_of(n, WEIR_ATTEMPT_HEDGE) +
                                                                snapshot_attempts_of(n, WEIR_ATTEMPT_RETRY);
    int main = 0;

    for (int why = 0; why < WEIR_ATTEMPT_DENIALS; why++)
        if (n[ATTEMPTS_DENIED + why] > n[ATTEMPTS_DENIED + main])
            main = why;
    if (denied < few || denied <= made)
        return;
    advice_add(out, first,
               (const struct advice_number[]){{"denied", (double)denied},
                                              {"of_reason", (double)n[ATTEMPTS_DENIED + main]},
                                              {"made", (double)made},
                                              {"budget", b->attempts.budget},
                                              {NULL, 0}},
               "%s was denied %llu second attempts and had %llu, mostly because %s: look at the backend "
               "itself%s",
               b->options->name, (unsigned long long)denied, (unsigned long long)made, denials[main],
               main == WEIR_ATTEMPT_NO_BUDGET ? ", a larger budget would only add to its load" : "");
}

void tell_of_attempts(struct text_out *out, bool *first, const struct snapshot_backend *b)
{
    say_what_hedges_do(out, first, b);
    say_what_retries_do(out, first, b);
}
