/* SPDX-License-Identifier: MIT */
#include "metrics/request_totals.h"

#include "config/route_kind.h"
#include "metrics/request_cells.h"

/* Adds an outcome with a count of 0, unless it is there. */
static void expect(struct request_outcomes *out, unsigned method, int status)
{
    size_t i = 0;

    while (i < out->count && (out->list[i].status != status || out->list[i].method != (int)method))
        i++;
    if (i == out->count && i < REQUEST_OUTCOMES_MAX - 1)
        out->list[out->count++] = (struct request_outcome){(int)method, status, 0};
}

/* Returns: the methods of a route: those it names, else those of its kind, else the usual ones. */
static unsigned methods_of(const struct config_route *route)
{
    const unsigned named = route->method_mask ? route->method_mask : route->kind->methods;

    return named ? named : 1U << CONFIG_GET | 1U << CONFIG_POST;
}

static void expect_of_route(const struct config_route *route, struct request_outcomes *out)
{
    static const int statuses[] = {200, 499, 500, 502, 503, 504};

    for (unsigned method = 0; method < CONFIG_METHODS; method++) {
        if (!(methods_of(route) >> method & 1))
            continue;
        for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
            expect(out, request_method_index(config_method_names[method]), statuses[i]);
        if (route->rate != NULL)
            expect(out, request_method_index(config_method_names[method]), 429);
    }
}

/* Requests that no route took. */
static void expect_of_none(struct request_outcomes *out)
{
    static const int statuses[] = {400, 408, 414, 431, 501}; /* without a method that is understood */

    expect(out, 0, 404);
    expect(out, 0, 405);
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        expect(out, REQUEST_METHODS - 1, statuses[i]);
}

void request_counts_add_expected(const struct request_counts *counts, size_t i, struct request_outcomes *out)
{
    for (size_t k = 0; k < counts->config->route_count; k++)
        if (counts->label_of[k] == i)
            expect_of_route(&counts->config->routes[k], out);
    if (counts->labels[i] == NULL)
        expect_of_none(out);
}
