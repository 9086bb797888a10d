/* SPDX-License-Identifier: MIT */
/* The start of one process, and its undoing.
 *
 * Threading: the starter's thread: all of it may block.
 */
#ifndef WEIR__PROCESS_LAUNCH_H
#define WEIR__PROCESS_LAUNCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <weir/process.h>

struct weir__launch {
    const weir_process_options *options; /* the copy */
    /* what came of it; descriptors are -1 when there is none */
    int err;
    pid_t pid;
    int pidfd;
    atomic_int begun; /* the child's number, once it runs: another thread may kill it then */
    int output[2];    /* to read stdout and stderr from */
    int64_t began_ns;
};

void weir__launch_init(struct weir__launch *launch, const weir_process_options *options);

/* Starts the process. stack: for the child, WEIR__CHILD_STACK_BYTES; NULL: no memory. commit() is called when
 * all is prepared; if it returns false, nothing is started. Descriptors are left open, also after an error.
 */
void weir__launch(struct weir__launch *launch, char *stack, bool (*commit)(struct weir__launch *launch));

/* Kills the child if it has begun: another process may have stopped it, or its folder not answer. Any thread,
 * until the descriptors are closed. */
void weir__launch_kill(const struct weir__launch *launch);

/* Kills what was started, waits for its end, and closes the descriptors. Harmless if nothing was. */
void weir__launch_undo(struct weir__launch *launch);

/* Closes the descriptors alone. */
void weir__launch_close(struct weir__launch *launch);

#endif
