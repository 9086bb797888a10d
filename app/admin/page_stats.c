/* SPDX-License-Identifier: MIT */
#include "admin/page_stats.h"

#include <weir/version.h>

#include "admin/page_stats_parts.h"

enum { CLIENTS_SHOWN = 10 };

/* --- what was refused, of all routes together --- */

static void refused_window(struct text_out *out, const struct snapshot *s, enum series_span span)
{
    uint64_t reasons[REQUEST_REFUSALS_MAX] = {0}, requests = 0, refused = 0;

    for (size_t i = 0; i < s->route_count; i++) {
        const struct series_window *w = &s->routes[i].requests.last[span];
        requests += w->count;
        refused += snapshot_route_refused(w->numbers);
        for (size_t k = 0; k < REQUEST_REFUSALS_MAX; k++)
            reasons[k] += w->numbers[ROUTE_REFUSED + k];
    }
    text_out_printf(out, "\"%s\":{\"requests\":%llu,\"refused\":%llu", page_stats_span(span),
                    (unsigned long long)requests, (unsigned long long)refused);
    page_stats_reasons(out, reasons, request_refusal_count(), page_stats_refusal_name);
    text_out_add(out, "}");
}

/* --- connections on which no request came --- */

static const char *unserved_name(size_t i)
{
    return weir_unserved_name((enum weir_unserved)i);
}

static void unserved_window(struct text_out *out, const struct snapshot *s, enum series_span span)
{
    const uint64_t *numbers = s->unserved.last[span].numbers;
    uint64_t count = 0;

    for (size_t i = 0; i < WEIR_UNSERVED_WAYS; i++)
        count += numbers[i];
    text_out_printf(out, ",\"%s\":{\"count\":%llu", page_stats_span(span), (unsigned long long)count);
    page_stats_reasons(out, numbers, WEIR_UNSERVED_WAYS, unserved_name);
    text_out_add(out, "}");
}

static void clients(struct text_out *out, const struct snapshot *s)
{
    const char *before = "";

    for (size_t i = 0; i < s->client_count && i < CLIENTS_SHOWN; i++) {
        const struct snapshot_client *client = &s->clients[i];
        if (client->half_sent <= 0 && client->last[LAST_60S] == 0)
            break;
        text_out_printf(out, "%s{\"address\":", before);
        before = ",";
        text_out_json(out, client->address);
        text_out_printf(out, ",\"half_sent\":%d,\"last_10s\":%llu,\"last_60s\":%llu", client->half_sent,
                        (unsigned long long)client->last[LAST_10S],
                        (unsigned long long)client->last[LAST_60S]);
        page_stats_reasons(out, client->ended, WEIR_UNSERVED_WAYS, unserved_name);
        text_out_add(out, "}");
    }
}

static void unserved(struct text_out *out, const struct snapshot *s)
{
    text_out_add(out, ",\"unserved\":{\"fresh\":");
    text_out_number(out, s->runs, s->server.fresh);
    text_out_add(out, ",\"half_sent\":");
    text_out_number(out, s->runs, s->server.half_sent);
    unserved_window(out, s, LAST_10S);
    unserved_window(out, s, LAST_60S);
    text_out_add(out, ",\"clients\":[");
    clients(out, s);
    text_out_add(out, "]}");
}

/* --- the whole --- */

static size_t tasks(const struct snapshot *s)
{
    size_t count = 0;

    for (size_t i = 0; i < s->loop_count; i++)
        count += s->loops[i].tasks;
    return count;
}

static void gateway(struct text_out *out, const struct snapshot *s)
{
    text_out_printf(out, "\"version\":\"%s\",\"uptime_s\":%.3f,\"draining\":%s", weir_version(),
                    (double)weir_between(s->started, s->at).ns / 1e9, s->draining ? "true" : "false");
    if (s->processes_silent > 0)
        text_out_printf(out, ",\"processes_silent\":%zu", s->processes_silent);
    text_out_add(out, ",\"connections\":");
    text_out_number(out, s->runs, s->server.connections);
    text_out_add(out, ",\"exchanges\":");
    text_out_number(out, s->runs, s->server.exchanges);
    text_out_add(out, ",\"tasks\":");
    text_out_number(out, s->runs, (double)tasks(s));
}

void page_stats_write(struct text_out *out, const struct snapshot *s)
{
    text_out_add(out, "{");
    gateway(out, s);
    text_out_add(out, ",\"refused\":{");
    refused_window(out, s, LAST_10S);
    text_out_add(out, ",");
    refused_window(out, s, LAST_60S);
    text_out_add(out, "}");
    unserved(out, s);
    text_out_add(out, ",\"routes\":[");
    page_stats_routes(out, s);
    text_out_add(out, "],\"origins\":[");
    page_stats_origins(out, s);
    text_out_add(out, "],\"backends\":[");
    page_stats_backends(out, s);
    text_out_add(out, "],\"apps\":[");
    page_stats_apps(out, s);
    text_out_add(out, "],\"tls\":[");
    page_stats_tls(out, s);
    text_out_add(out, "],\"loops\":[");
    page_stats_loops(out, s);
    text_out_add(out, "],\"pools\":[");
    page_stats_pools(out, s);
    text_out_add(out, "]}\n");
}
