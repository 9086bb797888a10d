/* SPDX-License-Identifier: MIT */
#include "metrics/metrics.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "config/route_kind.h"

const char *const metrics_methods[METRICS_METHODS] = {"GET",   "HEAD",    "POST",    "PUT",   "DELETE",
                                                      "PATCH", "OPTIONS", "CONNECT", "TRACE", "other"};

/* --- cells --- */

/* A method and status have the slot in which they were first met; slot 0 is for what finds none. */
enum { SLOTS = METRICS_STATUSES_MAX + 1, METHOD_BITS = 4 };
_Static_assert(SLOTS == 64, "the hash below gives six bits");
_Static_assert(METRICS_METHODS <= 1 << METHOD_BITS, "a key holds the method");

typedef _Atomic uint64_t counter;

struct cell {
    unsigned last_key; /* the loop's own: the latest, and its slot */
    unsigned last_slot;
    int64_t slowest_ns; /* the loop's own: of those that were looked at in this second */
    counter request_bytes, reply_bytes, cut;
    counter refused[METRICS_REFUSALS_MAX];
    _Atomic uint16_t keys[SLOTS]; /* status << METHOD_BITS | method; 0: free */
    counter counts[SLOTS];
    weir_meter took;
    struct spent_cell spent;
    struct exemplars exemplars;
};

struct metrics_loop {
    struct metrics_loop *next;
    const struct config_route *routes;
    const uint16_t *label_of;
    struct cell *none; /* for what no route took */
    const _Atomic uint32_t *second;
    struct cell cells[]; /* as the labels of struct metrics */
};

struct metrics {
    const struct config *config;
    _Atomic(struct metrics_loop *) loops;
    _Atomic uint32_t second; /* counted up by who reads */
    size_t label_count;
    const struct config_route **labels; /* the first route of each path; the last, NULL: none matched */
    uint16_t *label_of;                 /* by number of the route */
};

/* One thread writes: no locked instruction is needed. */
static inline void count(counter *c, uint64_t n)
{
    atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n, memory_order_relaxed);
}

static inline uint64_t look(const counter *c)
{
    return atomic_load_explicit((counter *)(uintptr_t)c, memory_order_relaxed);
}

/* --- opening and closing --- */

static uint16_t label_for(struct metrics *metrics, const struct config_route *route)
{
    size_t i = 0;

    while (i < metrics->label_count && strcmp(metrics->labels[i]->path, route->path) != 0)
        i++;
    if (i == metrics->label_count)
        metrics->labels[metrics->label_count++] = route;
    return (uint16_t)i;
}

int metrics_open(const struct config *config, struct metrics **out)
{
    const size_t count = config->route_count;
    struct metrics *metrics = calloc(1, sizeof *metrics);

    if (metrics == NULL)
        return -ENOMEM;
    metrics->config = config;
    atomic_init(&metrics->second, 1); /* cells begin in none */
    metrics->labels = calloc(count + 1, sizeof(const struct config_route *));
    metrics->label_of = calloc(count + 1, sizeof *metrics->label_of);
    if (metrics->labels == NULL || metrics->label_of == NULL || count > UINT16_MAX) {
        metrics_free(metrics);
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++)
        metrics->label_of[i] = label_for(metrics, &config->routes[i]);
    metrics->label_count++;
    *out = metrics;
    return 0;
}

void metrics_free(struct metrics *metrics)
{
    struct metrics_loop *next;

    if (metrics == NULL)
        return;
    for (struct metrics_loop *loop = atomic_load(&metrics->loops); loop != NULL; loop = next) {
        next = loop->next;
        free(loop);
    }
    free(metrics->labels);
    free(metrics->label_of);
    free(metrics);
}

struct metrics_loop *metrics_loop_open(struct metrics *metrics)
{
    size_t bytes = sizeof(struct metrics_loop) + metrics->label_count * sizeof(struct cell);
    struct metrics_loop *loop;

    bytes = (bytes + 63) / 64 * 64;
    loop = aligned_alloc(64, bytes);
    if (loop == NULL)
        return NULL;
    memset(loop, 0, bytes);
    loop->routes = metrics->config->routes;
    loop->label_of = metrics->label_of;
    loop->second = &metrics->second;
    loop->none = &loop->cells[metrics->label_count - 1];
    loop->next = atomic_load(&metrics->loops);
    while (!atomic_compare_exchange_weak(&metrics->loops, &loop->next, loop))
        ;
    return loop;
}

/* --- counting --- */

/* Its place in an array of names, or that of the last. */
static unsigned place_of(const char *name, const char *const *names, unsigned count)
{
    unsigned i = 0;

    while (i < count - 1 && strcmp(name, names[i]) != 0)
        i++;
    return i;
}

size_t metrics_refusal_count(void)
{
    size_t count = 0;

    while (count < METRICS_REFUSALS_MAX && weir_refusal_at(count) != NULL)
        count++;
    return count;
}

