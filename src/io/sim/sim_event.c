/* SPDX-License-Identifier: MIT */
/* Future events, ordered by time; chances drawn from the seed; the trace. */
#include "io/sim/sim_kernel.h"

#include <stdlib.h>
#include <string.h>

_Noreturn void weir__sim_die(const struct sim *sim, const char *what)
{
    fprintf(stderr, "weir: sim at %lld ns: %s\n", sim != NULL ? (long long)sim->now_ns : -1, what);
    abort();
}

void *weir__sim_alloc(size_t bytes)
{
    void *p = calloc(1, bytes);

    if (p == NULL)
        weir__sim_die(NULL, "out of memory");
    return p;
}

void *weir__sim_grow(void *array, size_t *capacity, size_t need, size_t member_bytes)
{
    size_t more = *capacity * 2 > need ? *capacity * 2 : need + 7;

    if (need <= *capacity)
        return array;
    array = realloc(array, more * member_bytes);
    if (array == NULL)
        weir__sim_die(NULL, "out of memory");
    *capacity = more;
    return array;
}

static bool before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->tie < b->tie;
}

void weir__sim_push(struct sim *sim, int64_t at_ns, sim_event_fn *run, void *subject, uint64_t tag)
{
    struct sim_queue *q = &sim->queue;
    struct sim_event event = {
        .at_ns = at_ns > sim->now_ns ? at_ns : sim->now_ns,
        .tie = weir__random_u64(&sim->random),
        .run = run,
        .subject = subject,
        .tag = tag,
    };
    size_t i = q->count;

    q->heap = weir__sim_grow(q->heap, &q->capacity, ++q->count, sizeof *q->heap);
    while (i > 0 && before(&event, &q->heap[(i - 1) / 2])) {
        q->heap[i] = q->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    q->heap[i] = event;
}

/* Puts event into the gap at the root, and moves it down to its place. */
static void sift_down(struct sim_queue *q, const struct sim_event *event)
{
    size_t i = 0, child;

    while ((child = 2 * i + 1) < q->count) {
        if (child + 1 < q->count && before(&q->heap[child + 1], &q->heap[child]))
            child++;
        if (!before(&q->heap[child], event))
            break;
        q->heap[i] = q->heap[child];
        i = child;
    }
    q->heap[i] = *event;
}

bool weir__sim_pop_due(struct sim *sim, struct sim_event *out)
{
    struct sim_queue *q = &sim->queue;
    struct sim_event last;

    if (q->count == 0 || q->heap[0].at_ns > sim->now_ns)
        return false;
    *out = q->heap[0];
    last = q->heap[--q->count];
    sift_down(q, &last);
    return true;
}

int64_t weir__sim_next_ns(const struct sim *sim)
{
    return sim->queue.count > 0 ? sim->queue.heap[0].at_ns : INT64_MAX;
}

static uint64_t mix(uint64_t hash, uint64_t fact)
{
    hash ^= fact + 0x9e3779b97f4a7c15u + (hash << 6) + (hash >> 2);
    hash *= 0xff51afd7ed558ccdu;
    return hash ^ (hash >> 32);
}

/* The facts must be the same in each run of one seed: no address of memory, no time of the machine. */
void weir__sim_mark(struct sim *sim, const char *what, uint64_t a, uint64_t b, int64_t c)
{
    uint64_t hash = mix(sim->stats.trace_hash, (uint64_t)sim->now_ns);

    for (const char *p = what; *p != '\0'; p++)
        hash = mix(hash, (unsigned char)*p);
    hash = mix(mix(mix(hash, a), b), (uint64_t)c);
    sim->stats.trace_hash = hash;
    if (sim->trace != NULL)
        fprintf(sim->trace, "%14.6f ms  %-16s %llu %llu %lld\n", (double)sim->now_ns / 1e6, what,
                (unsigned long long)a, (unsigned long long)b, (long long)c);
}

bool weir__sim_strikes(struct sim *sim, uint32_t per_million)
{
    if (per_million == 0)
        return false;
    if (per_million >= 1000000)
        return true;
    return weir__random_below(&sim->random, 1000000) < per_million;
}

bool weir__sim_fault(struct sim *sim, uint32_t per_million, const char *what, uint64_t id)
{
    if (!weir__sim_strikes(sim, per_million))
        return false;
    sim->stats.faults++;
    weir__sim_mark(sim, what, id, 0, 0);
    return true;
}

int64_t weir__sim_draw_ns(struct sim *sim, int64_t min_ns, int64_t max_ns)
{
    if (max_ns <= min_ns)
        return min_ns;
    return min_ns + (int64_t)weir__random_below(&sim->random, (uint64_t)(max_ns - min_ns) + 1);
}
