/* SPDX-License-Identifier: MIT */
#include "metrics/gather_counts.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "config/route_kind.h"

typedef _Atomic uint64_t counter;

struct call_cell {
    counter ends[GATHER_ENDS];
};

struct gather_counts_loop {
    struct gather_counts_loop *next;
    const struct gather_counts *counts;
    counter *partial; /* by route; lies behind the cells */
    struct call_cell cells[];
};

/* A gather of the configuration, with the numbers under which its route and calls are counted. They are
 * searched for one by one as the counts are opened, so that counting is an access by index. */
struct numbered_gather {
    const struct gather_settings *settings;
    size_t route;   /* into routes */
    uint32_t *call; /* into calls, for each of its calls */
};

struct gather_counts {
    _Atomic(struct gather_counts_loop *) loops;
    size_t gather_count, route_count, call_count;
    struct numbered_gather *gathers; /* sorted by the address of their settings */
    const char **routes;
    struct {
        const char *route, *name;
    } * calls;
};

/* --- opening and closing --- */

static const struct gather_settings *settings_of(const struct config_route *route)
{
    return strcmp(route->kind->name, "gather") == 0 ? route->settings : NULL;
}

static int make_room(struct gather_counts *counts, const struct config *config)
{
    size_t gathers = 0, calls = 0;

    for (size_t i = 0; i < config->route_count; i++) {
        const struct gather_settings *settings = settings_of(&config->routes[i]);
        gathers += settings != NULL;
        calls += settings != NULL ? settings->call_count : 0;
    }
    counts->gathers = calloc(gathers + 1, sizeof *counts->gathers);
    counts->routes = calloc(gathers + 1, sizeof(const char *));
    counts->calls = calloc(calls + 1, sizeof *counts->calls);
    return counts->gathers != NULL && counts->routes != NULL && counts->calls != NULL ? 0 : -ENOMEM;
}

static size_t route_for(struct gather_counts *counts, const char *path)
{
    size_t i = 0;

    while (i < counts->route_count && strcmp(counts->routes[i], path) != 0)
        i++;
    if (i == counts->route_count)
        counts->routes[counts->route_count++] = path;
    return i;
}

static uint32_t call_for(struct gather_counts *counts, size_t route, const char *name)
{
    const char *path = counts->routes[route];
    size_t i = 0;

    while (i < counts->call_count &&
           (counts->calls[i].route != path || strcmp(counts->calls[i].name, name) != 0))
        i++;
    if (i == counts->call_count) {
        counts->calls[i].route = path;
        counts->calls[i].name = name;
        counts->call_count++;
    }
    return (uint32_t)i;
}

static int add_gather(struct gather_counts *counts, const struct config_route *route)
{
    const struct gather_settings *settings = settings_of(route);
    struct numbered_gather *known = &counts->gathers[counts->gather_count];

    if (settings == NULL)
        return 0;
    known->settings = settings;
    known->route = route_for(counts, route->name);
    known->call = calloc(settings->call_count, sizeof *known->call);
    if (known->call == NULL)
        return -ENOMEM;
    counts->gather_count++;
    for (size_t i = 0; i < settings->call_count; i++)
        known->call[i] = call_for(counts, known->route, settings->calls[i].name);
    return 0;
}

static int by_settings(const void *a, const void *b)
{
    const char *x = (const char *)((const struct numbered_gather *)a)->settings,
               *y = (const char *)((const struct numbered_gather *)b)->settings;

    return (x > y) - (x < y);
}

int gather_counts_open(const struct config *config, struct gather_counts **out)
{
    struct gather_counts *counts = calloc(1, sizeof *counts);
    int err = counts != NULL ? make_room(counts, config) : -ENOMEM;

    for (size_t i = 0; i < config->route_count && err == 0; i++)
        err = add_gather(counts, &config->routes[i]);
    if (err < 0) {
        gather_counts_free(counts);
        return err;
    }
    qsort(counts->gathers, counts->gather_count, sizeof *counts->gathers, by_settings);
    *out = counts;
    return 0;
}

void gather_counts_free(struct gather_counts *counts)
{
    struct gather_counts_loop *next;

    if (counts == NULL)
        return;
    for (struct gather_counts_loop *loop = atomic_load(&counts->loops); loop != NULL; loop = next) {
        next = loop->next;
        free(loop);
    }
    for (size_t i = 0; i < counts->gather_count; i++)
        free(counts->gathers[i].call);
    free(counts->gathers);
    free(counts->routes);
    free(counts->calls);
    free(counts);
}

struct gather_counts_loop *gather_counts_loop_open(struct gather_counts *counts)
{
    size_t bytes = sizeof(struct gather_counts_loop) + counts->call_count * sizeof(struct call_cell) +
                   counts->route_count * sizeof(counter);
    struct gather_counts_loop *loop;

    bytes = (bytes + 63) / 64 * 64;
    loop = aligned_alloc(64, bytes);
    if (loop == NULL)
        return NULL;
    memset(loop, 0, bytes);
    loop->counts = counts;
    loop->partial = (counter *)&loop->cells[counts->call_count];
    loop->next = atomic_load(&counts->loops);
    while (!atomic_compare_exchange_weak(&counts->loops, &loop->next, loop))
        ;
    return loop;
}

/* --- counting --- */

/* One thread writes: no locked instruction is needed. */
static inline void count(counter *c)
{
    atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + 1, memory_order_relaxed);
}

void gather_counts_add(struct gather_counts_loop *loop, const struct gather_note *note)
{
    const struct gather_counts *counts = loop->counts;
    const struct numbered_gather wanted = {.settings = note->settings};

    const struct numbered_gather *known =
        bsearch(&wanted, counts->gathers, counts->gather_count, sizeof wanted, by_settings);
    if (known == NULL)
        return;
    for (size_t i = 0; i < note->settings->call_count; i++)
        count(&loop->cells[known->call[i]].ends[note->ends[i].end]);
    if (note->answered && note->succeeded < note->settings->call_count)
        count(&loop->partial[known->route]);
}

/* --- reading --- */

static const struct gather_counts_loop *first_loop(const struct gather_counts *counts)
{
    return atomic_load_explicit((_Atomic(struct gather_counts_loop *) *)(uintptr_t)&counts->loops,
                                memory_order_acquire);
}

static uint64_t read_counter(const counter *c)
{
    return atomic_load_explicit((counter *)(uintptr_t)c, memory_order_relaxed);
}

size_t gather_counts_calls(const struct gather_counts *counts)
{
    return counts->call_count;
}

void gather_counts_read_call(const struct gather_counts *counts, size_t i, struct gather_call_total *out)
{
    *out = (struct gather_call_total){.route = counts->calls[i].route, .call = counts->calls[i].name};
    for (const struct gather_counts_loop *loop = first_loop(counts); loop != NULL; loop = loop->next)
        for (int end = 0; end < GATHER_ENDS; end++)
            out->ends[end] += read_counter(&loop->cells[i].ends[end]);
}

size_t gather_counts_routes(const struct gather_counts *counts)
{
    return counts->route_count;
}

void gather_counts_read_route(const struct gather_counts *counts, size_t i, struct gather_route_total *out)
{
    *out = (struct gather_route_total){.route = counts->routes[i]};
    for (const struct gather_counts_loop *loop = first_loop(counts); loop != NULL; loop = loop->next)
        out->partial += read_counter(&loop->partial[i]);
}