/* The last is "other". */
static size_t refusal_of(const char *reason)
{
    size_t i = 0;

    while (i < METRICS_REFUSALS_MAX - 1 && weir_refusal_at(i + 1) != NULL &&
           strcmp(weir_refusal_at(i)->reason, reason) != 0)
        i++;
    return i;
}

static unsigned slot_of(struct cell *cell, unsigned key)
{
    unsigned slot = (key * 0x9e3779b1u) >> 26;

    for (unsigned i = 0; i < SLOTS; i++, slot = (slot + 1) % SLOTS) {
        unsigned found = atomic_load_explicit(&cell->keys[slot], memory_order_relaxed);
        if (slot == 0)
            continue;
        if (found == key)
            return slot;
        if (found == 0) {
            atomic_store_explicit(&cell->keys[slot], (uint16_t)key, memory_order_relaxed);
            return slot;
        }
    }
    return 0;
}

static inline struct cell *cell_of(struct metrics_loop *loop, const weir_exchange_record *record)
{
    const struct config_route *route = record->data;

    return route != NULL ? &loop->cells[loop->label_of[route - loop->routes]] : loop->none;
}

/* Some of each second, and whoever takes longer than all of them so far. */
__attribute__((noinline)) static void look_closely(struct cell *cell, uint32_t second,
                                                   const weir_exchange_record *record)
{
    weir_charge charges[WEIR_CHARGES_MAX];

    if (cell->spent.second != second)
        cell->slowest_ns = 0;
    if (record->took.ns > cell->slowest_ns)
        cell->slowest_ns = record->took.ns;
    if (spent_wants(&cell->spent, second))
        spent_take(&cell->spent, charges, weir_exchange_charges(record, charges));
    if (record->request != NULL)
        exemplars_keep(&cell->exemplars, record->took, weir_request_trace(record->request));
}

static inline void add(struct metrics_loop *loop, struct cell *cell, const weir_exchange_record *record)
{
    const uint32_t second =
        atomic_load_explicit((_Atomic uint32_t *)(uintptr_t)loop->second, memory_order_relaxed);
    counter *n;
    if (second != cell->spent.second || cell->spent.left > 0 || record->took.ns > cell->slowest_ns)
        look_closely(cell, second, record);
    n = &cell->counts[cell->last_slot];
    atomic_store_explicit(n, look(n) + 1, memory_order_release); /* after its key */
    weir_meter_record(&cell->took, record->took);
    count(&cell->reply_bytes, record->reply_bytes);
}

__attribute__((noinline)) static void count_any(struct metrics_loop *loop, const weir_exchange_record *record)
{
    struct cell *cell = cell_of(loop, record);
    unsigned method = place_of(record->method, metrics_methods, METRICS_METHODS);
    unsigned status = record->status ? (unsigned)record->status : METRICS_CLIENT_LEFT;

    cell->last_key = status << METHOD_BITS | method;
    cell->last_slot = slot_of(cell, cell->last_key);
    add(loop, cell, record);
    count(&cell->request_bytes, record->request_bytes);
    if (!record->complete && record->status)
        count(&cell->cut, 1);
    if (record->refused != NULL)
        count(&cell->refused[refusal_of(record->refused)], 1);
}

static inline bool is_get(const char *method)
{
    return method[0] == 'G' && method[1] == 'E' && method[2] == 'T' && !method[3];
}

/* This stands in the way of every request: the most frequent kind, when it ended as the one before, is
 * counted without a call. */
void metrics_count(struct metrics_loop *loop, const weir_exchange_record *record)
{
    struct cell *cell = cell_of(loop, record);

    if (is_get(record->method) && (unsigned)record->status << METHOD_BITS == cell->last_key &&
        record->complete && record->refused == NULL && !record->request_bytes)
        add(loop, cell, record);
    else
        count_any(loop, record);
}

/* --- reading --- */

const struct config *metrics_config(const struct metrics *metrics)
{
    return metrics->config;
}

size_t metrics_route_count(const struct metrics *metrics)
{
    return metrics->label_count;
}

const char *metrics_route_name(const struct metrics *metrics, size_t i)
{
    return metrics->labels[i] != NULL ? metrics->labels[i]->path : "none";
}

const char *metrics_route_kind(const struct metrics *metrics, size_t i)
{
    return metrics->labels[i] != NULL ? metrics->labels[i]->kind->name : NULL;
}

static void add_outcome(struct metrics_outcomes *out, unsigned key, uint64_t n)
{
    const int status = (int)(key >> METHOD_BITS);
    const int method = status ? (int)(key & ((1U << METHOD_BITS) - 1)) : METRICS_METHODS - 1;
    size_t i = 0;

    while (i < out->count && (out->list[i].status != status || out->list[i].method != method))
        i++;
    if (i == out->count && i == METRICS_OUTCOMES_MAX - 1 && status) {
        add_outcome(out, 0, n); /* the last place is for the rest */
        return;
    }
    if (i == out->count)
        out->list[out->count++] = (struct metrics_outcome){method, status, 0};
    out->list[i].count += n;
}

