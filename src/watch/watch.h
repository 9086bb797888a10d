/* SPDX-License-Identifier: MIT */
/* The watch of one weir_run(): a thread that sleeps until the slice that runs now would be a stall, on each
 * loop.
 *
 * Threading: opening and closing are for who runs the loops. A loop's thread enters and leaves; in between
 * the watch looks at it, and it knows nothing of it but when it is interrupted.
 *
 * It accuses nobody falsely: it looks at a slice's counter before and after everything it does, and lets go
 * when the loop has moved on; what the slice went into is judged by the kernel's books of the thread
 * (judge.h).
 */
#ifndef WEIR__WATCH_WATCH_H
#define WEIR__WATCH_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct weir_runtime;
struct weir__loop;
struct weir__registers;
struct weir__stack_copy;
struct weir__task;
struct weir__thread;

/* On the watch's own thread. */
extern __thread bool weir__watch_here __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Starts it, unless the options say that there is none. Returns: 0; a negative errno. */
int weir__watch_open(struct weir_runtime *runtime) __attribute__((warn_unused_result));
void weir__watch_close(struct weir_runtime *runtime);

/* The loop of the calling thread is looked at from here on, if it can be; and no longer when it leaves. */
void weir__watch_enter(struct weir__loop *loop, const struct weir__thread *thread);
void weir__watch_leave(struct weir__loop *loop);

/* Where the task is that runs on a loop: its registers, and in `bytes` a copy of its stack. Any thread; the
 * loop's is interrupted for it, or, when it is asleep in a call, looked at from outside.
 * Returns: false: it runs no more, or does not get the CPU just now; there is no watch, or this is its own
 * thread. */
bool weir__watch_stack(struct weir_runtime *runtime, int loop, const struct weir__task *task, uint64_t id,
                       struct weir__registers *registers, struct weir__stack_copy *copy, char *bytes,
                       size_t room);

#endif
