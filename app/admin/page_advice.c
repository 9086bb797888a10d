/* SPDX-License-Identifier: MIT */
#include "admin/page_advice.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/pool.h>
#include <weir/watch.h>

#include "admin/findings.h"
#include "admin/gateway_status.h"
#include "config/route_kind.h"

enum { NAMES_BYTES = 192, PLACE_BYTES = 160, TASK_BYTES = 96 };

static double ms(weir_duration d)
{
    return (double)d.ns / 1e6;
}

static struct advice_time time_of(const weir_meter *meter)
{
    const uint64_t count = weir_meter_count(meter);

    return (struct advice_time){
        .mean_ms = count ? (double)meter->sum_ns / (double)count / 1e6 : 0,
        .p99_ms = ms(weir_meter_quantile(meter, 0.99)),
    };
}

static double mean_square_ms2(const weir_meter *meter)
{
    double sum = 0, count = 0;

    for (unsigned i = 0; i < WEIR_METER_BUCKETS; i++) {
        const double n = (double)meter->buckets[i], middle = ms(weir_meter_middle(i));
        sum += n * middle * middle;
        count += n;
    }
    return count > 0 ? sum / count : 0;
}

/* --- routes and pools --- */

static bool is_of_client(enum weir_charge_kind kind)
{
    return kind == WEIR_CHARGE_HEAD || kind == WEIR_CHARGE_BODY || kind == WEIR_CHARGE_SEND;
}

static bool is_wait(enum weir_charge_kind kind)
{
    switch (kind) {
    case WEIR_CHARGE_RUN:
    case WEIR_CHARGE_QUEUE:
    case WEIR_CHARGE_READY:
    case WEIR_CHARGE_STARVED:
    case WEIR_CHARGE_THROTTLED:
    case WEIR_CHARGE_POOL_QUEUE:
    case WEIR_CHARGE_POOL_RUN:
        return false;
    default:
        return true;
    }
}

static double sum_of(const struct rolling_window *w, bool (*wanted)(enum weir_charge_kind kind))
{
    double sum = 0;

    for (enum weir_charge_kind kind = 0; kind < WEIR_CHARGE_KINDS; kind++)
        sum += wanted == NULL || wanted(kind) ? observed_spent_ms(w, kind) : 0;
    return sum;
}

static struct advice_kind kind_of(const struct config *config, const char *path)
{
    for (size_t i = 0; i < config->route_count; i++) {
        const struct config_route *route = &config->routes[i];
        if (strcmp(route->path, path) == 0)
            return (struct advice_kind){
                .name = route->kind->name,
                .pool = route->kind->on,
                .on_loop = route->on != NULL && strcmp(route->on, "loop") == 0,
                .asks_backends = strcmp(route->kind->name, "gather") == 0,
            };
    }
    return (struct advice_kind){0};
}

static struct advice_route route_of(struct observed *o, size_t i)
{
    const struct metrics *metrics = o->status->metrics;
    const struct observed_spent *spent = &o->spent[i];
    struct rolling_window took, w;
    uint64_t requests;

    rolling_sum(o->routes[i], &o->clock, weir_now(), ROLLING_LONG_S, &took);
    rolling_sum(spent->rolling, &o->clock, weir_now(), ROLLING_LONG_S, &w);
    requests = weir_meter_count(&took.meter);
    return (struct advice_route){
        .route = metrics_route_name(metrics, i),
        .kind = kind_of(metrics_config(metrics), metrics_route_name(metrics, i)),
        .requests = requests,
        .rate = took.seconds > 0 ? (double)requests / took.seconds : 0,
        /* of those that were looked at, so that its parts add up to it */
        .took_ms = w.numbers[OBSERVED_SAMPLES] ? sum_of(&w, NULL) : time_of(&took.meter).mean_ms,
        .loop = {observed_spent_ms(&w, WEIR_CHARGE_RUN), time_of(&w.meter).p99_ms},
        .loop_square_ms2 = mean_square_ms2(&w.meter),
        .wait_ms = sum_of(&w, is_wait),
        .client_ms = sum_of(&w, is_of_client),
        .ready_ms = observed_spent_ms(&w, WEIR_CHARGE_QUEUE) + observed_spent_ms(&w, WEIR_CHARGE_READY),
        .starved_ms = observed_spent_ms(&w, WEIR_CHARGE_STARVED),
        .throttled_ms = observed_spent_ms(&w, WEIR_CHARGE_THROTTLED),
        .queue_ms = observed_spent_ms(&w, WEIR_CHARGE_POOL_QUEUE),
        .pool_ms = observed_spent_ms(&w, WEIR_CHARGE_POOL_RUN),
        .slowest = spent->slowest[0] ? spent->slowest : NULL,
        .slowest_ms = spent->slowest_ms,
        .held_by = spent->holder[0] ? spent->holder : NULL,
    };
}

