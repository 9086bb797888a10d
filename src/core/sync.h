/* SPDX-License-Identifier: MIT */
/* Waiting for a semaphore in words of one's own. Threading: as <weir/sync.h>, but for weir__sync_place(). */
#ifndef WEIR__SYNC_H
#define WEIR__SYNC_H

#include <weir/sync.h>

#include "core/wait.h"

/* weir_semaphore_acquire(), as a wait of this kind. */
int weir__semaphore_acquire(weir_semaphore *s, const struct weir__wait_class *wait_class) WEIR_CHECKED;

/* For the describe() of a kind of wait: which semaphore, mutex, event or channel the task waits for, and its
 * place in the queue there. Returns: its address; NULL: not to be had. */
const void *weir__sync_place(const struct weir__look *look, const struct weir__task *task,
                             struct weir__wait_words *out);

#endif
