/* SPDX-License-Identifier: MIT */
#include "gateway/access_log.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "routes/attempts_text.h"

enum { WORTH = 1000 }; /* a part less than 1/1000 of the whole is not named */

/* Adds a part to the few that there are, sorted by duration, the longest first; equal ones keep their order.
 */
static void add_part(weir_kv_part *parts, size_t count, weir_kv_part part)
{
    for (; count > 0 && parts[count - 1].duration.ns < part.duration.ns; count--)
        parts[count] = parts[count - 1];
    parts[count] = part;
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
        const char *label;
        if (charge->share.ns * WORTH < record->took.ns ||
            used + WEIR_CHARGE_LABEL_BYTES > sizeof line->labels) {
            rest.duration.ns += charge->share.ns;
            continue;
        }
        label = weir_charge_label(charge, line->labels + used);
        if (label == line->labels + used)
            used += strlen(label) + 1;
        add_part(line->spent, count++, (weir_kv_part){label, charge->share});
    }
    if (rest.duration.ns > 0)
        line->spent[count++] = rest;
    return WEIR_KV_DURATIONS("spent", line->spent, count);
}

/* The longest time in which the loop was held meanwhile; NULL: there was none. */
static const weir_charge *longest_hold(const struct access_log_more *more)
{
    const weir_charge *longest = NULL;

    for (size_t i = 0; i < more->charge_count; i++)
        if (more->charges[i].held_by != NULL &&
            (longest == NULL || more->charges[i].held.ns > longest->held.ns))
            longest = &more->charges[i];
    return longest;
}

/* The task that held the loop, and its route unless the name of the task contains it. */
static weir_kv holder_of(struct access_log_line *line, const weir_charge *hold)
{
    if (hold == NULL)
        return weir_kv_none();
    if (hold->held_route == NULL || strstr(hold->held_by, hold->held_route) != NULL)
        return WEIR_KV("held_by", hold->held_by);
    snprintf(line->held_by, sizeof line->held_by, "%s of %s", hold->held_by, hold->held_route);
    return WEIR_KV("held_by", line->held_by);
}

/* Reports whether an answered gather has a failed call. */
static bool is_partial(const struct gather_note *note)
{
    return note->answered && note->succeeded < note->settings->call_count;
}

static void add(struct access_log_line *line, weir_kv pair)
{
    if (pair.key != NULL)
        line->pairs[line->count++] = pair;
}

static void add_gather(struct access_log_line *line, const struct gather_note *note)
{
    if (is_partial(note)) {
        (void)snprintf(line->partial, sizeof line->partial, "%zu/%zu", note->succeeded,
                       note->settings->call_count);
        add(line, WEIR_KV("partial", line->partial));
        add(line, WEIR_KV("failed", gather_failed(line->failed, note)));
    }
    if (note->tried_twice > 0)
        add(line, WEIR_KV("attempts", gather_attempts(line->attempts, note)));
}

static void add_proxy(struct access_log_line *line, const struct proxy_note *note)
{
    if (note->failed != NULL)
        add(line, WEIR_KV("failed", note->failed));
    if (note->why != NULL)
        add(line, WEIR_KV("why", note->why));
    if (attempts_were_made(&note->attempts))
        add(line, WEIR_KV("attempts", attempts_text(line->attempts, &note->attempts)));
}

static void add_note(struct access_log_line *line, const void *note)
{
    if (route_note_is(note, ROUTE_NOTE_GATHER))
        add_gather(line, note);
    else if (route_note_is(note, ROUTE_NOTE_PROXY))
        add_proxy(line, note);
}

void access_log_fill(struct access_log_line *line, const weir_exchange_record *record,
                     const struct access_log_more *more)
{
    const weir_charge *hold = longest_hold(more);

    line->count = 0;
    add(line, WEIR_KV("method", record->method));
    add(line, WEIR_KV("target", more->target != NULL ? more->target : record->target));
    if (record->route[0])
        add(line, WEIR_KV("route", record->route));
    if (record->status)
        add(line, WEIR_KV_INT("status", record->status));
    if (record->refused != NULL)
        add(line, WEIR_KV("refused", record->refused));
    add_note(line, record->note);
    if (!record->complete)
        add(line, WEIR_KV("ended", record->status ? "cut" : "client left"));
    if (record->request_bytes)
        add(line, WEIR_KV_INT("received", record->request_bytes));
    add(line, WEIR_KV_INT("sent", record->reply_bytes));
    add(line, WEIR_KV_DURATION("took", record->took));
    add(line, spent_of(line, record, more));
    if (hold != NULL)
        add(line, WEIR_KV_DURATION("held", hold->held));
    add(line, holder_of(line, hold));
    add(line, WEIR_KV("peer", more->peer));
    if (more->client != NULL)
        add(line, WEIR_KV("client", more->client));
    if (more->user != NULL)
        add(line, WEIR_KV("user", more->user));
    if (more->trace != NULL)
        add(line, WEIR_KV("trace", weir_trace_format_id(more->trace, line->trace)));
    if (more->sample > 0)
        add(line, WEIR_KV_DOUBLE("sample", more->sample / 100.0));
    for (size_t i = 0; more->fields != NULL && i < more->fields->count; i++)
        add(line, more->fields->pairs[i]);
}