/* Returns: how many are in a slot, and of what. */
static uint64_t slot(const struct cell *cell, size_t i, unsigned *key)
{
    uint64_t n = atomic_load_explicit((counter *)(uintptr_t)&cell->counts[i], memory_order_acquire);

    *key = atomic_load_explicit((_Atomic uint16_t *)(uintptr_t)&cell->keys[i], memory_order_relaxed);
    return n;
}

static const struct metrics_loop *first_loop(const struct metrics *metrics)
{
    return atomic_load_explicit((_Atomic(struct metrics_loop *) *)(uintptr_t)&metrics->loops,
                                memory_order_acquire);
}

static void add_cell(const struct cell *cell, struct metrics_route *out)
{
    unsigned key;

    out->request_bytes += look(&cell->request_bytes);
    out->reply_bytes += look(&cell->reply_bytes);
    out->cut += look(&cell->cut);
    for (size_t i = 0; i < METRICS_REFUSALS_MAX; i++)
        out->refused[i] += look(&cell->refused[i]);
    weir_meter_read(&cell->took, &out->took);
    for (size_t i = 0; i < SLOTS; i++) {
        uint64_t n = slot(cell, i, &key);
        out->errors += key >> METHOD_BITS >= 500 ? n : 0;
    }
}

void metrics_read_route(const struct metrics *metrics, size_t i, struct metrics_route *out)
{
    memset(out, 0, sizeof *out);
    for (const struct metrics_loop *loop = first_loop(metrics); loop != NULL; loop = loop->next)
        add_cell(&loop->cells[i], out);
}

void metrics_next_second(struct metrics *metrics)
{
    atomic_fetch_add_explicit(&metrics->second, 1, memory_order_relaxed);
}

void metrics_read_spent(const struct metrics *metrics, size_t i, struct spent_total *out)
{
    memset(out, 0, sizeof *out);
    for (const struct metrics_loop *loop = first_loop(metrics); loop != NULL; loop = loop->next)
        spent_add(&loop->cells[i].spent, out);
}

void metrics_read_outcomes(const struct metrics *metrics, size_t i, struct metrics_outcomes *out)
{
    out->count = 0;
    for (const struct metrics_loop *loop = first_loop(metrics); loop != NULL; loop = loop->next)
        for (size_t k = 0; k < SLOTS; k++) {
            unsigned key;
            uint64_t n = slot(&loop->cells[i], k, &key);
            if (n > 0)
                add_outcome(out, key, n);
        }
}

/* --- what there will be --- */

/* An answer that a route can be expected to give one day, when it has not yet. */
static void expect(struct metrics_outcomes *out, unsigned method, int status)
{
    size_t i = 0;

    while (i < out->count && (out->list[i].status != status || out->list[i].method != (int)method))
        i++;
    if (i == out->count && i < METRICS_OUTCOMES_MAX - 1)
        out->list[out->count++] = (struct metrics_outcome){(int)method, status, 0};
}

/* The methods that a route is asked with: those it names, else those of its kind, else the usual ones. */
static unsigned methods_of(const struct config_route *route)
{
    const unsigned named = route->method_mask ? route->method_mask : route->kind->methods;

    return named ? named : 1U << CONFIG_GET | 1U << CONFIG_POST;
}

static void expect_of_route(const struct config_route *route, struct metrics_outcomes *out)
{
    static const int statuses[] = {200, 499, 500, 502, 503, 504};

    for (unsigned method = 0; method < CONFIG_METHODS; method++) {
        if (!(methods_of(route) >> method & 1))
            continue;
        for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
            expect(out, place_of(config_method_names[method], metrics_methods, METRICS_METHODS), statuses[i]);
    }
}

/* Of what no route took. */
static void expect_of_none(struct metrics_outcomes *out)
{
    static const int statuses[] = {400, 408, 414, 431, 501}; /* without a method that is understood */

    expect(out, 0, 404);
    expect(out, 0, 405);
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        expect(out, METRICS_METHODS - 1, statuses[i]);
}

void metrics_add_expected(const struct metrics *metrics, size_t i, struct metrics_outcomes *out)
{
    for (size_t k = 0; k < metrics->config->route_count; k++)
        if (metrics->label_of[k] == i)
            expect_of_route(&metrics->config->routes[k], out);
    if (metrics->labels[i] == NULL)
        expect_of_none(out);
}

/* --- exemplars --- */

bool metrics_read_exemplar(const struct metrics *metrics, size_t i, unsigned bucket, struct exemplar *out)
{
    struct exemplar one;
    bool found = false;

    for (const struct metrics_loop *loop = first_loop(metrics); loop != NULL; loop = loop->next)
        if (exemplars_read(&loop->cells[i].exemplars, bucket, &one) && (!found || one.at_ms > out->at_ms)) {
            *out = one;
            found = true;
        }
    return found;
}
