/* SPDX-License-Identifier: MIT */
/* The one who writes the log: a thread of its own, so that nobody else ever waits for whoever reads it. It is
 * the process's, as stderr is, and runs while any runtime does.
 *
 * It sleeps until somebody has put a line, and then looks every few milliseconds for as long as there are
 * more: a line costs its thread no system call, and many go out in one. To what is no file it writes whole
 * lines, at most PIPE_BUF bytes at once, so that lines of several processes stay whole in one pipe. What
 * can't be written is counted and told of in one line when it goes on.
 *
 * Threading: one begins and ends it, under a lock of its caller's; any thread puts.
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
    WEIR__LOG_ENDS, /* is to end as soon as everything is written */
    WEIR__LOG_OVER, /* nothing more is taken; the thread returns */
};

struct weir__log_writer {
    int fd;
    atomic_int life;        /* enum weir__log_life; lines are put only while it runs or ends */
    atomic_int bell;        /* whether it sleeps, and how; see log_writer.c */
    atomic_int asked, done; /* how often it was asked to write everything, and had then */
    _Atomic(struct weir__log_ring *) added; /* rings it has not seen yet */
    struct weir__lock shared_lock;
    struct weir__log_ring *shared; /* for who has none of its own */
    atomic_uint_fast64_t dropped;  /* lines */
    pthread_t thread;
    /* the thread's own */
    struct weir__log_ring *rings;
    struct weir__logger logger; /* how it tells of dropped lines */
    uint64_t reported;          /* of the dropped ones */
    int64_t report_after_ns;
    unsigned behind;  /* how often it has not caught up while there was something to tell */
    bool writes_well; /* the latest write did what it should */
    bool mid_line;    /* of the latest line only a part could be written */
};

/* Starts it, or keeps one that could not end. Returns: 0; -ENOMEM, -EAGAIN. */
int weir__log_writer_begin(struct weir__log_writer *w, const struct weir__logger *logger)
    __attribute__((warn_unused_result));

/* Gives it so long to write everything, and then goes on without it: it ends when it can.
 * Returns: true: it has ended. */
bool weir__log_writer_end(struct weir__log_writer *w, int64_t at_most_ns);

static inline bool weir__log_writer_runs(const struct weir__log_writer *w)
{
    int life = atomic_load_explicit(&w->life, memory_order_relaxed);

    return life == WEIR__LOG_RUNS || life == WEIR__LOG_ENDS;
}

/* Returns: a ring for this thread alone; NULL without memory. It is the writer's to free, once given back. */
struct weir__log_ring *weir__log_writer_ring(struct weir__log_writer *w, size_t bytes);

/* Puts a line into a ring of this thread's own, or into the shared one; or writes it directly, when there is
 * no writer any more. What does not fit is counted. */
void weir__log_writer_put(struct weir__log_writer *w, struct weir__log_ring *ring, const char *text,
                          size_t n);
void weir__log_writer_put_shared(struct weir__log_writer *w, const char *text, size_t n);

/* Waits until everything that was put before is written, at most so long; safe in a signal handler.
 * Returns: true: it is. */
bool weir__log_writer_flush(struct weir__log_writer *w, int64_t at_most_ns);

/* Only where there is no writer: writes on the calling thread, for at most a second where the descriptor does
 * not block, and counts what could not be written. SIGPIPE does not come of it. */
void weir__log_writer_write_directly(struct weir__log_writer *w, const char *text, size_t n);

/* In the child of a fork(): there is no writer, and what lies in the rings is the parent's. */
void weir__log_writer_forget(struct weir__log_writer *w);

#endif