static struct advice_pool pool_of(struct observed *o, const struct observed_pool *pool)
{
    struct rolling_window run, queue;
    double seconds;

    rolling_sum(pool->run, &o->clock, weir_now(), ROLLING_LONG_S, &run);
    rolling_sum(pool->queue, &o->clock, weir_now(), ROLLING_LONG_S, &queue);
    seconds = run.seconds > 0 ? run.seconds : 1;
    return (struct advice_pool){
        .pool = pool->stats.name,
        .computes = pool->stats.work == WEIR_POOL_COMPUTE,
        .workers = pool->stats.workers_max,
        .rate = (double)run.numbers[OBSERVED_RAN] / seconds,
        .refused_rate = (double)observed_pool_refused(run.numbers) / seconds,
        .queue = time_of(&queue.meter),
        .run = time_of(&run.meter),
    };
}

/* --- backends --- */

/* Names of the calls to one origin, and of the routes these are of. */
struct callers {
    const char *origin;
    char names[NAMES_BYTES], routes[NAMES_BYTES];
    uint64_t partial;
    struct observed *observed;
};

static bool has_name(const char *list, const char *name)
{
    const size_t length = strlen(name);

    for (const char *at = list; (at = strstr(at, name)) != NULL; at += length)
        if ((at == list || at[-1] == ' ') && (at[length] == '\0' || at[length] == ','))
            return true;
    return false;
}

/* Returns: false: it is there already, or there is no room. */
static bool add_name(char list[NAMES_BYTES], const char *name)
{
    const size_t used = strlen(list);

    if (has_name(list, name) || used + strlen(name) + 3 > NAMES_BYTES)
        return false;
    snprintf(list + used, NAMES_BYTES - used, "%s%s", used ? ", " : "", name);
    return true;
}

static void note_caller(void *arg, const char *route, const char *call, const char *origin)
{
    struct callers *callers = arg;
    struct observed *o = callers->observed;

    if (strcmp(origin, callers->origin) != 0)
        return;
    (void)add_name(callers->names, call);
    if (!has_name(callers->routes, route) && add_name(callers->routes, route))
        callers->partial +=
            observed_gathers_partial(&o->gathers, route, &o->clock, weir_now(), ROLLING_LONG_S);
}

static struct finding_origin origin_of(struct observed *o, const struct observed_origin *origin,
                                       struct callers *callers)
{
    struct rolling_window w;
    int main = 0;

    rolling_sum(origin->rolling, &o->clock, weir_now(), ROLLING_LONG_S, &w);
    for (int error = 0; error < WEIR_ORIGIN_ERRORS; error++)
        if (error != WEIR_ORIGIN_CANCELLED &&
            w.numbers[OBSERVED_ORIGIN_ERROR + error] > w.numbers[OBSERVED_ORIGIN_ERROR + main])
            main = error;
    *callers = (struct callers){.origin = origin->name, .observed = o};
    observed_gathers_each_call(metrics_config(o->status->metrics), note_caller, callers);
    return (struct finding_origin){
        .origin = origin->name,
        .names = callers->names,
        .routes = callers->routes,
        .requests = w.numbers[OBSERVED_REQUESTS],
        .errors = observed_origin_errors(w.numbers),
        .reason = weir_origin_error_name((enum weir_origin_error)main),
        .of_reason = w.numbers[OBSERVED_ORIGIN_ERROR + main],
        .last_error = origin->last_error,
        .partial = callers->partial,
    };
}

/* --- what is refused, and what never became a request --- */

static struct finding_refused refused_of(struct observed *o)
{
    struct finding_refused out = {.reason = "other", .route = "none"};
    uint64_t reasons[METRICS_REFUSALS_MAX] = {0};
    struct rolling_window w;

    for (size_t i = 0; i < o->route_count; i++) {
        uint64_t refused;

        rolling_sum(o->routes[i], &o->clock, weir_now(), ROLLING_LONG_S, &w);
        refused = observed_route_refused(w.numbers);
        out.requests += weir_meter_count(&w.meter);
        out.refused += refused;
        if (refused > out.of_route) {
            out.of_route = refused;
            out.route = metrics_route_name(o->status->metrics, i);
        }
        for (size_t k = 0; k < metrics_refusal_count(); k++)
            reasons[k] += w.numbers[OBSERVED_REFUSED_FOR + k];
    }
    for (size_t k = 0; k < metrics_refusal_count(); k++)
        if (weir_refusal_at(k)->kind == WEIR_REFUSAL_LOAD && reasons[k] > out.of_reason) {
            out.of_reason = reasons[k];
            out.reason = weir_refusal_at(k)->reason;
        }
    return out;
}

