/* SPDX-License-Identifier: MIT */
/* The watch of one weir_run(): a thread that sleeps until the present slice of a loop would be a stall.
 *
 * Threading: opening and closing are for the thread that runs the loops. Each loop's own thread enters and
 * leaves. In between the watch looks at the loop from its own thread; the loop notices only the signal.
 *
 * No task is accused falsely. The watch reads the counter of a slice before and after each step, and stops
 * when the loop has moved on. Where the time of the slice went is decided from the kernel's accounting of the
 * thread (verdict.h).
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

/* True on the watch's own thread. */
extern __thread bool weir__watch_here __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Starts the watch, unless the options turn it off. Returns: 0; a negative errno. */
int weir__watch_open(struct weir_runtime *runtime) __attribute__((warn_unused_result));
void weir__watch_close(struct weir_runtime *runtime);

/* The watch looks at the loop of the calling thread from enter to leave. Without memory it does not. */
void weir__watch_enter(struct weir__loop *loop, const struct weir__thread *thread);
void weir__watch_leave(struct weir__loop *loop);

/* Takes the registers of a task that runs on a loop, and copies its stack to `bytes`. From any thread. A loop
 * that computes is interrupted for it; one asleep in a call is read from outside.
 * Returns: false: the task no longer runs, or does not get the CPU just now; there is no watch, or this is
 * its own thread. */
bool weir__watch_stack(struct weir_runtime *runtime, int loop, const struct weir__task *task, uint64_t id,
                       struct weir__registers *registers, struct weir__stack_copy *copy, char *bytes,
                       size_t room);

#endif
