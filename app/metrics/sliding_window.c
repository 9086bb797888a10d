/* SPDX-License-Identifier: MIT */
#include "metrics/sliding_window.h"

#include <stdlib.h>
#include <string.h>

static const int64_t second_ns = INT64_C(1000000000);

/* A count of one bucket of a meter. A greater count takes several pieces. */
struct piece {
    uint16_t bucket;
    uint16_t count;
};

struct second {
    uint64_t sum_ns;
    struct piece *pieces;
    size_t piece_count;
};

struct sliding_window {
    size_t number_count;
    /* Totals: of the latest update, and when the present second began; NULL without a meter. */
    weir_meter *now, *began;
    struct second seconds[WINDOW_SECONDS];
    uint64_t numbers[]; /* as now and began, then what was new in each second */
};

static uint64_t *numbers_now(const struct sliding_window *w)
{
    return (uint64_t *)(uintptr_t)w->numbers;
}

static uint64_t *numbers_began(const struct sliding_window *w)
{
    return numbers_now(w) + w->number_count;
}

static uint64_t *numbers_of(const struct sliding_window *w, size_t second)
{
    return numbers_now(w) + w->number_count * (2 + second);
}

/* --- the clock --- */

void window_clock_init(struct window_clock *clock, weir_instant now)
{
    *clock = (struct window_clock){.began_ns = {now.ns}, .count = 1};
}

bool window_clock_turn(struct window_clock *clock, weir_instant now)
{
    if (now.ns - clock->began_ns[clock->present] < second_ns)
        return false;
    clock->present = (clock->present + 1) % WINDOW_SECONDS;
    clock->began_ns[clock->present] = now.ns;
    if (clock->count < WINDOW_SECONDS)
        clock->count++;
    return true;
}

size_t window_clock_before(size_t second)
{
    return (second + WINDOW_SECONDS - 1) % WINDOW_SECONDS;
}

size_t window_clock_past(const struct window_clock *clock, weir_instant now, int seconds)
{
    const int64_t from_ns = now.ns - seconds * second_ns - second_ns / 2;
    size_t at = window_clock_before(clock->present);
    size_t past = 0;

    while (past + 1 < clock->count && clock->began_ns[at] >= from_ns) {
        at = window_clock_before(at);
        past++;
    }
    return past;
}

/* --- a window --- */

struct sliding_window *sliding_window_new(size_t numbers)
{
    struct sliding_window *w = sliding_window_new_plain(numbers);
    weir_meter *meters = calloc(2, sizeof *meters);

    if (w != NULL && meters != NULL) {
        w->now = &meters[0];
        w->began = &meters[1];
        return w;
    }
    free(meters);
    free(w);
    return NULL;
}

struct sliding_window *sliding_window_new_plain(size_t numbers)
{
    struct sliding_window *w = calloc(1, sizeof *w + numbers * (2 + WINDOW_SECONDS) * sizeof w->numbers[0]);

    if (w != NULL)
        w->number_count = numbers;
    return w;
}

void sliding_window_free(struct sliding_window *w)
{
    if (w == NULL)
        return;
    for (size_t i = 0; i < WINDOW_SECONDS; i++)
        free(w->seconds[i].pieces);
    free(w->now);
    free(w);
}

static bool went_back(const struct sliding_window *w, const weir_meter *meter, const uint64_t *numbers)
{
    for (size_t i = 0; i < w->number_count; i++)
        if (numbers[i] < numbers_now(w)[i])
            return true;
    return meter != NULL && weir_meter_count(meter) < weir_meter_count(w->now);
}

void sliding_window_update(struct sliding_window *w, const weir_meter *meter, const uint64_t *numbers)
{
    const size_t bytes = w->number_count * sizeof *numbers;

    if (went_back(w, meter, numbers)) {
        if (meter != NULL)
            memset(w->began, 0, sizeof *w->began);
        memset(numbers_began(w), 0, bytes);
    }
    if (meter != NULL)
        *w->now = *meter;
    memcpy(numbers_now(w), numbers, bytes);
}

void sliding_window_begin_here(struct sliding_window *w)
{
    if (w->now != NULL)
        *w->began = *w->now;
    memcpy(numbers_began(w), numbers_now(w), w->number_count * sizeof w->numbers[0]);
}

/* --- past seconds --- */

static uint64_t new_in(const struct sliding_window *w, unsigned bucket)
{
    return w->now->buckets[bucket] - w->began->buckets[bucket];
}

static size_t pieces_needed(const struct sliding_window *w)
{
    size_t count = 0;

    for (unsigned i = 0; i < WEIR_METER_BUCKETS; i++)
        count += (new_in(w, i) + UINT16_MAX - 1) / UINT16_MAX;
    return count;
}

static void keep_pieces(const struct sliding_window *w, struct second *second)
{
    size_t count = pieces_needed(w);

    second->piece_count = 0;
    second->pieces = count ? malloc(count * sizeof *second->pieces) : NULL;
    if (second->pieces == NULL)
        return;
    for (unsigned i = 0; i < WEIR_METER_BUCKETS; i++)
        for (uint64_t left = new_in(w, i); left > 0;) {
            uint16_t part = left < UINT16_MAX ? (uint16_t)left : UINT16_MAX;
            second->pieces[second->piece_count++] = (struct piece){(uint16_t)i, part};
            left -= part;
        }
}

static void keep(struct sliding_window *w, size_t at)
{
    struct second *second = &w->seconds[at];

    free(second->pieces);
    second->pieces = NULL;
    if (w->now != NULL) {
        keep_pieces(w, second);
        second->sum_ns = w->now->sum_ns - w->began->sum_ns;
    }
    for (size_t i = 0; i < w->number_count; i++)
        numbers_of(w, at)[i] = numbers_now(w)[i] - numbers_began(w)[i];
}

void sliding_window_next_second(struct sliding_window *w, const struct window_clock *clock)
{
    keep(w, window_clock_before(clock->present));
    sliding_window_begin_here(w);
}

/* --- sums --- */

static void add_present(const struct sliding_window *w, struct window_sum *out)
{
    if (w->now != NULL) {
        out->meter = *w->now;
        weir_meter_subtract(&out->meter, w->began);
    }
    for (size_t i = 0; i < w->number_count; i++)
        out->numbers[i] = numbers_now(w)[i] - numbers_began(w)[i];
}

static void add_second(const struct sliding_window *w, size_t at, struct window_sum *out)
{
    const struct second *second = &w->seconds[at];

    out->meter.sum_ns += second->sum_ns;
    for (size_t i = 0; i < second->piece_count; i++)
        out->meter.buckets[second->pieces[i].bucket] += second->pieces[i].count;
    for (size_t i = 0; i < w->number_count; i++)
        out->numbers[i] += numbers_of(w, at)[i];
}

void sliding_window_sum(const struct sliding_window *w, const struct window_clock *clock, weir_instant now,
                        int seconds, struct window_sum *out)
{
    size_t at = clock->present;

    memset(out, 0, sizeof *out);
    add_present(w, out);
    for (size_t past = window_clock_past(clock, now, seconds); past > 0; past--) {
        at = window_clock_before(at);
        add_second(w, at, out);
    }
    out->seconds = (double)(now.ns - clock->began_ns[at]) / 1e9;
}

const weir_meter *sliding_window_meter(const struct sliding_window *w)
{
    return w->now;
}

const uint64_t *sliding_window_numbers(const struct sliding_window *w)
{
    return numbers_now(w);
}
