/* SPDX-License-Identifier: MIT */
/* Waiting for an event with a wait class of the caller's. Threading: as <weir/sync.h>, but for
 * weir__sync_place(). */
#ifndef WEIR__SYNC_H
#define WEIR__SYNC_H

#include <weir/sync.h>

#include "core/wait.h"

/* weir_event_wait() as a wait of this class. */
int weir__event_wait(weir_event *e, const struct weir__wait_class *wait_class) WEIR_CHECKED;

/* For the describe() of a wait class: finds the semaphore, mutex, event or channel that the task waits for,
 * and its place in the queue there. Returns: the address; NULL: unknown. */
const void *weir__sync_place(const struct weir__look *look, const struct weir__task *task,
                             struct weir__wait_words *out);

#endif
