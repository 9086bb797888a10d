/* SPDX-License-Identifier: MIT */
#include "admin/page_profile.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/pool.h>
#include <weir/profile.h>
#include <weir/task.h>
#include <weir/url.h>

#include "admin/flame_graph.h"

enum {
    SECONDS_DEFAULT = 5,
    SECONDS_MAX = 60,
    COLLECT_EVERY_MS = 100,
    BYTES_MAX = 64 << 20,
    VALUE_BYTES = 32
};

struct profiling {
    weir_profile *profile;
    struct profile_query query;
    weir_buffer folded;
    struct text_out graph;
};

/* --- the query --- */

int profile_query_read(weir_bytes query, struct profile_query *out, const char **fault)
{
    char value[VALUE_BYTES], *end;
    double seconds = SECONDS_DEFAULT;
    int found = weir_query_find(query, "seconds", value, sizeof value);

    if (found != -ENOENT) {
        seconds = strtod(value, &end);
        if (found <= 0 || *end || !(seconds >= 0) || seconds > SECONDS_MAX) {
            *fault = "seconds is a number from 0 to 60";
            return -EINVAL;
        }
    }
    found = weir_query_find(query, "format", value, sizeof value);
    out->svg = strcmp(value, "svg") == 0;
    if (found != -ENOENT && !out->svg && strcmp(value, "folded") != 0) {
        *fault = "format is folded or svg";
        return -EINVAL;
    }
    out->length = (weir_duration){(int64_t)(seconds * 1e9)};
    return 0;
}

const char *profile_title(char out[PROFILE_TITLE_BYTES], weir_duration length)
{
    snprintf(out, PROFILE_TITLE_BYTES, "CPU time, %.3g s", (double)length.ns / 1e9);
    return out;
}

/* --- on the blocking pool, since reading debug information takes time --- */

static int collect(weir_job *job, void *arg)
{
    (void)job;
    weir_profile_collect(((struct profiling *)arg)->profile);
    return 0;
}

static int finish(weir_job *job, void *arg)
{
    struct profiling *p = arg;
    char title[PROFILE_TITLE_BYTES];
    int err;

    (void)job;
    err = weir_profile_close(p->profile, &p->folded);
    p->profile = NULL;
    if (err < 0 || !p->query.svg)
        return err;
    err = flame_graph_write(&p->graph, weir_buffer_bytes(&p->folded), profile_title(title, p->query.length));
    return err < 0 ? err : p->graph.err;
}

/* --- sampling --- */

static int start(struct gateway_status *status, struct profiling *p)
{
    weir_runtime *runtime = gateway_status_hold(status);
    int err;

    if (runtime == NULL)
        return -WEIR_ECLOSED;
    err = weir_profile_open(runtime, 0, &p->profile);
    gateway_status_release(status);
    return err;
}

static int sample(struct profiling *p)
{
    const weir_instant end = weir_after(p->query.length);
    const weir_offload_options waiting = {.when_full = WEIR_WAIT};
    int err = 0;

    while (err == 0 && weir_now().ns < end.ns) {
        const weir_instant next = weir_after_ms(COLLECT_EVERY_MS);
        err = weir_sleep_until(next.ns < end.ns ? next : end);
        if (err == 0)
            err = weir_offload_with(weir_pool_blocking(), "naming samples", collect, p, &waiting);
    }
    if (err == 0)
        err = weir_offload_with(weir_pool_blocking(), "naming samples", finish, p, &waiting);
    return err;
}

static int reply(weir_response *res, const struct profiling *p, int err)
{
    if (err == -WEIR_EBUSY)
        return weir_respond_fault(res, 503, "busy",
                                  "a profile is being taken already; try again when it has ended");
    if (err == -WEIR_ECLOSED)
        return weir_respond_fault(res, 503, "not_running", "the gateway is not running yet, or no longer");
    if (err < 0)
        return weir_respond_error(res, err);
    return p->query.svg ? weir_respond_buffer(res, 200, "image/svg+xml", &p->graph.text)
                        : weir_respond_buffer(res, 200, "text/plain; charset=utf-8", &p->folded);
}

int page_profile(weir_request *req, weir_response *res, struct admin_state *state)
{
    struct profiling p = {0};
    const char *fault = "";
    int err;

    if (profile_query_read(weir_bytes_of(weir_request_query(req)), &p.query, &fault) < 0)
        return weir_respond_fault(res, 400, "malformed", fault);
    if (p.query.length.ns == 0) /* the client only asks whether there is such a page */
        return weir_respond_text(res, 200, "");
    weir_buffer_init(&p.folded, BYTES_MAX);
    text_out_init(&p.graph, BYTES_MAX);
    err = start(state->status, &p);
    if (err == 0)
        err = sample(&p);
    if (p.profile != NULL && weir_profile_close(p.profile, NULL) < 0)
        err = err < 0 ? err : -ENOMEM;
    if (err != -WEIR_ECANCELED)
        err = reply(res, &p, err);
    weir_buffer_free(&p.graph.text);
    weir_buffer_free(&p.folded);
    return err;
}
