/* SPDX-License-Identifier: MIT */
#include "metrics/request_totals.h"

#include <string.h>

#include "config/route_kind.h"
#include "metrics/request_cells.h"

const struct config *request_counts_config(const struct request_counts *counts)
{
    return counts->config;
}

size_t request_counts_labels(const struct request_counts *counts)
{
    return counts->label_count;
}

const char *request_counts_label_name(const struct request_counts *counts, size_t i)
{
    return counts->labels[i] != NULL ? counts->labels[i]->name : "none";
}

const char *request_counts_label_kind(const struct request_counts *counts, size_t i)
{
    return counts->labels[i] != NULL ? counts->labels[i]->kind->name : NULL;
}

void request_outcomes_add(struct request_outcomes *out, int method, int status, uint64_t n)
{
    size_t i = 0;

    while (i < out->count && (out->list[i].status != status || out->list[i].method != method))
        i++;
    if (i == out->count && i == REQUEST_OUTCOMES_MAX - 1 && status > 0) {
        request_outcomes_add(out, REQUEST_METHODS - 1, 0, n); /* the last is for the rest */
        return;
    }
    if (i == out->count)
        out->list[out->count++] = (struct request_outcome){method, status, 0};
    out->list[i].count += n;
}

static void add_outcome(struct request_outcomes *out, unsigned key, uint64_t n)
{
    const int status = (int)(key >> METHOD_BITS);
    const int method = status > 0 ? (int)(key & ((1U << METHOD_BITS) - 1)) : REQUEST_METHODS - 1;

    request_outcomes_add(out, method, status, n);
}

/* Returns: the count of a slot, and its key. */
static uint64_t read_slot(const struct request_cell *cell, size_t i, unsigned *key)
{
    uint64_t n = atomic_load_explicit((counter *)(uintptr_t)&cell->counts[i], memory_order_acquire);

    *key = atomic_load_explicit((_Atomic uint16_t *)(uintptr_t)&cell->keys[i], memory_order_relaxed);
    return n;
}

static const struct request_counts_loop *first_loop(const struct request_counts *counts)
{
    return atomic_load_explicit((_Atomic(struct request_counts_loop *) *)(uintptr_t)&counts->loops,
                                memory_order_acquire);
}

static void add_cell(const struct request_cell *cell, struct request_totals *out)
{
    unsigned key;

    out->request_bytes += counter_read(&cell->request_bytes);
    out->reply_bytes += counter_read(&cell->reply_bytes);
    out->cut += counter_read(&cell->cut);
    out->rate_shared += counter_read(&cell->rate_shared);
    for (size_t i = 0; i < REQUEST_REFUSALS_MAX; i++)
        out->refused[i] += counter_read(&cell->refused[i]);
    for (size_t i = 0; i < REQUEST_OUTLIERS; i++)
        out->outliers[i] += counter_read(&cell->outliers[i]);
    weir_meter_add(&out->took, &cell->took);
    for (size_t i = 0; i < SLOTS; i++) {
        uint64_t n = read_slot(cell, i, &key);
        out->errors += key >> METHOD_BITS >= 500 ? n : 0;
    }
}

void request_counts_read(const struct request_counts *counts, size_t i, struct request_totals *out)
{
    memset(out, 0, sizeof *out);
    for (const struct request_counts_loop *loop = first_loop(counts); loop != NULL; loop = loop->next)
        add_cell(&loop->cells[i], out);
}

void request_counts_read_breakdown(const struct request_counts *counts, size_t i, struct breakdown_total *out)
{
    memset(out, 0, sizeof *out);
    for (const struct request_counts_loop *loop = first_loop(counts); loop != NULL; loop = loop->next)
        breakdown_add(&loop->cells[i].breakdown, out);
}

void request_counts_read_outcomes(const struct request_counts *counts, size_t i, struct request_outcomes *out)
{
    out->count = 0;
    for (const struct request_counts_loop *loop = first_loop(counts); loop != NULL; loop = loop->next)
        for (size_t k = 0; k < SLOTS; k++) {
            unsigned key;
            uint64_t n = read_slot(&loop->cells[i], k, &key);
            if (n > 0)
                add_outcome(out, key, n);
        }
}

bool request_counts_read_exemplar(const struct request_counts *counts, size_t i, unsigned bucket,
                                  struct exemplar *out)
{
    struct exemplar one;
    bool found = false;

    for (const struct request_counts_loop *loop = first_loop(counts); loop != NULL; loop = loop->next)
        if (exemplars_read(&loop->cells[i].exemplars, bucket, &one) && (!found || one.at_ms > out->at_ms)) {
            *out = one;
            found = true;
        }
    return found;
}
