/* SPDX-License-Identifier: MIT */
#include "admin/page_stalls.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/watch.h>

#include "admin/gateway_status.h"

enum { FRAME_BYTES = 256 };

struct writing {
    struct text_out *out;
    bool first;
    bool guilty; /* those that held the loop themselves, or those that were kept off the CPU */
};

static void text_or_null(struct text_out *out, const char *name, const char *text)
{
    text_out_printf(out, ",\"%s\":", name);
    if (text != NULL)
        text_out_json(out, text);
    else
        text_out_add(out, "null");
}

/* "csv_sort report.c:118" */
static void frame(struct text_out *out, const weir_frame *frame)
{
    char text[FRAME_BYTES];

    if (frame->file != NULL)
        snprintf(text, sizeof text, "%s %s:%d", frame->function, frame->file, frame->line);
    else
        snprintf(text, sizeof text, "%s", frame->function);
    text_out_json(out, text);
}

static bool is_guilty(enum weir_stall_kind kind)
{
    return kind == WEIR_STALL_COMPUTING || kind == WEIR_STALL_BLOCKED;
}

static int write_one(void *arg, const weir_stall *stall)
{
    struct writing *w = arg;
    struct text_out *out = w->out;

    if (is_guilty(stall->kind) != w->guilty)
        return 0;
    text_out_add(out, w->first ? "{\"task\":" : ",{\"task\":");
    w->first = false;
    text_out_json(out, stall->task);
    text_or_null(out, "route", stall->route);
    text_out_printf(out, ",\"loop\":%d", stall->loop);
    text_or_null(out, "scope", stall->scope);
    if (stall->spawned_at.file != NULL)
        text_out_printf(out, ",\"spawned_at\":\"%s:%d\"", stall->spawned_at.file, stall->spawned_at.line);
    else
        text_out_add(out, ",\"spawned_at\":null");
    text_out_printf(out, ",\"held_ms\":%.3f,\"held_max_ms\":%.3f,\"kind\":\"%s\",\"ongoing\":%s,\"stack\":[",
                    (double)stall->held.ns / 1e6, (double)stall->held_max.ns / 1e6,
                    weir_stall_kind_text(stall->kind), stall->ongoing ? "true" : "false");
    for (size_t i = 0; i < stall->frame_count; i++) {
        if (i > 0)
            text_out_add(out, ",");
        frame(out, &stall->frames[i]);
    }
    text_out_add(out, "]");
    text_or_null(out, "hint", stall->hint);
    text_out_printf(out, ",\"count\":%llu,\"first\":%.3f,\"last\":%.3f}", (unsigned long long)stall->count,
                    (double)stall->first_ns / 1e9, (double)stall->last_ns / 1e9);
    return out->err;
}

void admin_stalls_write(struct observed *o, struct text_out *out)
{
    struct writing w = {.out = out, .first = true, .guilty = true};
    weir_runtime *runtime;

    text_out_add(out, "[");
    runtime = gateway_status_hold(o->status);
    if (runtime != NULL) {
        int err = weir_stalls_each(runtime, write_one, &w);
        w.guilty = false;
        if (err == 0)
            err = weir_stalls_each(runtime, write_one, &w);
        gateway_status_release(o->status);
        if (err < 0 && out->err == 0)
            out->err = err;
    }
    text_out_add(out, "]\n");
}

/* --- metrics --- */

/* Every route has every kind of stall from the start, so that the first stall counts as an increase. */

enum { TOTALS_MAX = 512 };

struct totals {
    struct stall_total {
        enum weir_stall_kind kind;
        char route[96];
        uint64_t count;
        double held_s;
    } list[TOTALS_MAX];
    size_t count;
};

static struct stall_total *total_of(struct totals *totals, const char *route, enum weir_stall_kind kind)
{
    struct stall_total *total;

    for (size_t i = 0; i < totals->count; i++)
        if (totals->list[i].kind == kind && strcmp(totals->list[i].route, route) == 0)
            return &totals->list[i];
    if (totals->count == TOTALS_MAX)
        return NULL;
    total = &totals->list[totals->count++];
    *total = (struct stall_total){.kind = kind};
    snprintf(total->route, sizeof total->route, "%s", route);
    return total;
}

static int take(void *arg, const weir_stall_total *seen)
{
    struct stall_total *total = total_of(arg, seen->route != NULL ? seen->route : "none", seen->kind);

    if (total != NULL) {
        total->count += seen->count;
        total->held_s += (double)seen->held.ns / 1e9;
    }
    return 0;
}

static void expect(struct totals *totals, const struct observed *o)
{
    for (size_t i = 0; i < o->route_count; i++)
        for (int kind = 0; kind < WEIR_STALL_KINDS; kind++)
            (void)total_of(totals, metrics_route_name(o->status->metrics, i), (enum weir_stall_kind)kind);
}

static void write_totals(struct exposition *e, const struct totals *totals)
{
    for (int family = 0; family < 2; family++) {
        if (family == 0)
            exposition_family(e, "weir_stalls_total", "counter",
                              "How often a loop was held for longer than stall.after.");
        else
            exposition_family(e, "weir_stall_seconds_total", "counter", "For how long, those that are over.");
        for (size_t i = 0; i < totals->count; i++) {
            const struct stall_total *total = &totals->list[i];
            const struct label labels[] = {
                {"route", total->route}, {"kind", weir_stall_kind_text(total->kind)}, {NULL, NULL}};
            if (family == 0)
                exposition_count(e, labels, total->count);
            else
                exposition_value(e, labels, total->held_s);
        }
    }
}

void admin_stalls_metrics(struct exposition *e, struct observed *o)
{
    struct totals *totals = calloc(1, sizeof *totals);
    weir_runtime *runtime = totals != NULL ? gateway_status_hold(o->status) : NULL;
    int err = totals != NULL ? 0 : -ENOMEM;

    if (runtime != NULL) {
        err = weir_stalls_total(runtime, take, totals);
        gateway_status_release(o->status);
    }
    if (err < 0)
        e->out->err = err;
    else if (runtime != NULL) {
        expect(totals, o);
        write_totals(e, totals);
    }
    free(totals);
}
