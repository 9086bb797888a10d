/* SPDX-License-Identifier: MIT */
#include "gateway/loop_state.h"

#include <errno.h>
#include <stdlib.h>

#include <weir/log.h>

#include "apps/queue.h"
#include "config/backend.h"
#include "config/route_kind.h"
#include "files/file_cache.h"
#include "gateway/tls_contexts.h"
#include "http/client_deadline.h"
#include "http/cors.h"
#include "http/header_rules.h"
#include "http/response_coding.h"
#include "metrics/gather_counts.h"
#include "metrics/request_counts.h"
#include "metrics/request_outliers.h"
#include "outliers/recorder.h"

void loop_state_close(void *arg)
{
    struct loop_state *loop = arg;

    gateway_status_stops(loop->status);
    for (size_t i = loop->opened; i-- > 0;) {
        const struct route_kind *kind = loop->config->routes[i].kind;
        if (kind->close != NULL)
            kind->close(loop->route[i]);
    }
    for (size_t i = 0; loop->coding != NULL && i < loop->config->route_count; i++)
        response_coding_close(loop->coding[i]);
    free(loop->coding);
    edge_close(&loop->edge);
    file_cache_close(loop->shared.files);
    while (loop->backends_opened > 0)
        weir_backend_close(loop->backends[--loop->backends_opened]);
    free(loop->backends);
    while (loop->apps_opened > 0)
        app_queue_close(loop->apps[--loop->apps_opened]);
    free(loop->apps);
    weir_client_close(loop->shared.client);
    free(loop);
}

static int open_route(struct loop_state *loop, size_t i)
{
    const struct config_route *route = &loop->config->routes[i];
    int err;

    loop->route[i] = (void *)(uintptr_t)route->settings;
    err = route->compress_response.on ? response_coding_open(route, &loop->coding[i]) : 0;
    if (err < 0)
        return err;
    return route->kind->open != NULL ? route->kind->open(route, &loop->shared, &loop->route[i]) : 0;
}

static weir_client_options client_options(const struct config_limits *limits, uint64_t replies_bytes)
{
    return (weir_client_options){
        .head_bytes = limits->head_bytes,
        .headers = limits->headers,
        .reply_bytes = limits->reply_bytes,
        .replies_bytes = replies_bytes,
    };
}

static int open_client(struct loop_state *loop, const struct tls_contexts *tls, uint64_t replies_bytes)
{
    weir_client_options options = client_options(&loop->config->limits, replies_bytes);

    options.tls = tls_contexts_find(tls, GATEWAY_TLS_OTHERS, 0);
    return weir_client_open(&options, &loop->shared.client);
}

static int open_apps(struct loop_state *loop, struct app_gate *gate, uint64_t replies_bytes)
{
    const weir_client_options options = client_options(&loop->config->limits, replies_bytes);
    int err = 0;

    if (gate == NULL)
        return 0;
    loop->apps = calloc(gate->count, sizeof *loop->apps);
    loop->shared.apps = loop->apps;
    if (loop->apps == NULL)
        return -ENOMEM;
    while (err == 0 && loop->apps_opened < gate->count) {
        err = app_queue_open(&gate->apps[loop->apps_opened], &options, &loop->apps[loop->apps_opened]);
        loop->apps_opened += err == 0;
    }
    return err;
}

static int open_backend(struct loop_state *loop, const struct tls_contexts *tls, size_t i)
{
    weir_backend_options options = loop->config->backends[i].options;

    options.tls = tls_contexts_find(tls, GATEWAY_TLS_BACKEND, i);
    return weir_backend_open(&options, &loop->backends[i]);
}

static int open_backends(struct loop_state *loop, const struct tls_contexts *tls)
{
    const struct config *config = loop->config;
    int err = 0;

    loop->backends = calloc(config->backend_count + 1, sizeof *loop->backends);
    loop->shared.backends = loop->backends;
    if (loop->backends == NULL)
        return -ENOMEM;
    while (err == 0 && loop->backends_opened < config->backend_count) {
        err = open_backend(loop, tls, loop->backends_opened);
        loop->backends_opened += err == 0;
    }
    return err;
}

static int open_counts(struct loop_state *loop)
{
    const struct gateway_status *status = loop->status;

    if (status->requests == NULL)
        return 0;
    loop->requests = request_counts_loop_open(status->requests);
    loop->gathers = gather_counts_loop_open(status->gathers);
    if (loop->requests == NULL || loop->gathers == NULL)
        return -ENOMEM;
    if (status->recorder != NULL)
        request_outliers_to(loop->requests, recorder_take, status->recorder);
    return 0;
}

struct loop_state *loop_state_open(const struct config *config, struct gateway_status *status,
                                   const struct tls_contexts *tls, struct app_gate *apps, struct rates *rates,
                                   const struct auth_stores *auth, uint64_t replies_bytes)
{
    struct loop_state *loop = calloc(1, sizeof *loop + config->route_count * sizeof loop->route[0]);
    int err;

    if (loop == NULL) {
        gateway_status_stops(status);
        return NULL;
    }
    loop->config = loop->shared.config = config;
    loop->status = status;
    loop->coding = calloc(config->route_count, sizeof *loop->coding);
    err = loop->coding != NULL ? open_counts(loop) : -ENOMEM;
    if (err == 0)
        err = file_cache_open(&(struct file_cache_options){0}, &loop->shared.files);
    if (err == 0)
        err = open_client(loop, tls, replies_bytes);
    if (err == 0)
        err = open_backends(loop, tls);
    if (err == 0)
        err = open_apps(loop, apps, replies_bytes);
    if (err == 0)
        err = edge_open(&loop->edge, rates, auth, loop->requests);
    while (err == 0 && loop->opened < config->route_count) {
        err = open_route(loop, loop->opened);
        loop->opened += err == 0;
    }
    if (err == 0)
        return loop;
    weir_log(WEIR_LOG_ERROR, "a loop could not be set up", WEIR_KV_ERROR("error", err));
    loop_state_close(loop);
    return NULL;
}

int loop_state_answer(weir_request *req, weir_response *res, void *state)
{
    struct loop_state *loop = state;
    const struct config_route *route = weir_request_data(req);
    const size_t i = (size_t)(route - loop->config->routes);
    int err = 0;

    if (route->headers.response.count > 0)
        err =
            header_rules_answer(&route->headers.response, req, res); /* first: its filter sees answers last */
    if (err == 0 && route->cors != NULL)
        err = cors_answer(route->cors, req, res);
    if (err == 0 && edge_is_wanted(route))
        err = edge_admit(&loop->edge, route, req, res);
    if (err == 0 && loop->coding[i] != NULL)
        err = response_coding_use(loop->coding[i], req, res);
    if (err != 0)
        return err < 0 ? err : 0; /* > 0: it is answered */
    return route->kind->heeds_deadline ? route->kind->handle(req, res, loop->route[i])
                                       : client_deadline_run(req, res, route->kind->handle, loop->route[i]);
}

int loop_state_refuse(void *arg, weir_request *req, weir_response *res, void *state)
{
    const struct loop_state *loop = state;
    const struct config_route *route = weir_request_data(req);
    const struct config_header_rules *rules =
        route != NULL ? &route->headers.response : &loop->config->headers.response;
    int err = rules->count > 0 ? header_rules_answer(rules, req, res) : 0;

    (void)arg;
    if (route == NULL)
        route = weir_request_path_data(req); /* a page may read 405, too */
    return err == 0 && route != NULL && route->cors != NULL ? cors_answer(route->cors, req, res) : err;
}
