/* SPDX-License-Identifier: MIT */
/* The applications of a snapshot: what this gateway process, or all together, ask of each.
 *
 * Threading: as snapshot.h.
 */
#ifndef APP_METRICS_SNAPSHOT_APPS_H
#define APP_METRICS_SNAPSHOT_APPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apps/admission.h"
#include "config/app.h"
#include "metrics/series.h"
#include "metrics/snapshot_attempts.h"

/* The numbers beside the durations for which requests had a place. */
enum snapshot_app_number {
    APP_NUMBER_FAILED,
    APP_NUMBER_REFUSED, /* then as enum app_refusal */
    APP_NUMBERS = APP_NUMBER_REFUSED + APP_REFUSALS
};

struct snapshot_app {
    const char *name;
    int in_flight, waiting;
    bool supervised;                   /* its supervisor has told the next two */
    size_t ready;                      /* processes that get requests */
    uint64_t deaths;                   /* ends of its processes that were not planned */
    struct series served;              /* by enum snapshot_app_number */
    struct series waited;              /* no numbers */
    struct snapshot_attempts attempts; /* none are counted where there are no second ones */
};

enum { SNAPSHOT_APP_LABEL_BYTES = CONFIG_APP_NAME_BYTES + sizeof "app " };

/* Of an application as a backend, in labels and for <weir/attempts.h>: "app NAME". Returns: out. */
const char *snapshot_app_label(const char *app, char out[SNAPSHOT_APP_LABEL_BYTES]);

/* Of the numbers of an application: all requests that were refused. */
static inline uint64_t snapshot_app_refused(const uint64_t *numbers)
{
    uint64_t sum = 0;

    for (int i = 0; i < APP_REFUSALS; i++)
        sum += numbers[APP_NUMBER_REFUSED + i];
    return sum;
}

#endif
