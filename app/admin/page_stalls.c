/* SPDX-License-Identifier: MIT */
#include "admin/page_stalls.h"

#include <stdbool.h>

#include <weir/watch.h>

#include "text/frame_json.h"
#include "metrics/snapshot.h"

/* One walk over the stalls. */
struct writing {
    struct text_out *out;
    bool first;
    bool own; /* writes those in which a task held its loop itself; else those in which it was kept off the
                 CPU */
};

static int write_one(void *arg, const weir_stall *stall)
{
    struct writing *w = arg;
    struct text_out *out = w->out;

    if (snapshot_stall_is_own(stall->type) != w->own)
        return 0;
    text_out_add(out, w->first ? "{\"task\":" : ",{\"task\":");
    w->first = false;
    text_out_json(out, stall->task);
    text_out_json_member(out, "route", stall->route);
    text_out_printf(out, ",\"loop\":%d", stall->loop);
    text_out_json_member(out, "scope", stall->task_path);
    if (stall->spawned_at.file != NULL)
        text_out_printf(out, ",\"spawned_at\":\"%s:%d\"", stall->spawned_at.file, stall->spawned_at.line);
    else
        text_out_add(out, ",\"spawned_at\":null");
    text_out_printf(out, ",\"held_ms\":%.3f,\"held_max_ms\":%.3f,\"kind\":\"%s\",\"ongoing\":%s,\"stack\":",
                    (double)stall->held.ns / 1e6, (double)stall->held_max.ns / 1e6,
                    weir_stall_type_name(stall->type), stall->ongoing ? "true" : "false");
    frame_json_stack(out, stall->stack, stall->stack_depth);
    text_out_json_member(out, "hint", stall->hint);
    text_out_printf(out, ",\"count\":%llu,\"first\":%.3f,\"last\":%.3f}", (unsigned long long)stall->count,
                    (double)stall->first_ns / 1e9, (double)stall->last_ns / 1e9);
    return out->err;
}

void page_stalls_write(struct text_out *out, struct gateway_status *status)
{
    struct writing w = {.out = out, .first = true, .own = true};
    weir_runtime *runtime;

    text_out_add(out, "[");
    runtime = gateway_status_hold(status);
    if (runtime != NULL) {
        int err = weir_stalls_each(runtime, write_one, &w);
        w.own = false;
        if (err == 0)
            err = weir_stalls_each(runtime, write_one, &w);
        gateway_status_release(status);
        if (err < 0 && out->err == 0)
            out->err = err;
    }
    text_out_add(out, "]\n");
}
