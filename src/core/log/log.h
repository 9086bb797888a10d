/* SPDX-License-Identifier: MIT */
/* Where lines go: while a runtime runs into a ring of their thread, from which the writer takes them
 * (log_writer.h); else straight out.
 *
 * Threading: any thread. What a thread has entered holds for itself.
 */
#ifndef WEIR__LOG_H
#define WEIR__LOG_H

#include <stddef.h>

#include "base/log.h"

struct weir__log_ring;

/* What a thread writes by. */
struct weir__log_here {
    const struct weir__logger *logger; /* NULL: as weir_log_configure() says */
    struct weir__log_ring *ring;       /* made at its first line */
    size_t ring_bytes;                 /* 0: it shares one with others */
    struct weir__log_second second;
};

/* The sizes of rings: of loops, which write most, and of workers. All other threads share one. */
enum { WEIR__LOG_LOOP_BYTES = 1 << 20, WEIR__LOG_WORKER_BYTES = 64 << 10 };

/* From here on this thread's lines look as logger says, which is lent until it leaves. Returns: what was
 * before, to leave with; its ring goes back then. */
struct weir__log_here weir__log_enter(const struct weir__logger *logger, size_t ring_bytes);
void weir__log_leave(const struct weir__log_here *before);

void weir__log_write(const struct weir__logger *l, enum weir_log_level level, const char *message,
                     const weir_kv *kvs, size_t n);

/* For people at a terminal: the line of the message, and below it lines that are ready as they are, in one
 * piece; what is beyond half of WEIR_LOG_LINE_MAX is cut. */
void weir__log_write_lines(const struct weir__logger *l, enum weir_log_level level, const char *message,
                           const char *more);

/* Starts the writer with the first runtime of the process, which is not to be a simulation: no thread of ours
 * takes part in one. logger: how dropped lines are reported; copied. Returns: 0; -ENOMEM, -EAGAIN. */
int weir__log_runtime_begins(const struct weir__logger *logger) __attribute__((warn_unused_result));

/* Ends the writer with the last runtime: it has a second to write what there is, and is left behind then. */
void weir__log_runtime_ends(void);

#endif
