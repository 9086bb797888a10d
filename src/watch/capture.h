/* SPDX-License-Identifier: MIT */
/* Where a loop's thread is, seen by another: its registers and the live part of its stack.
 *
 * Of a thread that runs its own signal handler takes them (SIGURG, whose default is to be ignored, so that
 * one which comes too late does no harm). Of one that is asleep in the kernel they are taken from outside: a
 * signal would end its call.
 *
 * Threading: a capture belongs to who looks, but for what is said to be the handler's, which is handed to and
 * fro by `state`.
 */
#ifndef WEIR__WATCH_CAPTURE_H
#define WEIR__WATCH_CAPTURE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <ucontext.h>

#include "core/peek.h"
#include "symbols/symbols.h"

struct weir__loop;

struct weir__capture {
    atomic_int state;
    struct weir__loop *loop;
    pid_t tid;
    uintptr_t stack_end; /* of the thread's own stack; 0: not known */
    /* the handler's, from WANTED to TAKEN */
    ucontext_t context;
    _Atomic uint32_t *runner; /* whose slice it found, as in the heartbeat */
    uint32_t run;
    uintptr_t low; /* where the first byte of the copy was */
    size_t count;
    char *stack; /* the copy; as much as fits, from the stack pointer up */
    size_t room;
};

enum { WEIR__CAPTURE_BYTES_MAX = 1 << 20 };

/* For the loop of the calling thread, whose stacks have so many bytes.
 * Returns: 0; -ENOMEM. */
int weir__capture_open(struct weir__capture *c, struct weir__loop *loop, uintptr_t stack_end,
                       size_t stack_bytes) __attribute__((warn_unused_result));
void weir__capture_close(struct weir__capture *c);

/* The handler, for all captures of the process. Returns: 0; a negative errno. */
int weir__capture_catch(void) __attribute__((warn_unused_result));
void weir__capture_uncatch(void);

/* Asks a running thread for its registers, waits so long at most. Returns: whether they are here; if not,
 * this may be called again, or weir__capture_cancel(). */
bool weir__capture_running(struct weir__capture *c, int64_t wait_ns, struct weir__registers *out);
/* It has been asked, and has not answered yet. */
bool weir__capture_is_asked(struct weir__capture *c);
/* Nothing is asked of it any more. */
void weir__capture_cancel(struct weir__capture *c);

/* Copies the stack of a thread that is asleep there. Nothing may be asked of it at the time. */
bool weir__capture_sleeper(struct weir__capture *c, const struct weir__peek *peek, uintptr_t sp);

#endif