static struct finding_unserved unserved_of(struct observed *o)
{
    const struct config_limits *limits = &metrics_config(o->status->metrics)->limits;
    const weir_instant now = weir_now();
    struct rolling_window w;
    struct finding_unserved out;

    rolling_sum(o->unserved, &o->clock, now, ROLLING_LONG_S, &w);
    out = (struct finding_unserved){
        .connections = o->server.connections,
        .connections_max = limits->connections,
        .per_client_max = limits->connections_per_client,
        .fresh = o->server.fresh,
        .half_sent = o->server.half_sent,
        .slow = w.numbers[WEIR_UNSERVED_HEAD_TIMEOUT],
        .silent = w.numbers[WEIR_UNSERVED_IDLE_TIMEOUT],
        .left = w.numbers[WEIR_UNSERVED_CLOSED] + w.numbers[WEIR_UNSERVED_RESET],
        .over = w.numbers[WEIR_UNSERVED_CLIENT_LIMIT],
        .head_timeout_s = (double)limits->head_timeout.ns / 1e9,
    };
    observed_clients_sort(&o->clients, &o->clock, now);
    for (size_t i = 0; i < FINDING_CLIENTS && i < o->clients.count; i++) {
        const struct observed_client *client = &o->clients.list[i];
        const uint64_t ended = observed_client_ended(client, &o->clock, now, ROLLING_LONG_S);
        if (client->half_sent > 0 || ended > 0)
            out.clients[i] = (struct finding_client){client->address, client->half_sent, ended};
    }
    return out;
}

/* --- the machine --- */

static double per_second(uint64_t count, const struct rolling_window *w)
{
    return w->seconds > 0 ? (double)count / w->seconds : 0;
}

/* Of a request of any route, on average. */
static double charged_ms(struct observed *o, enum weir_charge_kind kind)
{
    double sum = 0, samples = 0;
    struct rolling_window w;

    for (size_t i = 0; i < o->route_count; i++) {
        rolling_sum(o->spent[i].rolling, &o->clock, weir_now(), ROLLING_LONG_S, &w);
        sum += (double)w.numbers[kind] / 1e6;
        samples += (double)w.numbers[OBSERVED_SAMPLES];
    }
    return samples > 0 ? sum / samples : 0;
}

static struct finding_host host_of(struct observed *o)
{
    struct rolling_window w, loop;
    const uint64_t *n;
    uint64_t others;
    struct finding_host out;

    rolling_sum(o->host.rolling, &o->clock, weir_now(), ROLLING_LONG_S, &w);
    n = w.numbers;
    others = n[OBSERVED_HOST_BUSY] > n[OBSERVED_HOST_OWN] ? n[OBSERVED_HOST_BUSY] - n[OBSERVED_HOST_OWN] : 0;
    out = (struct finding_host){
        .cpus = per_second(n[OBSERVED_HOST_ALL], &w) / 1e6,
        .others_cpus = per_second(others, &w) / 1e6,
        .stolen_cpus = per_second(n[OBSERVED_HOST_STOLEN], &w) / 1e6,
        .pressed_share = o->host.stats.has_pressure ? per_second(n[OBSERVED_HOST_PRESSED], &w) / 1e6 : -1,
        .quota_cpus = o->host.stats.quota_cpus,
        .quota_cgroup = o->host.stats.quota_cgroup,
        .periods = per_second(n[OBSERVED_HOST_PERIODS], &w),
        .used_up = per_second(n[OBSERVED_HOST_USED_UP], &w),
        .stopped_share = per_second(n[OBSERVED_HOST_STOPPED], &w) / 1e6,
        .starved_ms = charged_ms(o, WEIR_CHARGE_STARVED),
        .throttled_ms = charged_ms(o, WEIR_CHARGE_THROTTLED),
    };
    for (size_t i = 0; i < o->loops.count; i++) {
        rolling_sum(o->loops.list[i].lag, &o->clock, weir_now(), ROLLING_LONG_S, &loop);
        out.wanted_ms += per_second(loop.numbers[OBSERVED_BUSY], &loop) / 1e6;
        out.lacked_ms += per_second(loop.numbers[OBSERVED_OFF_CPU], &loop) / 1e6;
    }
    return out;
}

/* --- who holds a loop --- */

/* A copy of the worst, since what is shown of it is lent. */
struct worst_stall {
    int64_t since_ns; /* older ones are of the past; by the wall clock */
    struct finding_stall found;
    char task[TASK_BYTES], route[TASK_BYTES], place[PLACE_BYTES];
};

