/* SPDX-License-Identifier: MIT */
/* The figures of several gateway processes as one snapshot, with windows of its own: what the collector is to
 * one process. It is filled from sums (sums.h) of the totals that the processes report.
 *
 * Threading: belongs to the supervisor's loop. A function with pause calls it now and then, and nothing else
 * here may be called meanwhile.
 */
#ifndef APP_METRICS_JOINED_H
#define APP_METRICS_JOINED_H

#include <weir/error.h>

#include "config/config.h"
#include "metrics/snapshot.h"
#include "metrics/sums.h"

struct joined;

/* What the supervisor knows of its processes. */
struct joined_processes {
    size_t ready, starting, draining;
    size_t silent; /* that have not answered */
    uint64_t restarts;
};

/* Owns:    config is lent until the next joined_configure(), or joined_close(). */
WEIR_CHECKED int joined_open(const struct config *config, struct joined **out);
/* NULL is nothing. */
void joined_close(struct joined *j);

/* Another configuration is in force. After an error the old one stays. */
WEIR_CHECKED int joined_configure(struct joined *j, const struct config *config);

/* For taking totals of processes. */
struct sums *joined_sums(struct joined *j);

void joined_set_processes(struct joined *j, const struct joined_processes *processes);

/* Adds up, and begins a new second of the windows if one is over. Called about once a second. */
void joined_add_up(struct joined *j, void (*pause)(void));

/* As collector_totals() and collector_windows(). Totals have routes, origins and backends that are gone, too.
 * Owns:    lent until anything else here is called. */
const struct snapshot *joined_totals(struct joined *j, void (*pause)(void));
const struct snapshot *joined_windows(struct joined *j, void (*pause)(void));

/* As collector_windows_and_outcomes(). Owns: likewise. */
const struct snapshot *joined_windows_and_outcomes(struct joined *j, void (*pause)(void));

/* Adds stalls of others to those of joined_totals(). kind: "computing" … */
void joined_add_stalls(struct joined *j, const char *route, const char *kind, uint64_t count,
                       int64_t held_ns);

/* Adds what the supervisor knows of an application to joined_totals(). */
void joined_set_app(struct joined *j, const char *app, size_t ready, uint64_t deaths);

#endif
