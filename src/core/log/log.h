/* SPDX-License-Identifier: MIT */
/* The log: while a runtime runs, lines go into a ring of their thread, from which the writer takes them
 * (log_writer.h); else they are written directly.
 *
 * Threading: any thread. What a thread has entered holds for itself.
 */
#ifndef WEIR__LOG_H
#define WEIR__LOG_H

#include <stddef.h>

#include "base/log.h"

struct weir__log_part;
struct weir__log_ring;
struct weir__log_writer;

/* The logger and ring of a thread. */
struct weir__log_here {
    const struct weir__logger *logger; /* NULL: see weir_log_configure() */
    struct weir__log_ring *ring;       /* made at the thread's first line */
    size_t ring_bytes;                 /* 0: the thread shares one with others */
    struct weir__log_second second;
    struct weir__log_part *parts; /* its rings of logs in files */
};

/* The sizes of rings: of loops, which write most, and of workers. All other threads share one. */
enum { WEIR__LOG_LOOP_BYTES = 1 << 20, WEIR__LOG_WORKER_BYTES = 64 << 10 };

/* Enters a logger for this thread, which is lent until the thread leaves. Returns: the state before, to leave
 * with; the thread's ring goes back then. */
struct weir__log_here weir__log_enter(const struct weir__logger *logger, size_t ring_bytes);
void weir__log_leave(const struct weir__log_here *before);

void weir__log_write(const struct weir__logger *l, enum weir_log_level level, const char *message,
                     const weir_kv *kvs, size_t n);

/* For a terminal: writes the line of the message, and below it lines that are ready as they are, in one
 * piece. What is beyond half of WEIR_LOG_LINE_MAX is cut. */
void weir__log_write_lines(const struct weir__logger *l, enum weir_log_level level, const char *message,
                           const char *more);

/* Starts the writer with the first runtime of the process, which is not to be a simulation: no thread of ours
 * takes part in one. logger: how dropped lines are reported; copied. Returns: 0; -ENOMEM, -EAGAIN. */
int weir__log_runtime_begins(const struct weir__logger *logger) __attribute__((warn_unused_result));

/* Ends the writer with the last runtime: it has a second to write what there is, and is left behind then. */
void weir__log_runtime_ends(void);

/* Makes a writer for one runtime, to a descriptor, which is duplicated, or to a sink, and names it in the
 * logger. runs: with a thread; else lines are written by the threads that log.
 * Returns: 0; -EBADF, -EMFILE, -ENOMEM, -EAGAIN; -WEIR_EBUSY too many runtimes have one. */
int weir__log_writer_open(struct weir__logger *logger, int fd,
                          void (*sink)(void *arg, enum weir_log_level level, const char *line, size_t length),
                          void *sink_arg, bool runs) __attribute__((warn_unused_result));

/* Writes what there is and ends the writer of a runtime or of a file: for a descriptor within a second, for a
 * sink when the last call has returned.
 * Returns: false: its thread is held by the descriptor, and left behind with what it uses. */
bool weir__log_writer_close(struct weir__log_writer *w);

/* Makes a writer to a descriptor, which it closes, also after an error. Dropped lines are told in the log
 * under its name, which is lent. Returns: as weir__log_writer_open(). */
int weir__log_writer_open_file(const struct weir__logger *logger, int fd, const char *name,
                               struct weir__log_writer **out) __attribute__((warn_unused_result));

/* Writes a line to a writer of a file, in the form of its logger. */
void weir__log_write_to(struct weir__log_writer *w, enum weir_log_level level, const char *message,
                        const weir_kv *kvs, size_t n);

#endif
