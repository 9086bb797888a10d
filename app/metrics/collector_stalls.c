/* SPDX-License-Identifier: MIT */
#include "metrics/collector_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/guard.h>

int open_stalls(struct snapshot *s)
{
    s->stall_totals = calloc(SNAPSHOT_STALLS_MAX, sizeof *s->stall_totals);
    return s->stall_totals != NULL ? 0 : -ENOMEM;
}

/* --- totals --- */

/* Returns: NULL: there is no room for another. */
static struct snapshot_stall_total *total_of(struct snapshot *s, const char *route,
                                             enum weir_stall_type cause)
{
    struct snapshot_stall_total *total;

    for (size_t i = 0; i < s->stall_total_count; i++)
        if (s->stall_totals[i].cause == cause && strcmp(s->stall_totals[i].route, route) == 0)
            return &s->stall_totals[i];
    if (s->stall_total_count == SNAPSHOT_STALLS_MAX)
        return NULL;
    total = &s->stall_totals[s->stall_total_count++];
    *total = (struct snapshot_stall_total){.cause = cause};
    snprintf(total->route, sizeof total->route, "%s", route);
    return total;
}

void add_stall_total(struct snapshot *s, const char *route, enum weir_stall_type cause, uint64_t count,
                     double held_s)
{
    struct snapshot_stall_total *total = total_of(s, route, cause);

    if (total != NULL) {
        total->count += count;
        total->held_s += held_s;
    }
}

static int add_total(void *arg, const weir_stall_total *read)
{
    add_stall_total(arg, read->route != NULL ? read->route : "none", read->type, read->count,
                    (double)read->held.ns / 1e9);
    return 0;
}

void expect_stall_totals(struct snapshot *s)
{
    for (size_t i = 0; i < s->route_count; i++)
        for (int cause = 0; cause < WEIR_STALL_TYPES; cause++)
            (void)total_of(s, s->routes[i].name, (enum weir_stall_type)cause);
}

void collect_stall_totals(struct snapshot *s, weir_runtime *runtime)
{
    s->stall_total_count = 0;
    s->stalls_err = weir_stall_totals_each(runtime, add_total, s);
    expect_stall_totals(s);
}

/* --- the worst --- */

struct search {
    struct snapshot_stall *worst;
    int64_t since_ns; /* by the wall clock; older ones are of the past */
};

/* Writes the innermost frame that has a line: it is the program's own. */
static void write_place(char place[SNAPSHOT_PLACE_BYTES], const weir_stall *stall)
{
    place[0] = '\0';
    for (size_t i = 0; i < stall->stack_depth; i++)
        if (stall->stack[i].file != NULL) {
            snprintf(place, SNAPSHOT_PLACE_BYTES, "%s %s:%d", stall->stack[i].function, stall->stack[i].file,
                     stall->stack[i].line);
            return;
        }
}

static int compare(void *arg, const weir_stall *stall)
{
    const struct search *search = arg;
    struct snapshot_stall *worst = search->worst;
    const double held_ms = (double)stall->held_max.ns / 1e6;

    if (!snapshot_stall_is_own(stall->type) || stall->last_ns < search->since_ns ||
        (worst->found && held_ms <= worst->held_max_ms))
        return 0;
    worst->found = true;
    snprintf(worst->task, sizeof worst->task, "%s", stall->task);
    snprintf(worst->route, sizeof worst->route, "%s", stall->route != NULL ? stall->route : "");
    write_place(worst->place, stall);
    worst->cause = weir_stall_type_name(stall->type);
    worst->held_max_ms = held_ms;
    worst->count = stall->count;
    return 0;
}

void collect_worst_stall(struct snapshot *s, weir_runtime *runtime)
{
    struct search search = {.worst = &s->worst_stall};
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    search.since_ns = ((int64_t)now.tv_sec - WINDOW_LONG_S) * 1000000000;
    (void)weir_stalls_each(runtime, compare, &search);
}

/* --- caught calls --- */

int open_guard_calls(struct snapshot *s)
{
    size_t count = 0;

    while (weir_guard_call_name(count) != NULL)
        count++;
    s->guard_calls = calloc(count + 1, sizeof *s->guard_calls);
    if (s->guard_calls == NULL)
        return -ENOMEM;
    s->guard_call_count = count;
    for (size_t i = 0; i < count; i++)
        s->guard_calls[i].function = weir_guard_call_name(i);
    return 0;
}

void collect_guard_calls(struct snapshot *s)
{
    for (size_t i = 0; i < s->guard_call_count; i++)
        s->guard_calls[i].count = weir_guard_call_count(s->guard_calls[i].function);
}
