/* SPDX-License-Identifier: MIT */
#include "http/client/attempts/latency.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The values are computed again after so many samples, or after this share of all. */
enum { FRESH_MIN = 64, FRESH_SHARE = 16 };

static const int64_t WINDOW_NS = WEIR__LATENCY_WINDOW_S * INT64_C(1000000000);

void weir__latency_init(struct weir__latency *l, double share)
{
    *l = (struct weir__latency){.share = share};
}

void weir__latency_free(struct weir__latency *l)
{
    free(l->windows);
    l->windows = NULL;
}

/* --- windows --- */

static void begin_window(struct weir__latency *l, int window)
{
    memset(&l->windows[window], 0, sizeof l->windows[window]);
    l->counts[window] = 0;
}

/* The present window becomes the one before once its time is over. */
static void turn(struct weir__latency *l, int64_t now_ns)
{
    const int64_t age_ns = now_ns - l->began_ns;

    if (l->windows == NULL || (age_ns >= 0 && age_ns < WINDOW_NS))
        return;
    l->current = !l->current;
    begin_window(l, l->current);
    if (age_ns < 0 || age_ns >= 2 * WINDOW_NS)
        begin_window(l, !l->current);
    l->began_ns = age_ns < 0 || age_ns >= 2 * WINDOW_NS ? now_ns : l->began_ns + WINDOW_NS;
    l->changed = FRESH_MIN + l->counts[!l->current];
}

static bool has_windows(struct weir__latency *l, int64_t now_ns)
{
    if (l->windows == NULL) {
        l->windows = calloc(2, sizeof *l->windows);
        l->began_ns = now_ns;
    }
    return l->windows != NULL;
}

void weir__latency_record(struct weir__latency *l, int64_t took_ns, int64_t now_ns)
{
    if (!has_windows(l, now_ns))
        return;
    turn(l, now_ns);
    weir_meter_record(&l->windows[l->current], (weir_duration){took_ns});
    l->counts[l->current]++;
    l->changed++;
}

/* --- what they say --- */

static uint64_t in_bucket(const struct weir__latency *l, unsigned bucket)
{
    return l->windows[0].buckets[bucket] + l->windows[1].buckets[bucket];
}

/* Adds up buckets, from *bucket on, until the sum reaches a rank. */
static int64_t walk(const struct weir__latency *l, unsigned *bucket, uint64_t *seen, uint64_t rank)
{
    while (*bucket < WEIR_METER_BUCKETS && *seen < rank)
        *seen += in_bucket(l, (*bucket)++);
    return weir_meter_middle(*bucket > 0 ? *bucket - 1 : 0).ns;
}

static uint64_t rank_of(uint64_t count, double share)
{
    const uint64_t rank = (uint64_t)(share * (double)count + 0.5);

    return rank > 0 ? rank : 1;
}

static void compute(struct weir__latency *l, uint64_t count)
{
    uint64_t seen = 0;
    unsigned bucket = 0;

    l->median_ns = 1 + walk(l, &bucket, &seen, rank_of(count, 0.5));
    l->percentile_ns = 1 + walk(l, &bucket, &seen, rank_of(count, l->share)); /* 0 is: not known */
    l->learned = count;
    l->changed = 0;
}

/* Has the values computed if enough is new. */
static void refresh(struct weir__latency *l, int64_t now_ns)
{
    uint64_t count;

    turn(l, now_ns);
    count = l->counts[0] + l->counts[1];
    if (count < WEIR__LATENCY_SAMPLES_MIN)
        return;
    if (l->learned == 0 || (l->changed >= FRESH_MIN && l->changed >= count / FRESH_SHARE))
        compute(l, count);
}

int64_t weir__latency_percentile(struct weir__latency *l, int64_t now_ns)
{
    refresh(l, now_ns);
    return l->percentile_ns;
}

int64_t weir__latency_median(struct weir__latency *l, int64_t now_ns)
{
    refresh(l, now_ns);
    return l->median_ns;
}

int64_t weir__latency_remaining(const struct weir__latency *l, int64_t taken_ns)
{
    const unsigned from = weir_meter_bucket((uint64_t)(taken_ns > 0 ? taken_ns : 0)) + 1;
    uint64_t count = 0;
    double sum_ns = 0;

    if (l->windows == NULL)
        return 0;
    for (unsigned i = from; i < WEIR_METER_BUCKETS; i++) {
        const uint64_t n = in_bucket(l, i);
        count += n;
        sum_ns += (double)n * (double)weir_meter_middle(i).ns;
    }
    return count > 0 ? (int64_t)(sum_ns / (double)count) - taken_ns : 0;
}