/* The innermost frame that has a line: the program's own. */
static const char *place_of(const weir_stall *stall, char text[PLACE_BYTES])
{
    for (size_t i = 0; i < stall->frame_count; i++)
        if (stall->frames[i].file != NULL) {
            snprintf(text, PLACE_BYTES, "%s %s:%d", stall->frames[i].function, stall->frames[i].file,
                     stall->frames[i].line);
            return text;
        }
    return NULL;
}

static int look_at_stall(void *arg, const weir_stall *stall)
{
    struct worst_stall *w = arg;
    const double held_ms = ms(stall->held_max);
    const bool guilty = stall->kind == WEIR_STALL_COMPUTING || stall->kind == WEIR_STALL_BLOCKED;

    if (!guilty || stall->last_ns < w->since_ns || (w->found.task != NULL && held_ms <= w->found.held_max_ms))
        return 0;
    snprintf(w->task, sizeof w->task, "%s", stall->task);
    snprintf(w->route, sizeof w->route, "%s", stall->route != NULL ? stall->route : "");
    w->found = (struct finding_stall){
        .task = w->task,
        .kind = weir_stall_kind_text(stall->kind),
        .place = place_of(stall, w->place),
        .route = stall->route != NULL ? w->route : NULL,
        .held_max_ms = held_ms,
        .count = stall->count,
    };
    return 0;
}

static void find_worst_stall(struct observed *o, struct worst_stall *worst)
{
    struct timespec now;
    weir_runtime *runtime;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    *worst = (struct worst_stall){.since_ns = ((int64_t)now.tv_sec - ROLLING_LONG_S) * 1000000000};
    runtime = gateway_status_hold(o->status);
    if (runtime == NULL)
        return;
    (void)weir_stalls_each(runtime, look_at_stall, worst);
    gateway_status_release(o->status);
}

/* --- the whole --- */

struct room {
    struct advice_route *routes;
    struct advice_pool *pools;
    struct finding_origin *origins;
    struct callers *callers; /* of each origin */
    struct worst_stall worst;
};

static bool make_room(struct room *room, const struct observed *o)
{
    room->routes = calloc(o->route_count + 1, sizeof *room->routes);
    room->pools = calloc(o->pools.count + 1, sizeof *room->pools);
    room->origins = calloc(o->origins.count + 1, sizeof *room->origins);
    room->callers = calloc(o->origins.count + 1, sizeof *room->callers);
    return room->routes != NULL && room->pools != NULL && room->origins != NULL && room->callers != NULL;
}

static void free_room(struct room *room)
{
    free(room->routes);
    free(room->pools);
    free(room->origins);
    free(room->callers);
}

/* What no route took is no route to advise on. */
static size_t fill_routes(struct observed *o, struct advice_route *routes)
{
    size_t count = 0;

    for (size_t i = 0; i < o->route_count; i++)
        if (metrics_route_kind(o->status->metrics, i) != NULL)
            routes[count++] = route_of(o, i);
    return count;
}

static void write_all(struct observed *o, struct room *room, struct text_out *out)
{
    const struct advice_input advice = {
        .loops = o->loops.count > 0 ? (int)o->loops.count : 1,
        .cpus = weir_cpu_count(),
        .routes = room->routes,
        .route_count = fill_routes(o, room->routes),
        .pools = room->pools,
        .pool_count = o->pools.count,
    };
    struct findings_input findings;

    for (size_t i = 0; i < o->pools.count; i++)
        room->pools[i] = pool_of(o, &o->pools.list[i]);
    for (size_t i = 0; i < o->origins.count; i++)
        room->origins[i] = origin_of(o, o->origins.list[i], &room->callers[i]);
    find_worst_stall(o, &room->worst);
    findings = (struct findings_input){
        .advice = &advice,
        .origins = room->origins,
        .origin_count = o->origins.count,
        .refused = refused_of(o),
        .unserved = unserved_of(o),
        .host = host_of(o),
        .stall = room->worst.found,
    };
    text_out_printf(out, "{\"window_s\":%d,\"loops\":%d,\"cpus\":%d,\"findings\":", ROLLING_LONG_S,
                    advice.loops, advice.cpus);
    findings_write(out, &findings);
    text_out_add(out, ",");
    advice_write(out, &advice);
    text_out_add(out, "}\n");
}

void admin_advice_write(struct observed *o, struct text_out *out)
{
    struct room room = {0};

    observed_look(o);
    if (make_room(&room, o))
        write_all(o, &room, out);
    else
        out->err = -ENOMEM;
    free_room(&room);
}
