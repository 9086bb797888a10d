/* SPDX-License-Identifier: MIT */
/* The measurements of a load run. load_report.h shows them. No I/O.
 *
 * Threading: belongs to the task or thread that records.
 */
#ifndef APP_COMMANDS_LOAD_STATS_H
#define APP_COMMANDS_LOAD_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/histogram.h>
#include <weir/time.h>

enum { LOAD_ERRORS_MAX = 24, LOAD_TIMED_MAX = 8, LOAD_STATUS_FIRST = 100, LOAD_STATUS_END = 600 };
enum { LOAD_WHY_BYTES = 256 };

struct load_error {
    int err;
    uint64_t count;
    char why[LOAD_WHY_BYTES]; /* what was wrong the first time, if more is known than err tells; else "" */
};

/* The answers of a status by themselves: a refusal takes another time than an answer that was computed. */
struct load_timed {
    int status;
    weir_histogram latency;
};

struct load_stats {
    uint64_t planned, sent, answered, failed;
    uint64_t unfinished; /* in progress when the run was interrupted */
    uint64_t bytes;      /* of the bodies that came */
    uint64_t status[LOAD_STATUS_END - LOAD_STATUS_FIRST];
    struct load_error error[LOAD_ERRORS_MAX]; /* ended by err 0 */
    weir_duration took;                       /* from the first intended start to the last end */
    weir_histogram latency;                   /* of whole answers, from the intended start */
    struct load_timed timed[LOAD_TIMED_MAX];  /* the same by status, of the first that came; ended by 0 */
    weir_histogram late;                      /* from the intended start to the real one */
    char refused[LOAD_WHY_BYTES];             /* why the run could not begin; "": what the code says */
};

/* The load that was asked for. */
struct load_plan {
    double rate;
    weir_duration length;
    int connections;
};

void load_stats_init(struct load_stats *stats);

/* Records a whole answer, of any status. */
void load_stats_answer(struct load_stats *stats, int status, uint64_t bytes, weir_duration latency);

/* Records a request without an answer. why: in words; or NULL. */
void load_stats_error(struct load_stats *stats, int err, const char *why);

/* The number of requests that were not sent, because every connection was busy when their time came. */
uint64_t load_stats_unsent(const struct load_stats *stats);

/* The upper end of a row of the histogram: 10 us for row 0, then 20 us, 50 us, 100 us … */
weir_duration load_row_end(unsigned row);

/* The rows that hold any duration: the first, and the end behind the last. */
void load_rows_find(const weir_histogram *h, unsigned *first, unsigned *end);

/* The durations in a row; the last row, end - 1, has all that are longer, too. */
uint64_t load_row_count(const weir_histogram *h, unsigned row, unsigned end);

double load_per_second(uint64_t count, weir_duration took);

#endif
