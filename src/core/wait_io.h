/* SPDX-License-Identifier: MIT */
/* The wait of a task for one operation of the kernel seam.
 *
 * Threading: as a task: its loop's thread.
 */
#ifndef WEIR__WAIT_IO_H
#define WEIR__WAIT_IO_H

#include <stdbool.h>

#include "io/io.h"

struct weir__task;
struct weir__wait_class;

/* Lies on the stack of the task that waits. */
struct weir__io_wait {
    struct weir__io_op op; /* the caller fills file, kind and the operands */
    struct weir__task *task;
    bool cancelled; /* by the scope */
    bool closing;   /* the file was being closed when op ended; the file may be gone by now */
    bool stopped;   /* by weir__io_wait_stop() */
};

/* Submits w->op and parks until it has ended; a cancel of the scope asks it to end. So no buffer in it is the
 * kernel's when this returns.
 * Returns: the result of the operation, also when it won against a cancel; -WEIR_ECLOSED when the file's
 * closing or weir__io_wait_stop() ended it; the scope's cause when that did, or when the scope was cancelled
 * before: then nothing was submitted. */
int weir__io_wait(struct weir__io_wait *w, const struct weir__wait_class *kind)
    __attribute__((warn_unused_result));

/* Has the wait end soon, as if the file were closed, unless the operation wins; and each further one with
 * this w, too. Also before it has begun. From another task or the loop's own stack. */
void weir__io_wait_stop(struct weir__io_wait *w);

/* Closes a file and waits for it, whatever the scope says. */
void weir__io_wait_close(struct weir__io_file *file);

#endif
