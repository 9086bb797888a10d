/* SPDX-License-Identifier: MIT */
/* The logger behind weir_log(): where lines go, from which level on, and how they look.
 *
 * Threading: a logger is set up once and then only read, so any thread may write through it; one write(2) per
 * line keeps lines whole.
 */
#ifndef WEIR_BASE_LOG_H
#define WEIR_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/log.h>

struct weir__logger {
    int fd;
    enum weir_log_level level; /* lines below it are dropped */
    bool json;
    bool colour;              /* fd is a terminal and NO_COLOR is not set */
    bool local_time;          /* short local times, for people at a terminal; else RFC 3339 in UTC */
    int64_t local_offset_s;   /* looked up once: reading time zones at each line would open files */
    int64_t (*wall_ns)(void); /* weir__clock_wall_ns() but in tests */
};

/* Looks at fd to choose colours and the form of the time; fd stays the caller's. */
void weir__logger_init(struct weir__logger *l, int fd, enum weir_log_level level, bool json);

void weir__logger_write(const struct weir__logger *l, enum weir_log_level level, const char *message,
                        const weir_kv *kvs, size_t n);

/* For people at a terminal: the line of the message, and below it lines that are ready as they are, in one
 * write; what is beyond half of WEIR_LOG_LINE_MAX is cut. */
void weir__logger_write_lines(const struct weir__logger *l, enum weir_log_level level, const char *message,
                              const char *more);

/* Renders one line with its newline into out, at most room bytes (>= 128), and returns its length. What does
 * not fit is cut and the line ends in "…" (a key "cut":true in JSON, which stays valid). */
size_t weir__logger_render(const struct weir__logger *l, char *out, size_t room, enum weir_log_level level,
                           const char *message, const weir_kv *kvs, size_t n);

/* The logger that weir_log() writes to; implemented by core, which knows the current runtime. NULL drops
 * lines. */
struct weir__logger *weir__logger_current(void);

#endif
