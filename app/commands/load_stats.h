/* SPDX-License-Identifier: MIT */
/* What a load run has measured, and how it is shown. No I/O.
 *
 * Threading: belongs to the task or thread that records.
 */
#ifndef APP_COMMANDS_LOAD_STATS_H
#define APP_COMMANDS_LOAD_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/buffer.h>
#include <weir/histogram.h>
#include <weir/time.h>

enum { LOAD_ERRORS_MAX = 24, LOAD_TIMED_MAX = 8, LOAD_STATUS_FIRST = 100, LOAD_STATUS_END = 600 };

struct load_error {
    int err;
    uint64_t count;
};

/* The answers of one status by themselves: a refusal takes another time than what was done. */
struct load_timed {
    int status;
    weir_histogram latency;
};

struct load_stats {
    uint64_t planned, sent, answered, failed;
    uint64_t unfinished; /* under way when the run was interrupted */
    uint64_t bytes;      /* of the bodies that came */
    uint64_t status[LOAD_STATUS_END - LOAD_STATUS_FIRST];
    struct load_error error[LOAD_ERRORS_MAX]; /* ended by err 0 */
    weir_duration took;                       /* from the first intended start to the last end */
    weir_histogram latency;                   /* of whole answers, from the intended start */
    struct load_timed timed[LOAD_TIMED_MAX];  /* the same by status, of the first that came; ended by 0 */
    weir_histogram late;                      /* from the intended start to the real one */
};

/* What was asked for, for the report. */
struct load_plan {
    double rate;
    weir_duration length;
    int connections;
};

void load_stats_init(struct load_stats *stats);

/* One whole answer, of whatever status. */
void load_stats_answer(struct load_stats *stats, int status, uint64_t bytes, weir_duration latency);

/* One request without an answer. */
void load_stats_error(struct load_stats *stats, int err);

/* Requests whose time came while every connection was busy, and which were then not sent. */
uint64_t load_stats_unsent(const struct load_stats *stats);

/* The upper ends of the histogram's rows: 1, 2, 5, 10 … of a unit, in ns.
 * Returns: the row's end; row 0 is 10 us.
 */
weir_duration load_row_end(unsigned row);

/* For people.
 * Returns: 0, -WEIR_ETOOLARGE, -ENOMEM.
 */
WEIR_CHECKED int load_stats_text(const struct load_stats *stats, const struct load_plan *plan,
                                 weir_buffer *out);

/* For programs: one JSON object and a newline. Returns: as load_stats_text(). */
WEIR_CHECKED int load_stats_json(const struct load_stats *stats, const struct load_plan *plan,
                                 weir_buffer *out);

/* One line on how it goes, without its end. Returns: as load_stats_text(). */
WEIR_CHECKED int load_stats_progress(const struct load_stats *stats, weir_duration since, weir_buffer *out);

#endif
