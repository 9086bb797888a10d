/* SPDX-License-Identifier: MIT */
#include <weir/version.h>

#include "admin/page_metrics_parts.h"

/* Connections on which no request came. */
static void unserved(struct exposition *e, const weir_server_stats *server)
{
    exposition_family(e, "weir_connections_without_request", "gauge",
                      "Connections that are open and have sent nothing yet, or a part of a request's head.");
    exposition_count(e, LABELS({"sent", "nothing"}), (uint64_t)server->fresh);
    exposition_count(e, LABELS({"sent", "half_head"}), (uint64_t)server->half_sent);
    exposition_family(e, "weir_connections_unserved_total", "counter",
                      "Connections that ended without a whole request, or in the middle of a further one.");
    for (int way = 0; way < WEIR_UNSERVED_WAYS; way++)
        exposition_count(e, LABELS({"reason", weir_unserved_name((enum weir_unserved)way)}),
                         server->unserved[way]);
}

/* The gateway processes of a supervisor. */
static void processes(struct exposition *e, const struct snapshot *s)
{
    exposition_family(e, "weir_processes", "gauge", "Gateway processes by state.");
    exposition_count(e, LABELS({"state", "starting"}), s->processes_starting);
    exposition_count(e, LABELS({"state", "ready"}), s->processes_ready);
    exposition_count(e, LABELS({"state", "draining"}), s->processes_draining);
    exposition_family(e, "weir_processes_silent", "gauge",
                      "Gateway processes that have not told their figures when they were asked.");
    exposition_count(e, NULL, s->processes_silent);
    exposition_family(e, "weir_process_restarts_total", "counter",
                      "Starts of a gateway process after an end that was not planned.");
    exposition_count(e, NULL, s->restarts);
}

void page_metrics_gateway(struct exposition *e, const struct snapshot *s)
{
    exposition_family(e, "weir_build_info", "info", "1; the label is the version.");
    exposition_count(e, LABELS({"version", weir_version()}), 1);
    exposition_family(e, "weir_ready", "gauge",
                      "Whether requests are accepted: 0 while starting and draining.");
    exposition_count(e, NULL, s->ready);
    exposition_family(e, "weir_log_dropped_total", "counter",
                      "Lines of a log that were dropped: its reader is too slow or gone, or the disk full.");
    exposition_count(e, LABELS({"log", "main"}), s->log_dropped);
    exposition_count(e, LABELS({"log", "access"}), s->access_log_dropped);
    if (s->supervised)
        processes(e, s);
    if (!s->runs)
        return;
    exposition_family(e, "weir_connections", "gauge", "Connections of clients that are open.");
    exposition_count(e, NULL, (uint64_t)s->server.connections);
    exposition_family(e, "weir_connections_accepted_total", "counter", "Connections that were accepted.");
    exposition_count(e, NULL, s->server.accepted);
    exposition_family(
        e, "weir_connections_turned_away_total", "counter",
        "Connections closed, with 503 or without an answer, because there was no memory for a request.");
    exposition_count(e, NULL, s->server.turned_away);
    exposition_family(e, "weir_exchanges", "gauge", "Requests in progress.");
    exposition_count(e, NULL, (uint64_t)s->server.exchanges);
    unserved(e, &s->server);
}

/* --- the process, by the names that are usual --- */

static void process_stat(struct exposition *e, const struct process_stats *p)
{
    exposition_family(e, "process_cpu_seconds_total", "counter", "CPU time of all threads.");
    exposition_value(e, NULL, p->cpu_seconds);
    exposition_family(e, "process_start_time_seconds", "gauge",
                      "Start of the process, in seconds since 1970.");
    exposition_value(e, NULL, p->started);
    exposition_family(e, "process_virtual_memory_bytes", "gauge", "Virtual memory.");
    exposition_count(e, NULL, p->virtual_bytes);
    exposition_family(e, "process_resident_memory_bytes", "gauge", "Resident memory.");
    exposition_count(e, NULL, p->resident_bytes);
    exposition_family(e, "process_threads", "gauge", "Threads of the process.");
    exposition_count(e, NULL, p->threads);
}

void page_metrics_process(struct exposition *e, const struct process_stats *p)
{
    if (p->has_stat)
        process_stat(e, p);
    if (p->open_fds >= 0) {
        exposition_family(e, "process_open_fds", "gauge", "Open descriptors.");
        exposition_count(e, NULL, (uint64_t)p->open_fds);
    }
    if (p->max_fds >= 0) {
        exposition_family(e, "process_max_fds", "gauge", "Descriptors that may be open.");
        exposition_count(e, NULL, (uint64_t)p->max_fds);
    }
}
