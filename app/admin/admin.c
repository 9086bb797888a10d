/* SPDX-License-Identifier: MIT */
#include "admin/admin.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <weir/http_server.h>
#include <weir/log.h>

#include "http/negotiation.h"
#include "admin/page_advice.h"
#include "admin/page_dashboard.h"
#include "admin/page_guard.h"
#include "admin/page_metrics.h"
#include "admin/page_profile.h"
#include "admin/reply.h"
#include "admin/page_stalls.h"
#include "admin/page_stats.h"
#include "admin/page_tasks.h"
#include "admin/yield.h"
#include "config/address.h"
#include "metrics/exposition.h"
#include "http/listening.h"
#include "metrics/collector.h"
#include "http/background_server.h"

enum {
    ADMIN_CONNECTIONS = 256,
    ADMIN_EXCHANGES = 64,
    ADMIN_BODY_BYTES = 64 << 10,
    PAGE_BYTES_MAX = 64 << 20,
    HOST_BYTES = 256
};

/* --- pages --- */

static int healthz(weir_request *req, weir_response *res, struct gateway_status *status)
{
    (void)req, (void)status;
    return weir_reply_text(res, 200, "alive\n");
}

static int readyz(weir_request *req, weir_response *res, struct gateway_status *status)
{
    (void)req;
    if (atomic_load(&status->ready))
        return weir_reply_text(res, 200, "ready\n");
    return weir_reply_text(res, 503, "not ready\n");
}

/* Writes a page of the whole and sends it, packed for who takes that. */
static int written(weir_request *req, weir_response *res, const char *type, struct observed *observed,
                   void (*write)(struct observed *o, struct text_out *out))
{
    struct text_out out;
    int err;

    text_out_init(&out, PAGE_BYTES_MAX);
    write(observed, &out);
    err = out.err < 0 ? out.err : admin_reply(req, res, type, &out.text);
    weir_buffer_free(&out.text);
    return err;
}

static int stats(weir_request *req, weir_response *res, struct gateway_status *status)
{
    return written(req, res, "application/json", status->observed, admin_stats_write);
}

/* Whoever names OpenMetrics, and does not like the older form better, gets it. */
static bool wants_openmetrics(const weir_request *req)
{
    struct negotiation_offer offers[2];

    negotiation_offer_init(&offers[0], "application/openmetrics-text");
    negotiation_offer_init(&offers[1], "text/plain");
    (void)negotiation_read_request(req, "accept", offers, 2);
    return offers[0].matched == NEGOTIATION_BY_NAME && offers[0].weight > 0 &&
           offers[0].weight >= offers[1].weight;
}

static int metrics(weir_request *req, weir_response *res, struct gateway_status *status)
{
    if (wants_openmetrics(req))
        return written(req, res, EXPOSITION_OPENMETRICS_TYPE, status->observed,
                       admin_metrics_write_openmetrics);
    return written(req, res, EXPOSITION_TYPE, status->observed, admin_metrics_write);
}

static int guard(weir_request *req, weir_response *res, struct gateway_status *status)
{
    return written(req, res, "application/json", status->observed, admin_guard_write);
}

static int stalls(weir_request *req, weir_response *res, struct gateway_status *status)
{
    return written(req, res, "application/json", status->observed, admin_stalls_write);
}

static int advice(weir_request *req, weir_response *res, struct gateway_status *status)
{
    return written(req, res, "application/json", status->observed, admin_advice_write);
}

struct page {
    const char *path;
    int (*answer)(weir_request *req, weir_response *res, struct gateway_status *status); /* NULL: see yield */
    const char *method;
    bool vital;
};

static const struct page pages[] = {
    {"/", admin_dashboard, "GET", false},   {"/healthz", healthz, "GET", true},
    {"/readyz", readyz, "GET", true},       {"/metrics", metrics, "GET", false},
    {"/stats", stats, "GET", false},        {"/guard", guard, "GET", false},
    {"/stalls", stalls, "GET", false},      {"/profile", admin_profile, "GET", false},
    {"/advice", advice, "GET", false},      {"/tasks", admin_tasks, "GET", false},
    {ADMIN_YIELD_PATH, NULL, "POST", true},
};
enum { PAGES = sizeof pages / sizeof *pages };

/* --- the server --- */

struct admin {
    struct gateway_status *status;
    const char *const *hosts;
    weir_server_options options;
    weir_route routes[PAGES];
    struct observed observed;
    struct background_server server;
    struct background_servers *side;
    bool given_up; /* the address; the admin's loop's own */
};

/* The host without its port, without brackets, and without the dot that may end a name (which is then one
 * from the root).
 * Returns: false: it is longer than any. */
