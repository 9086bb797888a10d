/* SPDX-License-Identifier: MIT */
#include "metrics/sliding_window.h"

#include <stdlib.h>
#include <string.h>

static const int64_t second_ns = INT64_C(1000000000);

/* So many in one bucket of a meter; more of them than fit take several. */
struct piece {
    uint16_t bucket;
    uint16_t count;
};

struct second {
    uint64_t sum_ns;
    struct piece *pieces;
    size_t piece_count;
};

struct rolling {
    size_t number_count;
    weir_meter *now,
        *began; /* totals: as last seen, and as the present second began; NULL: it has no meter */
    struct second seconds[ROLLING_SECONDS];
    uint64_t numbers[]; /* now, began, then those of each second */
};

static uint64_t *numbers_now(const struct rolling *r)
{
    return (uint64_t *)(uintptr_t)r->numbers;
}

static uint64_t *numbers_began(const struct rolling *r)
{
    return numbers_now(r) + r->number_count;
}

static uint64_t *numbers_of(const struct rolling *r, size_t second)
{
    return numbers_now(r) + r->number_count * (2 + second);
}

/* --- the seconds --- */

void rolling_clock_init(struct rolling_clock *clock, weir_instant now)
{
    *clock = (struct rolling_clock){.began_ns = {now.ns}, .count = 1};
}

bool rolling_clock_turn(struct rolling_clock *clock, weir_instant now)
{
    if (now.ns - clock->began_ns[clock->present] < second_ns)
        return false;
    clock->present = (clock->present + 1) % ROLLING_SECONDS;
    clock->began_ns[clock->present] = now.ns;
    if (clock->count < ROLLING_SECONDS)
        clock->count++;
    return true;
}

/* --- a series --- */

struct rolling *rolling_new(size_t numbers)
{
    struct rolling *r = rolling_new_plain(numbers);
    weir_meter *meters = calloc(2, sizeof *meters);

    if (r != NULL && meters != NULL) {
        r->now = &meters[0];
        r->began = &meters[1];
        return r;
    }
    free(meters);
    free(r);
    return NULL;
}

struct rolling *rolling_new_plain(size_t numbers)
{
    struct rolling *r = calloc(1, sizeof *r + numbers * (2 + ROLLING_SECONDS) * sizeof r->numbers[0]);

    if (r != NULL)
        r->number_count = numbers;
    return r;
}

void rolling_free(struct rolling *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < ROLLING_SECONDS; i++)
        free(r->seconds[i].pieces);
    free(r->now);
    free(r);
}

static bool went_back(const struct rolling *r, const weir_meter *meter, const uint64_t *numbers)
{
    for (size_t i = 0; i < r->number_count; i++)
        if (numbers[i] < numbers_now(r)[i])
            return true;
    return meter != NULL && weir_meter_count(meter) < weir_meter_count(r->now);
}

void rolling_see(struct rolling *r, const weir_meter *meter, const uint64_t *numbers)
{
    const size_t bytes = r->number_count * sizeof *numbers;

    if (went_back(r, meter, numbers)) {
        if (meter != NULL)
            memset(r->began, 0, sizeof *r->began);
        memset(numbers_began(r), 0, bytes);
    }
    if (meter != NULL)
        *r->now = *meter;
    memcpy(numbers_now(r), numbers, bytes);
}

void rolling_begin_here(struct rolling *r)
{
    if (r->now != NULL)
        *r->began = *r->now;
    memcpy(numbers_began(r), numbers_now(r), r->number_count * sizeof r->numbers[0]);
}

/* --- keeping a second --- */

static uint64_t new_in(const struct rolling *r, unsigned bucket)
{
    return r->now->buckets[bucket] - r->began->buckets[bucket];
}

static size_t pieces_needed(const struct rolling *r)
{
    size_t count = 0;

    for (unsigned i = 0; i < WEIR_METER_BUCKETS; i++)
        count += (new_in(r, i) + UINT16_MAX - 1) / UINT16_MAX;
    return count;
}

static void keep_pieces(const struct rolling *r, struct second *second)
{
    size_t count = pieces_needed(r);

    second->piece_count = 0;
    second->pieces = count ? malloc(count * sizeof *second->pieces) : NULL;
    if (second->pieces == NULL)
        return;
    for (unsigned i = 0; i < WEIR_METER_BUCKETS; i++)
        for (uint64_t left = new_in(r, i); left > 0;) {
            uint16_t part = left < UINT16_MAX ? (uint16_t)left : UINT16_MAX;
            second->pieces[second->piece_count++] = (struct piece){(uint16_t)i, part};
            left -= part;
        }
}

static void keep(struct rolling *r, size_t at)
{
    struct second *second = &r->seconds[at];

    free(second->pieces);
    second->pieces = NULL;
    if (r->now != NULL) {
        keep_pieces(r, second);
        second->sum_ns = r->now->sum_ns - r->began->sum_ns;
    }
    for (size_t i = 0; i < r->number_count; i++)
        numbers_of(r, at)[i] = numbers_now(r)[i] - numbers_began(r)[i];
}

void rolling_next(struct rolling *r, const struct rolling_clock *clock)
{
    keep(r, (clock->present + ROLLING_SECONDS - 1) % ROLLING_SECONDS);
    rolling_begin_here(r);
}

/* --- adding up --- */

static void add_present(const struct rolling *r, struct rolling_window *out)
{
    if (r->now != NULL) {
        out->meter = *r->now;
        weir_meter_subtract(&out->meter, r->began);
    }
    for (size_t i = 0; i < r->number_count; i++)
        out->numbers[i] = numbers_now(r)[i] - numbers_began(r)[i];
}

static void add_second(const struct rolling *r, size_t at, struct rolling_window *out)
{
    const struct second *second = &r->seconds[at];

    out->meter.sum_ns += second->sum_ns;
    for (size_t i = 0; i < second->piece_count; i++)
        out->meter.buckets[second->pieces[i].bucket] += second->pieces[i].count;
    for (size_t i = 0; i < r->number_count; i++)
        out->numbers[i] += numbers_of(r, at)[i];
}

void rolling_sum(const struct rolling *r, const struct rolling_clock *clock, weir_instant now, int seconds,
                 struct rolling_window *out)
{
    const int64_t from_ns = now.ns - seconds * second_ns - second_ns / 2;
    size_t at = clock->present;

    memset(out, 0, sizeof *out);
    add_present(r, out);
    for (size_t n = 1; n < clock->count; n++) {
        size_t before = (at + ROLLING_SECONDS - 1) % ROLLING_SECONDS;
        if (clock->began_ns[before] < from_ns)
            break;
        at = before;
        add_second(r, at, out);
    }
    out->seconds = (double)(now.ns - clock->began_ns[at]) / 1e9;
}

const weir_meter *rolling_meter(const struct rolling *r)
{
    return r->now;
}

const uint64_t *rolling_numbers(const struct rolling *r)
{
    return numbers_now(r);
}
