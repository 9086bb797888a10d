/* SPDX-License-Identifier: MIT */
#include "access_log.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORTH = 1000 }; /* a part of the whole that is smaller than one in so many is not named */

static int by_duration(const void *a, const void *b)
{
    int64_t x = ((const weir_kv_part *)a)->duration.ns, y = ((const weir_kv_part *)b)->duration.ns;
    return (x < y) - (x > y);
}

static weir_kv spent_of(struct access_log_line *line, const weir_exchange_record *record,
                        const struct access_log_more *more)
{
    weir_kv_part rest = {"rest", {0}};
    size_t count = 0, used = 0;
    if (more->charge_count == 0)
        return weir_kv_none();
    for (size_t i = 0; i < more->charge_count; i++) {
        const weir_charge *charge = &more->charges[i];
        if (charge->share.ns * WORTH < record->took.ns ||
            used + WEIR_CHARGE_LABEL_BYTES > sizeof line->labels) {
            rest.duration.ns += charge->share.ns;
            continue;
        }
        const char *label = weir_charge_label(charge, line->labels + used);
        if (label == line->labels + used)
            used += strlen(label) + 1;
        line->spent[count++] = (weir_kv_part){label, charge->share};
    }
    qsort(line->spent, count, sizeof line->spent[0], by_duration);
    if (rest.duration.ns > 0)
        line->spent[count++] = rest;
    return WEIR_KV_DURATIONS("spent", line->spent, count);
}

/* Of the times the loop was held meanwhile the longest; NULL: there was none. */
static const weir_charge *longest_hold(const struct access_log_more *more)
{
    const weir_charge *longest = NULL;
    for (size_t i = 0; i < more->charge_count; i++)
        if (more->charges[i].held_by && (!longest || more->charges[i].held.ns > longest->held.ns))
            longest = &more->charges[i];
    return longest;
}

/* The task, and its route where the name does not say it. */
static weir_kv holder_of(struct access_log_line *line, const weir_charge *hold)
{
    if (!hold)
        return weir_kv_none();
    if (!hold->held_route || strstr(hold->held_by, hold->held_route))
        return WEIR_KV("held_by", hold->held_by);
    snprintf(line->held_by, sizeof line->held_by, "%s of %s", hold->held_by, hold->held_route);
    return WEIR_KV("held_by", line->held_by);
}

/* Of a gather in which a call failed. */
static bool is_partial(const struct gather_note *note)
{
    return note && note->answered && note->succeeded < note->settings->call_count;
}

static weir_kv partial_of(struct access_log_line *line, const struct gather_note *note)
{
    if (!is_partial(note))
        return weir_kv_none();
    (void)snprintf(line->partial, sizeof line->partial, "%zu/%zu", note->succeeded,
                   note->settings->call_count);
    return WEIR_KV("partial", line->partial);
}

void access_log_fill(struct access_log_line *line, const weir_exchange_record *record,
                     const struct access_log_more *more)
{
    const weir_charge *hold = longest_hold(more);
    const weir_kv list[ACCESS_LOG_PAIRS] = {
        WEIR_KV("method", record->method),
        WEIR_KV("target", record->target),
        record->route[0] ? WEIR_KV("route", record->route) : weir_kv_none(),
        record->status ? WEIR_KV_INT("status", record->status) : weir_kv_none(),
        record->refused ? WEIR_KV("refused", record->refused) : weir_kv_none(),
        partial_of(line, record->note),
        is_partial(record->note) ? WEIR_KV("failed", gather_failed(line->failed, record->note))
                                 : weir_kv_none(),
        record->complete ? weir_kv_none() : WEIR_KV("ended", record->status ? "cut" : "client left"),
        record->request_bytes ? WEIR_KV_INT("received", record->request_bytes) : weir_kv_none(),
        WEIR_KV_INT("sent", record->reply_bytes),
        WEIR_KV_DURATION("took", record->took),
        spent_of(line, record, more),
        hold ? WEIR_KV_DURATION("held", hold->held) : weir_kv_none(),
        holder_of(line, hold),
        WEIR_KV("peer", more->peer),
        more->trace ? WEIR_KV("trace", weir_trace_format_id(more->trace, line->trace)) : weir_kv_none(),
    };
    line->count = 0;
    for (size_t i = 0; i < ACCESS_LOG_PAIRS; i++)
        if (list[i].key)
            line->pairs[line->count++] = list[i];
}

void access_log_write(const weir_exchange_record *record)
{
    weir_charge charges[WEIR_CHARGES_MAX];
    const struct access_log_more more = {
        .peer = weir_request_peer(record->request),
        .trace = weir_request_trace(record->request),
        .charges = charges,
        .charge_count = weir_exchange_charges(record, charges),
    };
    struct access_log_line line;
    access_log_fill(&line, record, &more);
    weir_log_write(WEIR_LOG_INFO, "request", line.pairs, line.count);
}