static bool take_host(const char *host, bool *bracketed, char name[HOST_BYTES])
{
    size_t length;

    *bracketed = host[0] == '[';
    if (*bracketed)
        host++;
    length = strcspn(host, *bracketed ? "]" : ":");
    if (length >= HOST_BYTES)
        return false;
    if (!*bracketed && length > 1 && host[length - 1] == '.')
        length--;
    memcpy(name, host, length);
    name[length] = '\0';
    return true;
}

bool admin_host_is_ours(const char *host, const char *const *names)
{
    unsigned char address[sizeof(struct in6_addr)];
    char name[HOST_BYTES];
    bool bracketed;

    if (!take_host(host, &bracketed, name))
        return false;
    if (bracketed)
        return inet_pton(AF_INET6, name, address) == 1;
    for (; *names != NULL; names++)
        if (strcasecmp(*names, name) == 0)
            return true;
    return strcasecmp(name, "localhost") == 0 || inet_pton(AF_INET, name, address) == 1;
}

static int refuse_host(weir_response *res, const char *host)
{
    char name[HOST_BYTES] = "", message[2 * HOST_BYTES + 128];
    bool bracketed, valid = take_host(host, &bracketed, name) && host_is_valid(name, strlen(name));

    snprintf(
        message, sizeof message,
        "the admin address answers to numbers, localhost and the names in admin_hosts; for this one write "
        "admin_hosts: [%s]",
        valid ? name : "NAME");
    return weir_reply_fault(res, 403, "host", message);
}

/* A gateway that drains gives its address up to the one that takes its place: that one asks. */
static int yield(weir_response *res, struct admin *admin)
{
    int err;

    if (!atomic_load(&admin->status->draining))
        return weir_reply_fault(res, 409, "in_use",
                                "this gateway does not drain: it keeps its admin address");
    err = weir_reply_text(res, 200, "given up\n");
    if (!admin->given_up) {
        weir_log(WEIR_LOG_INFO, "the admin address is given up to another gateway");
        admin->given_up = true;
        background_servers_give_up(admin->side);
    }
    return err;
}

static int answer(weir_request *req, weir_response *res, void *state)
{
    struct admin *admin = state;
    const struct page *page = weir_request_data(req);
    const char *host = weir_request_header(req, "host");
    int err;

    if (host != NULL && *host && !admin_host_is_ours(host, admin->hosts))
        return refuse_host(res, host);
    err = weir_reply_header(res, "cache-control", "no-store");
    if (err < 0)
        return err;
    return page->answer != NULL ? page->answer(req, res, admin->status) : yield(res, admin);
}

static void *setup(void *arg)
{
    struct admin *admin = arg;

    admin_tasks_open(admin->status);
    return admin;
}

static void on_listening(void *arg, const char *address)
{
    (void)arg;
    log_listening("admin", address);
}

static int start(struct admin *admin, const struct config *config)
{
    weir_options options;

    for (size_t i = 0; i < PAGES; i++)
        admin->routes[i] = (weir_route){
            .path = pages[i].path,
            .methods = pages[i].method,
            .vital = pages[i].vital,
            .handler = answer,
            .data = (void *)(uintptr_t)&pages[i],
        };
    admin->options = (weir_server_options){
        .listen = config->admin->text,
        .limits = {.connections = ADMIN_CONNECTIONS,
                   .exchanges = ADMIN_EXCHANGES,
                   .always_room = true, /* nobody may keep others from /healthz */
                   .body_bytes = ADMIN_BODY_BYTES},
        .drain = weir_ms(500), /* the gateway has gone: nobody should wait for it to have told so */
        .setup = setup,
        .on_listening = on_listening,
        .arg = admin,
    };
    admin->server = (struct background_server){.options = &admin->options,
                                               .routes = admin->routes,
                                               .route_count = PAGES,
                                               .beside = observed_run,
                                               .beside_arg = &admin->observed};
    options = (weir_options){.io = (enum weir_io)config->io,
                             .log_json = config->log == CONFIG_LOG_JSON,
                             .log_level = config_log_level(config)};
    return background_servers_start("admin", &options, &admin->server, 1, &admin->side);
}

int admin_start(const struct config *config, struct gateway_status *status, struct admin **out)
{
    int err;
    struct admin *admin;

    *out = NULL;
    if (config->admin == NULL)
        return 0;
    admin = calloc(1, sizeof *admin);
    if (admin == NULL)
        return -ENOMEM;
    admin->status = status;
    admin->hosts = config->admin_hosts;
    status->observed = &admin->observed;
    err = observed_open(&admin->observed, status);
    if (err == 0 && (err = start(admin, config)) < 0)
        observed_close(&admin->observed);
    if (err < 0)
        free(admin);
    else
        *out = admin;
    return err;
}

void admin_stop(struct admin *admin)
{
    if (admin == NULL)
        return;
    background_servers_stop(admin->side);
    observed_close(&admin->observed);
    free(admin);
}
