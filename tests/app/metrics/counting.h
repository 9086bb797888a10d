/* SPDX-License-Identifier: MIT */
/* A gateway that counts, without a runtime: what a collector reads. */
#ifndef TESTS_APP_METRICS_COUNTING_H
#define TESTS_APP_METRICS_COUNTING_H

#include <string.h>

#include "config/load.h"
#include "metrics/collector.h"
#include "metrics/gather_counts.h"
#include "metrics/request_counts.h"
#include "routes/table.h"
#include "support/run.h"

struct gateway {
    struct config config;
    struct gateway_status status;
    struct request_counts_loop *requests;
    struct gather_counts_loop *gathers;
    struct collector *collector;
};

static inline void parse(struct config *config, const char *file)
{
    struct config_faults faults;

    config_faults_open(&faults, "test.yaml");
    assert_int_equal(config_parse(config, file, strlen(file), &route_kinds, &faults), 0);
}

static inline void begin(struct gateway *g, const char *file)
{
    parse(&g->config, file);
    gateway_status_init(&g->status);
    assert_int_equal(request_counts_open(&g->config, &g->status.requests), 0);
    assert_int_equal(gather_counts_open(&g->config, &g->status.gathers), 0);
    assert_non_null(g->requests = request_counts_loop_open(g->status.requests));
    assert_non_null(g->gathers = gather_counts_loop_open(g->status.gathers));
    assert_int_equal(collector_open(&g->status, &g->collector), 0);
}

static inline void end(struct gateway *g)
{
    collector_close(g->collector);
    request_counts_free(g->status.requests);
    gather_counts_free(g->status.gathers);
    gateway_status_end(&g->status);
    config_free(&g->config);
}

static inline void answer(struct gateway *g, int route, int status)
{
    const weir_exchange_record record = {
        .method = "GET",
        .target = "/",
        .route = g->config.routes[route].path,
        .data = (void *)(uintptr_t)&g->config.routes[route],
        .status = status,
        .complete = true,
        .reply_bytes = 10,
        .took = weir_ms(5),
    };

    request_counts_add(g->requests, &record);
}

#endif
