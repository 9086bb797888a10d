/* SPDX-License-Identifier: MIT */
#include "admin_stalls.h"

#include <stdbool.h>
#include <stdio.h>

#include <weir/watch.h>

#include "gateway_status.h"

enum { FRAME_BYTES = 256 };

struct writing {
    struct text_out *out;
    bool first;
};

static void text_or_null(struct text_out *out, const char *name, const char *text)
{
    text_out_printf(out, ",\"%s\":", name);
    if (text)
        text_out_json(out, text);
    else
        text_out_add(out, "null");
}

/* "csv_sort report.c:118" */
static void frame(struct text_out *out, const weir_frame *frame)
{
    char text[FRAME_BYTES];
    if (frame->file)
        snprintf(text, sizeof text, "%s %s:%d", frame->function, frame->file, frame->line);
    else
        snprintf(text, sizeof text, "%s", frame->function);
    text_out_json(out, text);
}

static int write_one(void *arg, const weir_stall *stall)
{
    struct writing *w = arg;
    struct text_out *out = w->out;
    text_out_add(out, w->first ? "{\"task\":" : ",{\"task\":");
    w->first = false;
    text_out_json(out, stall->task);
    text_or_null(out, "route", stall->route);
    text_out_printf(out, ",\"loop\":%d", stall->loop);
    text_or_null(out, "scope", stall->scope);
    if (stall->spawned_at.file)
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
    struct writing w = {.out = out, .first = true};
    text_out_add(out, "[");
    weir_runtime *runtime = gateway_status_hold(o->status);
    if (runtime) {
        int err = weir_stalls_each(runtime, write_one, &w);
        gateway_status_release(o->status);
        if (err < 0 && out->err == 0)
            out->err = err;
    }
    text_out_add(out, "]\n");
}

/* ---- metrics: one family after the other, so the sums are gone through twice ---- */

static int write_count(void *arg, const weir_stall_total *total)
{
    const struct label labels[] = {{"route", total->route ? total->route : "none"},
                                   {"kind", weir_stall_kind_text(total->kind)},
                                   {NULL, NULL}};
    exposition_count(arg, labels, total->count);
    return 0;
}

static int write_seconds(void *arg, const weir_stall_total *total)
{
    const struct label labels[] = {{"route", total->route ? total->route : "none"},
                                   {"kind", weir_stall_kind_text(total->kind)},
                                   {NULL, NULL}};
    exposition_value(arg, labels, (double)total->held.ns / 1e9);
    return 0;
}

void admin_stalls_metrics(struct exposition *e, struct observed *o)
{
    weir_runtime *runtime = gateway_status_hold(o->status);
    int err;
    if (!runtime)
        return;
    exposition_family(e, "weir_stalls_total", "counter",
                      "How often a loop was held for longer than stall.after.");
    err = weir_stalls_total(runtime, write_count, e);
    exposition_family(e, "weir_stall_seconds_total", "counter", "For how long, those that are over.");
    if (err == 0)
        err = weir_stalls_total(runtime, write_seconds, e);
    if (err < 0)
        e->out->err = err;
    gateway_status_release(o->status);
}
