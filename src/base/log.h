/* SPDX-License-Identifier: MIT */
/* A logger: the level from which lines are written, and their form.
 *
 * Threading: a logger is set up once and then only read, by any thread.
 */
#ifndef WEIR_BASE_LOG_H
#define WEIR_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/log.h>

#include "base/clock.h"

struct weir__log_writer;

struct weir__logger {
    enum weir_log_level level; /* lines below it are dropped */
    bool json;
    bool colour;                     /* the output is a terminal and NO_COLOR is not set */
    bool local_time;                 /* short local times, for a terminal; else RFC 3339 in UTC */
    int64_t local_offset_s;          /* read once: reading time zones at each line would open files */
    int64_t (*wall_ns)(void);        /* weir__clock_wall_ns() but in tests */
    struct weir__log_writer *writer; /* of its lines; NULL: the process's, to stderr */
};

/* The second that was last written as text; all zero at first. Each thread has its own. */
struct weir__log_second {
    int64_t began_ns; /* by the wall clock */
    bool local;
    size_t length; /* of the text, up to the point before the milliseconds; 0: none was written */
    char text[WEIR__CLOCK_TEXT_MAX];
};

/* Returns: the effective level: 0 is info. */
static inline enum weir_log_level weir__log_level(enum weir_log_level level)
{
    return level < WEIR_LOG_DEBUG || level > WEIR_LOG_ERROR ? WEIR_LOG_INFO : level;
}

/* Sets a logger up. fd decides on colours and the form of the time; it stays the caller's. -1: lines go to no
 * descriptor. */
void weir__logger_init(struct weir__logger *l, int fd, enum weir_log_level level, bool json);

/* Renders one line with its newline into out, at most room bytes (>= 128). A line that does not fit is cut
 * and ends in "…" (a key "cut":true in JSON, which stays valid). Returns: its length. */
size_t weir__logger_render(const struct weir__logger *l, struct weir__log_second *second, char *out,
                           size_t room, enum weir_log_level level, const char *message, const weir_kv *kvs,
                           size_t n);

#endif
