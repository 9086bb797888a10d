/* SPDX-License-Identifier: MIT */
/* The stalls of applications: the places where their processes were held, with counts, as /stalls shows them
 * and the log tells them.
 *
 * Threading: belongs to the task that keeps them; nothing waits.
 */
#ifndef APP_APPS_APP_STALLS_H
#define APP_APPS_APP_STALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "apps/app_held.h"
#include "apps/app_stack.h"
#include "apps/block.h"
#include "config/app.h"
#include "text/text_out.h"

enum { APP_STALLS_KEPT = 64, APP_TEXT_BYTES = CONFIG_APP_NAME_BYTES + 16 };

/* A time that a process was held. */
struct app_stall {
    char app[CONFIG_APP_NAME_BYTES + 1];
    unsigned number; /* shop[3] */
    pid_t pid;
    enum app_held how;
    char request[APP_REQUEST_BYTES]; /* that was given to the process last; "": not known */
    int others;                      /* requests that were in progress beside it */
    struct app_stack stack;          /* depth 0: the application has no helper, or it did not answer */
    int64_t held_ns;
    uint64_t late; /* requests that waited for a place meanwhile, or were in progress beside it */
    bool ongoing;
    int64_t at_ns; /* when it began; of the wall clock */
};

struct app_stalls;

WEIR_CHECKED int app_stalls_new(struct app_stalls **out);
void app_stalls_free(struct app_stalls *s);

/* Notes a stall as it is found, or as it lasts, with ongoing; and once more as it has ended. Stalls of the
 * same application, kind and culprit are one place. *id is 0 for a new stall, and is set.
 * Returns: whether a line of the log is due: lines about a place become fewer as they repeat. */
bool app_stalls_note(struct app_stalls *s, const struct app_stall *stall, uint64_t *id);

/* Writes a stall as a sentence: "GET /report held 412 ms by app.py:11 regex in shop[3] (computing), 37
 * requests late by it". Returns: out. */
enum { APP_STALL_TEXT_BYTES = 768 };
const char *app_stall_text(const struct app_stall *stall, char out[APP_STALL_TEXT_BYTES]);

/* Writes the line of the log. */
void app_stall_log(const struct app_stall *stall);

/* Writes JSON objects with commas between, the latest first: members of the page /stalls. */
void app_stalls_write(const struct app_stalls *s, struct text_out *out);

/* Calls fn for the sums of each application and kind. */
void app_stalls_totals_each(const struct app_stalls *s,
                            void (*fn)(void *arg, const char *app, const char *kind, uint64_t count,
                                       int64_t held_ns),
                            void *arg);

#endif
