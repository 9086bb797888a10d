/* SPDX-License-Identifier: MIT */
#include "metrics/collector_origins.h"

#include <stdlib.h>
#include <string.h>

#include "metrics/collector_gathers.h"

static const double fails_share = 0.01; /* fewer failures are no reason to come first */

static void free_origin(struct observed_origin *origin)
{
    rolling_free(origin->rolling);
    free(origin->name);
    free(origin);
}

/* Where it is, or would be. */
static size_t place_of(const struct observed_origins *o, const char *name)
{
    size_t low = 0, high = o->count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(o->list[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool make_room(struct observed_origins *o)
{
    if (o->count < o->room)
        return true;
    size_t room = o->room ? 2 * o->room : 16;
    struct observed_origin **more = realloc(o->list, room * sizeof(struct observed_origin *));
    if (more == NULL)
        return false;
    o->list = more;
    o->room = room;
    return true;
}

static struct observed_origin *new_origin(const char *name)
{
    struct observed_origin *origin = calloc(1, sizeof *origin);

    if (origin == NULL)
        return NULL;
    origin->name = strdup(name);
    origin->rolling = rolling_new(OBSERVED_ORIGIN_NUMBERS);
    if (origin->name != NULL && origin->rolling != NULL)
        return origin;
    free_origin(origin);
    return NULL;
}

/* NULL: there is no memory for it, so it is not seen this time. */
static struct observed_origin *find_origin(struct observed_origins *o, const char *name)
{
    size_t at = place_of(o, name);

    if (at < o->count && strcmp(o->list[at]->name, name) == 0)
        return o->list[at];
    struct observed_origin *origin = make_room(o) ? new_origin(name) : NULL;
    if (origin == NULL)
        return NULL;
    memmove(&o->list[at + 1], &o->list[at], (o->count - at) * sizeof(struct observed_origin *));
    o->list[at] = origin;
    o->count++;
    return origin;
}

static void add_origin(void *arg, const weir_origin_stats *stats)
{
    struct observed_origin *origin = find_origin(arg, stats->origin);

    if (origin == NULL)
        return;
    origin->known = true;
    origin->failing = stats->failing;
    origin->last_error = stats->last_error;
    origin->last_error_at = stats->last_error_at;
    origin->in_use += stats->in_use;
    origin->idle += stats->idle;
    origin->waiting += stats->waiting;
    weir_meter_read(&stats->took, &origin->took);
    origin->numbers[OBSERVED_REQUESTS] += stats->requests;
    origin->numbers[OBSERVED_REUSED] += stats->reused;
    origin->numbers[OBSERVED_CONNECTED] += stats->connected;
    for (int i = 0; i < WEIR_ORIGIN_ERRORS; i++)
        origin->numbers[OBSERVED_ORIGIN_ERROR + i] += stats->errors[i];
}

static void begin(struct observed_origins *o)
{
    for (size_t i = 0; i < o->count; i++) {
        struct observed_origin *origin = o->list[i];
        origin->known = false;
        origin->in_use = origin->idle = origin->waiting = 0;
        memset(&origin->took, 0, sizeof origin->took);
        memset(origin->numbers, 0, sizeof origin->numbers);
    }
}

/* What every loop has forgotten is forgotten here, too: there are never more than they keep. */
static void end(struct observed_origins *o)
{
    size_t kept = 0;

    for (size_t i = 0; i < o->count; i++) {
        struct observed_origin *origin = o->list[i];
        if (!origin->known) {
            free_origin(origin);
            continue;
        }
        rolling_see(origin->rolling, &origin->took, origin->numbers);
        o->list[kept++] = origin;
    }
    o->count = kept;
}

static void expect(void *arg, const char *route, const char *call, const char *origin)
{
    struct observed_origin *expected = find_origin(arg, origin);

    (void)route, (void)call;
    if (expected != NULL)
        expected->known = true;
}

void observed_origins_look(struct observed_origins *o, const struct config *config, weir_runtime *runtime)
{
    begin(o);
    observed_gathers_each_call(config, expect, o);
    weir_origin_each(runtime, add_origin, o);
    end(o);
}

void observed_origins_next(struct observed_origins *o, const struct rolling_clock *clock)
{
    for (size_t i = 0; i < o->count; i++)
        rolling_next(o->list[i]->rolling, clock);
}

void observed_origins_close(struct observed_origins *o)
{
    for (size_t i = 0; i < o->count; i++)
        free_origin(o->list[i]);
    free(o->list);
}

uint64_t observed_origin_errors(const uint64_t *numbers)
{
    uint64_t errors = 0;

    for (int i = 0; i < WEIR_ORIGIN_ERRORS; i++)
        errors += i != WEIR_ORIGIN_CANCELLED ? numbers[OBSERVED_ORIGIN_ERROR + i] : 0;
    return errors;
}

/* --- order --- */

struct ranked {
    const struct observed_origin *origin;
    double share; /* of its requests that failed */
};

static int by_share(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    if (x->share < y->share || x->share > y->share)
        return x->share < y->share ? 1 : -1;
    return strcmp(x->origin->name, y->origin->name);
}

const struct observed_origin **observed_origins_sorted(const struct observed_origins *o,
                                                       const struct rolling_clock *clock, weir_instant now)
{
    struct ranked *ranked = calloc(o->count + 1, sizeof *ranked);
    const struct observed_origin **sorted = calloc(o->count + 1, sizeof(const struct observed_origin *));
    struct rolling_window w;

    for (size_t i = 0; ranked != NULL && i < o->count; i++) {
        double requests;

        rolling_sum(o->list[i]->rolling, clock, now, ROLLING_LONG_S, &w);
        requests = (double)w.numbers[OBSERVED_REQUESTS];
        const double share = requests > 0 ? (double)observed_origin_errors(w.numbers) / requests : 0;
        ranked[i] = (struct ranked){o->list[i], share >= fails_share ? share : 0};
    }
    if (ranked != NULL && sorted != NULL) {
        qsort(ranked, o->count, sizeof *ranked, by_share);
        for (size_t i = 0; i < o->count; i++)
            sorted[i] = ranked[i].origin;
    } else {
        free(sorted);
        sorted = NULL;
    }
    free(ranked);
    return sorted;
}
