/* SPDX-License-Identifier: MIT */
/* What a process of an application writes to stdout and stderr: lines of the log, as long as they are not too
 * many. Whoever writes a flood is not held, nor is the log: what is too much is dropped and counted.
 *
 * Threading: tasks of the supervisor's loop.
 */
#ifndef APP_SUPERVISOR_APP_LINES_H
#define APP_SUPERVISOR_APP_LINES_H

#include <stdint.h>

#include <weir/time.h>

#include "apps/block.h"

enum {
    APP_LINES_BYTES_A_SECOND = 256 << 10, /* that are logged, for a long time */
    APP_LINES_BYTES_AT_ONCE = 1 << 20,
    APP_LINE_COST = 64 /* of a line beside its bytes */
};

struct app_lines {
    const char *app; /* lent */
    unsigned number; /* of the process */
    char last[APP_LINE_BYTES];
    int64_t room;                     /* bytes that may be logged now */
    weir_instant counted, dropped_at; /* the first of those not told yet */
    uint64_t dropped;                 /* lines, not told yet */
    uint64_t dropped_all;             /* ever */
};

void app_lines_open(struct app_lines *lines, const char *app, unsigned number);

/* Takes a line, without its newline. */
void app_lines_add(struct app_lines *lines, const char *line, size_t length);

/* Logs how many lines were dropped in the last second or longer, if any were. To be called now and then: no
 * further line may come. */
void app_lines_tell(struct app_lines *lines);

/* Logs how many lines were dropped that no line has told of yet. */
void app_lines_close(struct app_lines *lines);

#endif
