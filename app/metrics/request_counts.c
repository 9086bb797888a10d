/* SPDX-License-Identifier: MIT */
#include "metrics/request_counts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <weir/buffer.h>

#include "config/route_kind.h"
#include "metrics/request_cells.h"

/* --- opening and closing --- */

static uint16_t label_for(struct request_counts *counts, const struct config_route *route)
{
    size_t i = 0;

    while (i < counts->label_count && strcmp(counts->labels[i]->name, route->name) != 0)
        i++;
    if (i == counts->label_count)
        counts->labels[counts->label_count++] = route;
    return (uint16_t)i;
}

static void keep_slow(int64_t *least_ns, weir_duration slow)
{
    if (slow.ns > 0 && slow.ns < *least_ns)
        *least_ns = slow.ns;
}

int request_counts_open(const struct config *config, struct request_counts **out)
{
    const size_t count = config->route_count;
    struct request_counts *counts = calloc(1, sizeof *counts);

    if (counts == NULL)
        return -ENOMEM;
    counts->config = config;
    atomic_init(&counts->second, 1); /* cells begin in none */
    counts->labels = calloc(count + 1, sizeof(const struct config_route *));
    counts->label_of = calloc(count + 1, sizeof *counts->label_of);
    counts->slow_ns = calloc(count + 1, sizeof *counts->slow_ns);
    if (counts->labels == NULL || counts->label_of == NULL || counts->slow_ns == NULL || count > UINT16_MAX) {
        request_counts_free(counts);
        return -ENOMEM;
    }
    for (size_t i = 0; i <= count; i++)
        counts->slow_ns[i] = INT64_MAX;
    for (size_t i = 0; i < count; i++) {
        counts->label_of[i] = label_for(counts, &config->routes[i]);
        keep_slow(&counts->slow_ns[counts->label_of[i]], config->routes[i].slow);
    }
    counts->label_count++;
    counts->memory = -1;
    counts->loop_bytes = cells_bytes(counts->label_count, (size_t)sysconf(_SC_PAGESIZE));
    *out = counts;
    return 0;
}

void request_counts_free(struct request_counts *counts)
{
    struct request_counts_loop *next;

    if (counts == NULL)
        return;
    for (struct request_counts_loop *loop = atomic_load(&counts->loops); loop != NULL; loop = next) {
        next = loop->next;
        (void)munmap(loop->cells, counts->loop_bytes);
        free(loop);
    }
    free(counts->labels);
    free(counts->label_of);
    free(counts->slow_ns);
    free(counts);
}

/* --- memory --- */

static int append_labels(const struct request_counts *counts, weir_buffer *out)
{
    int err = 0;

    for (size_t i = 0; i < counts->label_count && err == 0; i++) {
        const struct config_route *route = counts->labels[i];
        const char *name = route != NULL ? route->name : "none";
        const char *kind = route != NULL ? route->kind->name : "";
        err = weir_buffer_append(out, name, strlen(name) + 1);
        if (err == 0)
            err = weir_buffer_append(out, kind, strlen(kind) + 1);
    }
    return err;
}

static int write_head(int memory, const char *bytes, size_t length)
{
    for (size_t at = 0; at < length;) {
        const ssize_t n = pwrite(memory, bytes + at, length - at, (off_t)at);
        if (n < 0 && errno != EINTR)
            return -errno;
        at += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

int request_counts_share(struct request_counts *counts, int memory)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct cells_head head = {.label_count = counts->label_count, .loop_bytes = counts->loop_bytes};
    weir_buffer text;
    int err;

    weir_buffer_init(&text, SIZE_MAX);
    err = weir_buffer_append(&text, &head, sizeof head);
    if (err == 0)
        err = append_labels(counts, &text);
    if (err == 0) {
        head.first = (text.len + page - 1) / page * page;
        memcpy(text.data, &head, sizeof head);
        err = write_head(memory, text.data, text.len);
    }
    weir_buffer_free(&text);
    if (err < 0)
        return err;
    atomic_store(&counts->memory_bytes, head.first);
    counts->memory = memory;
    return 0;
}

/* Returns: zeroed cells of a loop; NULL: there is no memory. */
static struct request_cell *map_cells(struct request_counts *counts)
{
    const bool shared = counts->memory >= 0;
    const size_t bytes = counts->loop_bytes;
    const uint64_t at = shared ? atomic_fetch_add(&counts->memory_bytes, bytes) : 0;
    void *cells;

    if (shared && posix_fallocate(counts->memory, (off_t)at, (off_t)bytes) != 0) /* a hole could kill later */
        return NULL;
    cells =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE,
             MAP_POPULATE | (shared ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS), counts->memory, (off_t)at);
    return cells != MAP_FAILED ? cells : NULL;
}

struct request_counts_loop *request_counts_loop_open(struct request_counts *counts)
{
    struct request_counts_loop *loop = aligned_alloc(64, (sizeof *loop + 63) / 64 * 64);

