/* SPDX-License-Identifier: MIT */
/* Watches what applications do: which of their processes are held, for how long, where, and which requests
 * are late by that.
 *
 * A process that has requests and has ended none for half of stall_after is looked at in /proc, from then on
 * at each turn of the watch, by a job. What is not held between two looks, or ends a request, is left alone
 * again. A process that was held for stall_after is a stall: its helper is asked for the line, if it has one.
 *
 * Threading: tasks of the supervisor's loop.
 */
#ifndef APP_SUPERVISOR_APP_WATCH_H
#define APP_SUPERVISOR_APP_WATCH_H

#include <weir/scope.h>
#include <weir/shared.h>

#include "supervisor/apps.h"
#include "text/text_out.h"

struct app_watch;

/* Begins to watch the processes of apps, in a task of scope. Helpers find it in folder.
 * Owns:    apps and shared are lent until the scope is closed; *out is the caller's, to be closed after that.
 * Returns: 0; -ENOMEM; a negative errno of the socket of helpers. */
WEIR_CHECKED int app_watch_open(weir_scope *scope, const struct apps *apps, weir_shared *shared,
                                const char *folder, struct app_watch **out);

/* The scope has been closed. NULL does nothing. */
void app_watch_close(struct app_watch *watch);

/* Writes JSON objects with commas between: members of the page /stalls, the latest first. */
void app_watch_stalls_write(const struct app_watch *watch, struct text_out *out);

/* Writes JSON objects with commas between, one for each process that runs: members of the page /tasks. */
void app_watch_tasks_write(const struct app_watch *watch, struct text_out *out);

/* Calls fn for the sums of each application and kind. */
void app_watch_totals_each(const struct app_watch *watch,
                           void (*fn)(void *arg, const char *app, const char *kind, uint64_t count,
                                      int64_t held_ns),
                           void *arg);

#endif
