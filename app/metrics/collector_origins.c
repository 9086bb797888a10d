/* SPDX-License-Identifier: MIT */
#include "metrics/collector_parts.h"

#include <stdlib.h>
#include <string.h>

static const double fails_share = 0.01; /* fewer failures are no reason to come first */

/* What the loops have counted of an origin, while it is added up. */
struct origin_sum {
    weir_meter took;
    uint64_t numbers[ORIGIN_NUMBERS];
};

/* --- the list --- */

static void free_origin(struct snapshot_origin *origin)
{
    series_close(&origin->requests);
    free(origin->name);
    free(origin->sum);
    free(origin);
}

static struct snapshot_origin *new_origin(const char *name)
{
    struct snapshot_origin *origin = calloc(1, sizeof *origin);

    if (origin == NULL)
        return NULL;
    origin->name = strdup(name);
    origin->sum = calloc(1, sizeof *origin->sum);
    if (origin->name != NULL && origin->sum != NULL && series_open(&origin->requests, ORIGIN_NUMBERS) == 0)
        return origin;
    free_origin(origin);
    return NULL;
}

/* The index at which an origin is, or would be. */
static size_t index_of(const struct snapshot *s, const char *name)
{
    size_t low = 0, high = s->origin_count;

    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (strcmp(s->origins[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Makes room for one more in both lists. */
static bool make_room(struct snapshot *s)
{
    const size_t room = s->origin_room > 0 ? 2 * s->origin_room : 16;
    struct snapshot_origin **origins;
    const struct snapshot_origin **failing_first;

    if (s->origin_count < s->origin_room)
        return true;
    origins = realloc(s->origins, room * sizeof(struct snapshot_origin *));
    if (origins == NULL)
        return false;
    s->origins = origins;
    failing_first = realloc(s->failing_first, room * sizeof(const struct snapshot_origin *));
    if (failing_first == NULL)
        return false;
    s->failing_first = failing_first;
    s->origin_room = room;
    return true;
}

/* Returns: NULL when there is no memory for a new one. */
static struct snapshot_origin *find(struct snapshot *s, const char *name)
{
    const size_t at = index_of(s, name);
    struct snapshot_origin *origin;

    if (at < s->origin_count && strcmp(s->origins[at]->name, name) == 0)
        return s->origins[at];
    origin = make_room(s) ? new_origin(name) : NULL;
    if (origin == NULL)
        return NULL;
    memmove(&s->origins[at + 1], &s->origins[at], (s->origin_count - at) * sizeof(struct snapshot_origin *));
    s->origins[at] = origin;
    s->origin_count++;
    return origin;
}

void close_origins(struct snapshot *s)
{
    for (size_t i = 0; i < s->origin_count; i++)
        free_origin(s->origins[i]);
    free(s->origins);
    free(s->failing_first);
}

/* --- collecting --- */

static void begin(struct snapshot *s)
{
    for (size_t i = 0; i < s->origin_count; i++) {
        struct snapshot_origin *origin = s->origins[i];
        origin->known = false;
        origin->in_use = origin->idle = origin->waiting = 0;
        memset(origin->sum, 0, sizeof *origin->sum);
    }
}

static void expect_those_of_gathers(struct snapshot *s)
{
    for (size_t i = 0; i < s->call_count; i++) {
        struct snapshot_origin *origin = s->calls[i].origin != NULL ? find(s, s->calls[i].origin) : NULL;
        if (origin != NULL)
            origin->known = true;
    }
}

/* The origins while they are read. */
struct reading {
    struct snapshot *s;
    const char *without;
};

/* Processes of applications come and go with their sockets; what is asked of them is counted by application.
 */
static bool is_left_out(const char *origin, const char *folder)
{
    static const char at[] = " at unix:";
    const char *path = folder != NULL ? strstr(origin, at) : NULL;
    const size_t length = folder != NULL ? strlen(folder) : 0;

    return path != NULL && strncmp(path + sizeof at - 1, folder, length) == 0 &&
           path[sizeof at - 1 + length] == '/';
}

static void add(void *arg, const weir_origin_stats *stats)
{
    const struct reading *reading = arg;
    struct snapshot_origin *origin =
        is_left_out(stats->origin, reading->without) ? NULL : find(reading->s, stats->origin);
    uint64_t *numbers;

    if (origin == NULL)
        return;
    origin->known = true;
    origin->failing = stats->failing;
    origin->last_error = stats->last_error;
    origin->last_error_at = stats->last_error_at;
    origin->in_use += stats->in_use;
    origin->idle += stats->idle;
    origin->waiting += stats->waiting;
    weir_meter_add(&origin->sum->took, &stats->took);
    numbers = origin->sum->numbers;
    numbers[ORIGIN_REQUESTS] += stats->requests;
    numbers[ORIGIN_REUSED] += stats->reused;
    numbers[ORIGIN_CONNECTED] += stats->connected;
    for (int i = 0; i < WEIR_ORIGIN_ERRORS; i++)
        numbers[ORIGIN_ERROR + i] += stats->errors[i];
}

/* What every loop has forgotten is forgotten here, too: there are never more than the loops keep. */
static void end(struct snapshot *s)
{
    size_t kept = 0;

    for (size_t i = 0; i < s->origin_count; i++) {
        struct snapshot_origin *origin = s->origins[i];
        if (!origin->known) {
            free_origin(origin);
            continue;
        }
        series_update(&origin->requests, &origin->sum->took, origin->sum->numbers);
        s->origins[kept++] = origin;
    }
    s->origin_count = kept;
}

void collect_origins(struct snapshot *s, weir_runtime *runtime, const char *without)
{
    struct reading reading = {s, without};

    begin(s);
    expect_those_of_gathers(s);
    weir_origin_each(runtime, add, &reading);
    end(s);
}

/* --- order --- */

/* Returns: the share of an origin's requests that failed in the last minute. */
static double failing_share(const struct snapshot_origin *origin)
{
    const uint64_t *numbers = origin->requests.last[LAST_60S].numbers;
    const double requests = (double)numbers[ORIGIN_REQUESTS];
    const double share = requests > 0 ? (double)snapshot_origin_errors(numbers) / requests : 0;

    return share >= fails_share ? share : 0;
}

static int by_failing_share(const void *a, const void *b)
{
    const struct snapshot_origin *const *x = a, *const *y = b;
    const double of_x = failing_share(*x), of_y = failing_share(*y);

    if (of_x < of_y || of_x > of_y)
        return of_x < of_y ? 1 : -1;
    return strcmp((*x)->name, (*y)->name);
}

void collect_failing_first(struct snapshot *s)
{
    for (size_t i = 0; i < s->origin_count; i++)
        s->failing_first[i] = s->origins[i];
    if (s->origin_count > 1)
        qsort(s->failing_first, s->origin_count, sizeof(const struct snapshot_origin *), by_failing_share);
}
