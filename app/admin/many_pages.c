/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <weir/log.h>

#include "admin/admin_pages.h"
#include "admin/many.h"
#include "admin/page_advice.h"
#include "admin/page_dashboard.h"
#include "admin/page_metrics.h"
#include "admin/page_stats.h"
#include "admin/reply.h"
#include "admin/yield.h"
#include "metrics/exposition.h"

enum { PAGE_BYTES_MAX = 16 << 20 };

/* --- health --- */

static int healthz(weir_request *req, weir_response *res, struct admin_of_many *admin)
{
    (void)req, (void)admin;
    return weir_respond_text(res, 200, "alive\n");
}

/* Counts the processes that accept requests, and those that drain. */
static void count(const struct admin_of_many *admin, size_t *ready, size_t *draining)
{
    struct admin_process list[ADMIN_PROCESSES_MAX];
    const size_t listed = admin->supervisor.processes(admin->supervisor.arg, list, ADMIN_PROCESSES_MAX);

    *ready = *draining = 0;
    for (size_t i = 0; i < listed; i++) {
        *ready += list[i].ready && !list[i].draining;
        *draining += list[i].draining;
    }
}

static int readyz(weir_request *req, weir_response *res, struct admin_of_many *admin)
{
    size_t ready, draining;

    (void)req;
    count(admin, &ready, &draining);
    return ready > 0 ? weir_respond_text(res, 200, "ready\n") : weir_respond_text(res, 503, "not ready\n");
}

/* As a gateway without a supervisor, see admin_pages.c. */
static int yield(weir_request *req, weir_response *res, struct admin_of_many *admin)
{
    size_t ready, draining;
    int err;

    (void)req;
    count(admin, &ready, &draining);
    if (ready > 0 || draining == 0)
        return weir_respond_fault(res, 409, "in_use",
                                  "this gateway does not drain: it keeps its admin address");
    err = weir_respond_text(res, 200, "given up\n");
    admin->give_up(admin);
    return err;
}

static int dashboard(weir_request *req, weir_response *res, struct admin_of_many *admin)
{
    (void)admin;
    return page_dashboard(req, res, NULL);
}

/* --- pages made of the snapshot --- */

/* Asks all processes, and holds the lock, so that what the snapshot points to stays.
 * Returns: 0; the cause of a cancel, without the lock. */
static int begin(struct admin_of_many *admin, struct text_out *out)
{
    const weir_instant since = weir_now();
    int err = weir_mutex_lock(&admin->lock);

    if (err < 0)
        return err;
    text_out_init(out, PAGE_BYTES_MAX);
    out->pause = many_pause;
    err = many_round(admin, since);
    if (err < 0)
        weir_mutex_unlock(&admin->lock);
    return err;
}

/* Sends what was written, and frees it. */
static int end(weir_request *req, weir_response *res, struct admin_of_many *admin, const char *type,
               struct text_out *out)
{
    int err = out->err;

    if (err == 0)
        err = many_tell_silent_of_round(res, admin);
    weir_mutex_unlock(&admin->lock);
    if (err == 0)
        err = admin_reply(req, res, type, &out->text);
    weir_buffer_free(&out->text);
    return err;
}

static int stats(weir_request *req, weir_response *res, struct admin_of_many *admin)
{
    struct text_out out;
    int err = begin(admin, &out);

    if (err < 0)
        return err;
    page_stats_write(&out, joined_windows(admin->joined, many_pause));
    return end(req, res, admin, "application/json", &out);
}

static int advice(weir_request *req, weir_response *res, struct admin_of_many *admin)
{
    struct text_out out;
    int err = begin(admin, &out);

    if (err < 0)
        return err;
    page_advice_write(&out, joined_windows_and_outcomes(admin->joined, many_pause));
    return end(req, res, admin, "application/json", &out);
}

static void add_app_stalls(void *to, const char *app, const char *kind, uint64_t stalls, int64_t held_ns)
{
    char route[128];

    snprintf(route, sizeof route, "app %s", app);
    joined_add_stalls(to, route, kind, stalls, held_ns);
}

static void set_app(void *to, const char *app, size_t ready, uint64_t deaths)
{
    joined_set_app(to, app, ready, deaths);
}

static int metrics(weir_request *req, weir_response *res, struct admin_of_many *admin)
{
    const bool openmetrics = admin_wants_openmetrics(req);
    const struct snapshot *s;
    struct text_out out;
    int err = begin(admin, &out);

    if (err < 0)
        return err;
    s = joined_totals(admin->joined, many_pause);
    if (admin->supervisor.app_stall_totals != NULL)
        admin->supervisor.app_stall_totals(admin->supervisor.arg, add_app_stalls, admin->joined);
    if (admin->supervisor.app_totals != NULL)
        admin->supervisor.app_totals(admin->supervisor.arg, set_app, admin->joined);
    page_metrics_write(&out, s, openmetrics);
    return end(req, res, admin, openmetrics ? EXPOSITION_OPENMETRICS_TYPE : EXPOSITION_TYPE, &out);
}

/* --- the table --- */

const struct many_page many_pages[MANY_PAGES] = {
    {"/", "GET", dashboard, false},
    {"/healthz", "GET", healthz, true},
    {"/readyz", "GET", readyz, true},
    {"/metrics", "GET", metrics, false},
    {"/stats", "GET", stats, false},
    {"/guard", "GET", many_page_guard, false},
    {"/stalls", "GET", many_page_stalls, false},
    {"/profile", "GET", many_page_profile, false},
    {"/advice", "GET", advice, false},
    {"/tasks", "GET", many_page_tasks, false},
    {"/outliers", "GET", many_page_outliers, false},
    {ADMIN_OUTLIER_PATH, "GET", many_page_outlier, false},
    {"/processes", "GET", many_page_processes, true},
    {ADMIN_RELOAD_PATH, "POST", many_page_reload, true},
    {ADMIN_DRAIN_PATH, "POST", many_page_drain, true},
    {ADMIN_YIELD_PATH, "POST", yield, true},
};
