/* SPDX-License-Identifier: MIT */
/* Admission to an application: whether a request may wait for a place, by what it has to expect.
 *
 * Threading: pure functions.
 */
#ifndef APP_APPS_ADMISSION_H
#define APP_APPS_ADMISSION_H

#include <stdint.h>

#include <weir/time.h>

/* Why a request got no place. */
enum app_refusal {
    APP_ADMITTED,
    APP_FULL,    /* as many requests wait as may: app.queue */
    APP_SLOW,    /* its wait would be longer than app.wait, with a margin */
    APP_LATE,    /* its wait would be longer than its deadline allows */
    APP_WAITED,  /* it has waited for app.wait */
    APP_UNREADY, /* the same, and no process was ready */
    APP_BROKEN,  /* no process gets ready */
    APP_REFUSALS
};

/* How much an application has to do. */
struct app_load {
    int waiting;        /* requests without a place */
    int places;         /* of all ready processes; 0: none is ready */
    int64_t service_ns; /* how long a request has a place; 0: not known yet */
};

/* The time until all requests that wait have had a place; 0: not known. */
weir_duration app_expected_wait(const struct app_load *load);

/* Decides on a request that has to wait. queue: requests that may. wait: at most. left: until its deadline.
 */
enum app_refusal app_admit(const struct app_load *load, int queue, weir_duration wait, weir_duration left);

/* When a refused request may come again: when those that wait now have had a place. At least a second. */
weir_duration app_retry_after(const struct app_load *load);

/* An average that follows slowly. old_ns 0: there is none yet. Never 0. */
int64_t app_service_follow(int64_t old_ns, int64_t took_ns);

/* A label: "full", "slow" … */
const char *app_refusal_name(enum app_refusal refusal);

#endif
