/* SPDX-License-Identifier: MIT */
#include "admin/admin_pages.h"

#include <sys/resource.h>

#include <weir/log.h>

#include "admin/page_advice.h"
#include "admin/page_dashboard.h"
#include "admin/page_guard.h"
#include "admin/page_metrics.h"
#include "admin/page_profile.h"
#include "admin/page_stalls.h"
#include "admin/page_stats.h"
#include "admin/page_tasks.h"
#include "admin/reply.h"
#include "admin/yield.h"
#include "http/background_server.h"
#include "http/negotiation.h"
#include "metrics/exposition.h"
#include "metrics/totals.h"
#include "outliers/recorder.h"

enum { PAGE_BYTES_MAX = 64 << 20, CONNECTIONS_MIN = 4, CONNECTIONS_MAX = 256 };
static const char json[] = "application/json";

int admin_connections(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur / 4 > CONNECTIONS_MAX)
        return CONNECTIONS_MAX;
    return limit.rlim_cur / 4 < CONNECTIONS_MIN ? CONNECTIONS_MIN : (int)(limit.rlim_cur / 4);
}

/* --- health --- */

static int healthz(weir_request *req, weir_response *res, struct admin_state *state)
{
    (void)req, (void)state;
    return weir_respond_text(res, 200, "alive\n");
}

static int readyz(weir_request *req, weir_response *res, struct admin_state *state)
{
    (void)req;
    if (atomic_load(&state->status->ready))
        return weir_respond_text(res, 200, "ready\n");
    return weir_respond_text(res, 503, "not ready\n");
}

/* A gateway that drains gives its address up to the one that takes its place and asks for it. */
static int yield(weir_request *req, weir_response *res, struct admin_state *state)
{
    int err;

    (void)req;
    if (!atomic_load(&state->status->draining))
        return weir_respond_fault(res, 409, "in_use",
                                  "this gateway does not drain: it keeps its admin address");
    err = weir_respond_text(res, 200, "given up\n");
    if (!state->given_up) {
        weir_log(WEIR_LOG_INFO, "the admin address is given up to another gateway");
        state->given_up = true;
        background_servers_drain(state->servers);
    }
    return err;
}

/* --- pages that are written as a whole --- */

/* Sends what was written, and frees it. */
static int send_page(weir_request *req, weir_response *res, const char *type, struct text_out *out)
{
    int err = out->err < 0 ? out->err : admin_reply(req, res, type, &out->text);

    weir_buffer_free(&out->text);
    return err;
}

static int stats(weir_request *req, weir_response *res, struct admin_state *state)
{
    struct text_out out;

    text_out_init(&out, PAGE_BYTES_MAX);
    page_stats_write(&out, collector_windows(state->collector));
    return send_page(req, res, json, &out);
}

static int advice(weir_request *req, weir_response *res, struct admin_state *state)
{
    struct text_out out;

    text_out_init(&out, PAGE_BYTES_MAX);
    page_advice_write(&out, collector_windows_and_outcomes(state->collector));
    return send_page(req, res, json, &out);
}

/* A client gets OpenMetrics if it names that format and does not prefer the older one. */
bool admin_wants_openmetrics(const weir_request *req)
{
    struct negotiation_offer offers[2];

    negotiation_offer_init(&offers[0], "application/openmetrics-text");
    negotiation_offer_init(&offers[1], "text/plain");
    (void)negotiation_read_request(req, "accept", offers, 2);
    return offers[0].matched == NEGOTIATION_BY_NAME && offers[0].weight > 0 &&
           offers[0].weight >= offers[1].weight;
}

static int metrics(weir_request *req, weir_response *res, struct admin_state *state)
{
    const bool openmetrics = admin_wants_openmetrics(req);
    struct text_out out;

    text_out_init(&out, PAGE_BYTES_MAX);
    page_metrics_write(&out, collector_totals(state->collector), openmetrics);
    return send_page(req, res, openmetrics ? EXPOSITION_OPENMETRICS_TYPE : EXPOSITION_TYPE, &out);
}

static int guard(weir_request *req, weir_response *res, struct admin_state *state)
{
    struct text_out out;

    (void)state;
    text_out_init(&out, PAGE_BYTES_MAX);
    page_guard_write(&out);
    return send_page(req, res, json, &out);
}

static int stalls(weir_request *req, weir_response *res, struct admin_state *state)
{
    struct text_out out;

    text_out_init(&out, PAGE_BYTES_MAX);
    page_stalls_write(&out, state->status);
    return send_page(req, res, json, &out);
}

static int outliers(weir_request *req, weir_response *res, struct admin_state *state)
{
    struct text_out out;

    text_out_init(&out, PAGE_BYTES_MAX);
    recorder_write_list(state->status->recorder, &out);
    return send_page(req, res, json, &out);
}

static int outlier(weir_request *req, weir_response *res, struct admin_state *state)
{
    struct text_out out;

    text_out_init(&out, PAGE_BYTES_MAX);
    if (recorder_write(state->status->recorder, weir_request_param(req, "id"), &out))
        return send_page(req, res, json, &out);
    weir_buffer_free(&out.text);
    return weir_respond_fault(res, 404, "not_found", ADMIN_NO_OUTLIER);
}

/* What a supervisor adds up; on a socket that only it reaches. */
static int totals(weir_request *req, weir_response *res, struct admin_state *state)
{
    struct text_out out;
    int err;

    (void)req;
    if (!state->inherited)
        return weir_respond_fault(res, 404, "not_found", "this page is for a supervisor");
    text_out_init(&out, TOTALS_BYTES_MAX);
    totals_write(&out, collector_all_totals(state->collector));
    err = out.err < 0 ? out.err : weir_respond_buffer(res, 200, "application/octet-stream", &out.text);
    weir_buffer_free(&out.text);
    return err;
}

/* --- the table --- */

const struct admin_page admin_pages[ADMIN_PAGES] = {
    {"/", "GET", page_dashboard, false},     {"/healthz", "GET", healthz, true},
    {"/readyz", "GET", readyz, true},        {"/metrics", "GET", metrics, false},
    {"/stats", "GET", stats, false},         {"/guard", "GET", guard, false},
    {"/stalls", "GET", stalls, false},       {"/profile", "GET", page_profile, false},
    {"/advice", "GET", advice, false},       {"/tasks", "GET", page_tasks, false},
    {"/outliers", "GET", outliers, false},   {ADMIN_OUTLIER_PATH, "GET", outlier, false},
    {ADMIN_YIELD_PATH, "POST", yield, true}, {ADMIN_TOTALS_PATH, "GET", totals, false},
};
