/* SPDX-License-Identifier: MIT */
#include "outliers/stalls_during.h"

#include <weir/watch.h>

#include "text/frame_json.h"

enum { FRAMES_MAX = 32, STALLS_MAX = 8 };

struct writing {
    struct outlier *o;
    weir_duration after;
    int written;
};

/* The watch notices a stall when it has lasted for `after`, and says when that was. */
static bool is_during(const struct writing *w, const weir_stall *stall)
{
    const int64_t began_ns = stall->last_ns - 2 * w->after.ns;
    const int64_t ended_ns = stall->last_ns - w->after.ns + stall->held.ns;

    return stall->loop == w->o->loop && began_ns <= w->o->ended_ns && ended_ns >= w->o->began_ns;
}

static int add_stall(void *arg, const weir_stall *stall)
{
    struct writing *w = arg;
    struct text_out *out = &w->o->text;
    const size_t depth = stall->stack_depth < FRAMES_MAX ? stall->stack_depth : FRAMES_MAX;

    if (w->written == STALLS_MAX || !is_during(w, stall))
        return 0;
    text_out_add(out, w->written++ > 0 ? ",{\"task\":" : "{\"task\":");
    text_out_json(out, stall->task);
    text_out_json_member(out, "route", stall->route);
    text_out_json_member(out, "kind", weir_stall_type_name(stall->type));
    text_out_printf(out, ",\"held_ms\":%.3f,\"ongoing\":%s", (double)stall->held.ns / 1e6,
                    stall->ongoing ? "true" : "false");
    text_out_add(out, ",\"stack\":");
    frame_json_stack(out, stall->stack, depth);
    text_out_add(out, "}");
    return out->err;
}

void stalls_during_write(struct outlier *o, weir_runtime *runtime, weir_duration after)
{
    struct writing w = {.o = o, .after = after};

    text_out_add(&o->text, ",\"stalls\":[");
    if (runtime != NULL)
        (void)weir_stalls_each(runtime, add_stall, &w); /* without memory there are none */
    text_out_add(&o->text, "]");
}
