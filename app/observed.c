#include "observed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/task.h>

#include "gateway_status.h"

/* ---- opening and closing ---- */

static void free_origin(struct observed_origin *origin)
{
    rolling_free(origin->rolling);
    free(origin->name);
    free(origin);
}

int observed_open(struct observed *o, struct gateway_status *status)
{
    *o = (struct observed){.status = status, .started = weir_now()};
    rolling_clock_init(&o->clock, o->started);
    o->route_count = metrics_route_count(status->metrics);
    o->routes = calloc(o->route_count, sizeof(struct rolling *));
    bool good = o->routes != NULL;
    for (size_t i = 0; good && i < o->route_count; i++)
        good = (o->routes[i] = rolling_new(OBSERVED_ROUTE_NUMBERS)) != NULL;
    if (!good)
        observed_close(o);
    return good ? 0 : -ENOMEM;
}

void observed_close(struct observed *o)
{
    for (size_t i = 0; o->routes && i < o->route_count; i++)
        rolling_free(o->routes[i]);
    free(o->routes);
    for (size_t i = 0; i < o->origin_count; i++)
        free_origin(o->origins[i]);
    free(o->origins);
}

/* ---- routes ---- */

static void look_at_route(struct observed *o, size_t i)
{
    struct metrics_route route;
    metrics_read_route(o->status->metrics, i, &route);
    rolling_see(o->routes[i], &route.took,
                (uint64_t[OBSERVED_ROUTE_NUMBERS]){
                    [OBSERVED_ERRORS] = route.errors,
                    [OBSERVED_CUT] = route.cut,
                    [OBSERVED_REQUEST_BYTES] = route.request_bytes,
                    [OBSERVED_REPLY_BYTES] = route.reply_bytes,
                });
}

/* ---- origins ---- */

/* Where it is, or would be. */
static size_t place_of(const struct observed *o, const char *name)
{
    size_t low = 0, high = o->origin_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(o->origins[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool make_room(struct observed *o)
{
    if (o->origin_count < o->origin_room)
        return true;
    size_t room = o->origin_room ? 2 * o->origin_room : 16;
    struct observed_origin **more = realloc(o->origins, room * sizeof(struct observed_origin *));
    if (!more)
        return false;
    o->origins = more;
    o->origin_room = room;
    return true;
}

static struct observed_origin *new_origin(const char *name)
{
    struct observed_origin *origin = calloc(1, sizeof *origin);
    if (!origin)
        return NULL;
    origin->name = strdup(name);
    origin->rolling = rolling_new(OBSERVED_ORIGIN_NUMBERS);
    if (origin->name && origin->rolling)
        return origin;
    free_origin(origin);
    return NULL;
}

/* NULL: there is no memory for it, so it is not seen this time. */
static struct observed_origin *find_origin(struct observed *o, const char *name)
{
    size_t at = place_of(o, name);
    if (at < o->origin_count && strcmp(o->origins[at]->name, name) == 0)
        return o->origins[at];
    struct observed_origin *origin = make_room(o) ? new_origin(name) : NULL;
    if (!origin)
        return NULL;
    memmove(&o->origins[at + 1], &o->origins[at], (o->origin_count - at) * sizeof(struct observed_origin *));
    o->origins[at] = origin;
    o->origin_count++;
    return origin;
}

static void add_origin(void *arg, const weir_origin_stats *stats)
{
    struct observed_origin *origin = find_origin(arg, stats->origin);
    if (!origin)
        return;
    origin->known = true;
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

static void begin_origins(struct observed *o)
{
    for (size_t i = 0; i < o->origin_count; i++) {
        struct observed_origin *origin = o->origins[i];
        origin->known = false;
        origin->in_use = origin->idle = origin->waiting = 0;
        memset(&origin->took, 0, sizeof origin->took);
        memset(origin->numbers, 0, sizeof origin->numbers);
    }
}

/* What every loop has forgotten is forgotten here, too: there are never more than they keep. */
static void end_origins(struct observed *o)
{
    size_t kept = 0;
    for (size_t i = 0; i < o->origin_count; i++) {
        struct observed_origin *origin = o->origins[i];
        if (!origin->known) {
            free_origin(origin);
            continue;
        }
        rolling_see(origin->rolling, &origin->took, origin->numbers);
        o->origins[kept++] = origin;
    }
    o->origin_count = kept;
}

uint64_t observed_origin_errors(const uint64_t *numbers)
{
    uint64_t errors = 0;
    for (int i = 0; i < WEIR_ORIGIN_ERRORS; i++)
        errors += i != WEIR_ORIGIN_CANCELLED ? numbers[OBSERVED_ORIGIN_ERROR + i] : 0;
    return errors;
}

/* ---- the whole ---- */

static void look_at_runtime(struct observed *o, weir_runtime *runtime)
{
    weir_server_read(runtime, &o->server);
    begin_origins(o);
    weir_origin_each(runtime, add_origin, o);
    end_origins(o);
}

static void begin_second(struct observed *o)
{
    for (size_t i = 0; i < o->route_count; i++)
        rolling_next(o->routes[i], &o->clock);
    for (size_t i = 0; i < o->origin_count; i++)
        rolling_next(o->origins[i]->rolling, &o->clock);
}

void observed_look(struct observed *o)
{
    for (size_t i = 0; i < o->route_count; i++)
        look_at_route(o, i);
    weir_runtime *runtime = gateway_status_hold(o->status);
    o->runs = runtime != NULL;
    if (runtime) {
        look_at_runtime(o, runtime);
        gateway_status_release(o->status);
    }
    if (rolling_clock_turn(&o->clock, weir_now()))
        begin_second(o);
}

int observed_run(void *arg)
{
    int err = 0;
    while (err == 0) {
        observed_look(arg);
        err = weir_sleep(weir_seconds(1));
    }
    return err;
}
