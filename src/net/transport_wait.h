/* SPDX-License-Identifier: MIT */
/* The wait of a task for one operation of a transport.
 *
 * Threading: as a task: the thread of its loop.
 */
#ifndef WEIR__TRANSPORT_WAIT_H
#define WEIR__TRANSPORT_WAIT_H

#include "net/transport.h"

struct weir__task;
struct weir__wait_class;

/* Lies on the stack of the task that waits. All zero before its first use. */
struct weir__transport_wait {
    struct weir__io_op op; /* the caller fills type and the operands */
    struct weir__transport *transport;
    struct weir__task *task;
    bool cancelled; /* by the scope */
    bool stopped;   /* by weir__transport_wait_stop() */
};

/* Submits w->op to w->transport and parks the task until it has ended; a cancel of the scope asks the
 * operation to end. So the transport has let go of every buffer when this returns.
 * Returns: the result of the operation, also when it won against a cancel; -WEIR_ECLOSED when the close of
 * the transport or weir__transport_wait_stop() ended it; the scope's cause when that did, or when the scope
 * was cancelled before: then nothing was submitted. */
int weir__transport_wait(struct weir__transport_wait *w,
                         const struct weir__wait_class *wait_class) WEIR_CHECKED;

/* Ends the wait soon, as a close would, unless the operation wins; so does every further wait with this w.
 * May be called before the wait begins. For another task, or the loop's own stack. */
void weir__transport_wait_stop(struct weir__transport_wait *w);

/* Closes a transport and waits until that has been done, whatever the scope says. */
void weir__transport_wait_close(struct weir__transport *t);

#endif
