/* SPDX-License-Identifier: MIT */
/* A capture of a loop's thread, by another thread: its registers and the live part of its stack.
 *
 * A thread that runs takes them itself, in a signal handler. (SIGURG: it is ignored by default, so a signal
 * that comes too late does no harm.) Of a thread that sleeps in the kernel they are read from outside,
 * because a signal would end its call.
 *
 * Threading: a capture belongs to the looking thread. `state` hands the fields of the handler over to the
 * handler, and back.
 */
#ifndef WEIR__WATCH_CAPTURE_H
#define WEIR__WATCH_CAPTURE_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <ucontext.h>

#include "core/peek.h"
#include "core/thread.h"
#include "symbols/symbols.h"

struct weir__loop;
struct weir__task;

enum { WEIR__CAPTURE_BYTES_MAX = 1 << 20, WEIR__CAPTURE_SIGNAL = SIGURG };

/* weir__capture.state */
enum {
    WEIR__CAPTURE_IDLE,
    WEIR__CAPTURE_WANTED, /* the thread has been asked */
    WEIR__CAPTURE_TAKING, /* the handler is at work */
    WEIR__CAPTURE_TAKEN,
};

/* For functions that run in the handler. Sanitizers leave them alone, because the handler reads all that lies
 * on the stack, and may interrupt a sanitizer. */
#define WEIR__CAPTURE_IN_HANDLER __attribute__((no_sanitize("address", "thread", "undefined"), noinline))

struct weir__capture {
    atomic_int state;
    struct weir__loop *loop;
    pid_t tid;
    struct weir__thread_stack own; /* of the thread */
    /* of the handler, from WANTED to TAKEN */
    ucontext_t context;
    _Atomic uint32_t *runner; /* with run: the slice that it interrupted, as in the heartbeat */
    uint32_t run;
    uintptr_t low; /* the address of the first byte of the copy */
    size_t count;
    char *stack; /* the copy: from the stack pointer up, as much as fits */
    size_t room;
};

/* Opens the capture of the calling thread's loop. own: the thread's own stack. stack_bytes: the size of a
 * task's stack.
 * Returns: 0; -ENOMEM. */
int weir__capture_open(struct weir__capture *c, struct weir__loop *loop, struct weir__thread_stack own,
                       size_t stack_bytes) __attribute__((warn_unused_result));
void weir__capture_close(struct weir__capture *c);

/* Asks a running thread for its registers, and waits for wait_ns at most.
 * Returns: whether they are there; if not, call this again, or weir__capture_cancel(). */
bool weir__capture_running(struct weir__capture *c, int64_t wait_ns, struct weir__registers *out);
/* Whether the thread has been asked. */
bool weir__capture_is_asked(struct weir__capture *c);
/* Withdraws what was asked, and drops an answer. */
void weir__capture_cancel(struct weir__capture *c);

/* Copies the stack of a thread that sleeps with this stack pointer. The thread must not have been asked. */
bool weir__capture_sleeper(struct weir__capture *c, const struct weir__peek *peek, uintptr_t sp);

/* Finds the live part of the stack with this stack pointer: the task's, or the thread's own (task NULL or the
 * scheduler).
 * Returns: false: sp is not in that one. The program has made a stack of its own; or it was interrupted
 * during a switch, when for some instructions the next task or the loop itself counts as running, and sp is
 * still in the stack before. */
bool weir__capture_bounds(const struct weir__capture *c, const struct weir__task *task, uintptr_t sp,
                          uintptr_t *low, uintptr_t *end);

/* --- capture_signal.c --- */

/* Installs the handler for all captures of the process. Each call that succeeds is undone by one uncatch.
 * Returns: 0; a negative errno. */
int weir__capture_catch(void) __attribute__((warn_unused_result));
void weir__capture_uncatch(void);

#endif
