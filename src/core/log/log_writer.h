/* SPDX-License-Identifier: MIT */
/* The writer of the log: a thread of its own, so that no other thread waits for the reader of the log. The
 * writer to stderr belongs to the process, as stderr does, and runs while any runtime does; a runtime with a
 * descriptor or a sink of its own has a writer of its own, and so has a log in a file.
 *
 * It sleeps until a line has been put, and then looks every few milliseconds for as long as there are more: a
 * line costs its thread no system call, and many go out in one. To what is no file it writes whole lines, at
 * most PIPE_BUF bytes at once, so that lines of several processes stay whole in one pipe. Lines that can't be
 * written are counted and reported in one line when writing works again.
 *
 * Threading: one thread begins and ends it, under a lock of the caller's; any thread puts.
 */
#ifndef WEIR__LOG_WRITER_H
#define WEIR__LOG_WRITER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "base/log_ring.h"
#include "core/lock.h"

enum weir__log_life {
    WEIR__LOG_NOT_THERE,
    WEIR__LOG_RUNS,
    WEIR__LOG_ENDS, /* ends as soon as everything is written */
    WEIR__LOG_OVER, /* nothing more is taken; the thread returns */
};

struct weir__log_writer {
    int fd;
    atomic_int
        next; /* a descriptor + 1: it takes the place of fd once what was put before is written; 0: none */
    const char *name; /* of a log in a file: what it loses is told in the log; else NULL */
    /* Gets the lines instead of fd; or NULL. Lines for it are put with their level in front, a digit. */
    void (*sink)(void *arg, enum weir_log_level level, const char *line, size_t length);
    void *sink_arg;
    atomic_int life;        /* enum weir__log_life; lines are put only while it runs or ends */
    atomic_int bell;        /* whether the thread sleeps, and how; see log_writer.c */
    atomic_int asked, done; /* how many flushes were asked for, and are done */
    _Atomic(struct weir__log_ring *) added; /* rings the thread has not seen yet */
    struct weir__lock shared_lock;
    struct weir__log_ring *shared; /* for threads without a ring of their own */
    atomic_uint_fast64_t dropped;  /* lines */
    pthread_t thread;
    /* the thread's own */
    struct weir__log_ring *rings;
    struct weir__logger logger; /* the form of its own lines */
    uint64_t reported;          /* dropped lines that were reported */
    int64_t report_after_ns;
    unsigned behind;  /* how often it has not caught up while there was something to report */
    bool writes_well; /* the latest write succeeded */
    bool mid_line;    /* of the latest line only a part was written */
    int write_err;    /* of the latest write that failed */
    bool told;        /* that lines of a file are being dropped */
};

/* Starts the thread, or keeps one that could not end. Returns: 0; -ENOMEM, -EAGAIN. */
int weir__log_writer_begin(struct weir__log_writer *w, const struct weir__logger *logger)
    __attribute__((warn_unused_result));

/* Gives the thread so long to write everything (INT64_MAX: any time), and then leaves it behind: it ends when
 * it can.
 * Returns: true: it has ended. */
bool weir__log_writer_end(struct weir__log_writer *w, int64_t at_most_ns);

static inline bool weir__log_writer_runs(const struct weir__log_writer *w)
{
    int life = atomic_load_explicit(&w->life, memory_order_relaxed);

    return life == WEIR__LOG_RUNS || life == WEIR__LOG_ENDS;
}

/* Returns: a ring for this thread alone; NULL without memory. The writer frees it, once given back. */
struct weir__log_ring *weir__log_writer_ring(struct weir__log_writer *w, size_t bytes);

/* Puts a line into a ring of this thread's own, or into the shared one; or writes it directly, when there is
 * no writer any more. A line that does not fit is counted. */
void weir__log_writer_put(struct weir__log_writer *w, struct weir__log_ring *ring, const char *text,
                          size_t n);
void weir__log_writer_put_shared(struct weir__log_writer *w, const char *text, size_t n);

/* Has a descriptor, which is taken over, written to instead of the present one, as soon as everything that
 * was put before is written to that; closes it then. Any thread. */
void weir__log_writer_turn(struct weir__log_writer *w, int fd);

/* Waits until everything that was put before is written, at most so long. Safe in a signal handler.
 * Returns: true: it is written. */
bool weir__log_writer_flush(struct weir__log_writer *w, int64_t at_most_ns);

/* Writes on the calling thread where there is no writer, for at most a second where the descriptor does not
 * block, and counts what could not be written. Raises no SIGPIPE. */
void weir__log_writer_write_directly(struct weir__log_writer *w, const char *text, size_t n);

/* Resets the writer in the child of a fork(): there is no thread, and what lies in the rings is the parent's.
 */
void weir__log_writer_forget(struct weir__log_writer *w);

#endif