    if (loop == NULL)
        return NULL;
    *loop = (struct request_counts_loop){
        .routes = counts->config->routes,
        .label_of = counts->label_of,
        .cells = map_cells(counts),
        .second = &counts->second,
    };
    if (loop->cells == NULL) {
        free(loop);
        return NULL;
    }
    loop->none = &loop->cells[counts->label_count - 1];
    for (size_t i = 0; i < counts->label_count; i++) {
        atomic_init(&loop->cells[i].learned_ns, INT64_MAX);
        atomic_init(&loop->cells[i].outlier_ns, counts->slow_ns[i]);
    }
    loop->next = atomic_load(&counts->loops);
    while (!atomic_compare_exchange_weak(&counts->loops, &loop->next, loop))
        ;
    return loop;
}

/* --- counting --- */

/* One thread writes: no locked instruction is needed. */
static inline void count(counter *c, uint64_t n)
{
    atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n, memory_order_relaxed);
}

static unsigned slot_of(struct request_cell *cell, unsigned key)
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

static inline struct request_cell *cell_of(struct request_counts_loop *loop,
                                           const weir_exchange_record *record)
{
    const struct config_route *route = record->data;

    return route != NULL ? &loop->cells[loop->label_of[route - loop->routes]] : loop->none;
}

/* Samples a request, and keeps it as an exemplar. For some requests of each second, for each that takes
 * longer than all of these so far, and for outliers. */
__attribute__((noinline)) static void sample(struct request_counts_loop *loop, struct request_cell *cell,
                                             uint32_t second, const weir_exchange_record *record)
{
    const int64_t outlier_ns = atomic_load_explicit(&cell->outlier_ns, memory_order_relaxed);
    weir_charge charges[WEIR_CHARGES_MAX];

    if (cell->breakdown.second != second)
        cell->slowest_ns = 0;
    if (record->took.ns > cell->slowest_ns)
        cell->slowest_ns = record->took.ns;
    cell->sampled_ns = cell->slowest_ns < outlier_ns ? cell->slowest_ns : outlier_ns;
    if (breakdown_wants(&cell->breakdown, second))
        breakdown_take(&cell->breakdown, charges, weir_exchange_charges(record, charges));
    if (record->request != NULL)
        exemplars_keep(&cell->exemplars, record->took, weir_request_trace(record->request));
    if (record->took.ns > outlier_ns && record->status != 101 && loop->on_outlier != NULL) /* no tunnel */
        loop->on_outlier(loop->on_outlier_arg, loop, record);
}

static inline void add(struct request_counts_loop *loop, struct request_cell *cell,
                       const weir_exchange_record *record)
{
    const uint32_t second =
        atomic_load_explicit((_Atomic uint32_t *)(uintptr_t)loop->second, memory_order_relaxed);
    counter *n;

    if (second != cell->breakdown.second || cell->breakdown.left > 0 || record->took.ns > cell->sampled_ns)
        sample(loop, cell, second, record);
    n = &cell->counts[cell->last_slot];
    atomic_store_explicit(n, counter_read(n) + 1, memory_order_release); /* after its key */
    weir_meter_record(&cell->took, record->took);
    count(&cell->reply_bytes, record->reply_bytes);
}

__attribute__((noinline)) static void count_any(struct request_counts_loop *loop,
                                                const weir_exchange_record *record)
{
    struct request_cell *cell = cell_of(loop, record);
    unsigned method = request_method_index(record->method);
    unsigned status = record->status ? (unsigned)record->status : REQUEST_CLIENT_LEFT;

    cell->last_key = status << METHOD_BITS | method;
    cell->last_slot = slot_of(cell, cell->last_key);
    add(loop, cell, record);
    count(&cell->request_bytes, record->request_bytes);
    if (!record->complete && record->status)
        count(&cell->cut, 1);
    if (record->refused != NULL)
        count(&cell->refused[request_refusal_index(record->refused)], 1);
}

static inline bool is_get(const char *method)
{
    return method[0] == 'G' && method[1] == 'E' && method[2] == 'T' && !method[3];
}

/* Runs on the way of every request: the most frequent pair of method and status, when it ended as the one
 * before, is counted without a call. */
void request_counts_add(struct request_counts_loop *loop, const weir_exchange_record *record)
{
    struct request_cell *cell = cell_of(loop, record);

    if (is_get(record->method) && (unsigned)record->status << METHOD_BITS == cell->last_key &&
        record->complete && record->refused == NULL && !record->request_bytes)
        add(loop, cell, record);
    else
        count_any(loop, record);
}

void request_counts_add_rate_shared(struct request_counts_loop *loop, const struct config_route *route)
{
    count(&loop->cells[loop->label_of[route - loop->routes]].rate_shared, 1);
}

void request_counts_next_second(struct request_counts *counts)
{
    atomic_fetch_add_explicit(&counts->second, 1, memory_order_relaxed);
}
