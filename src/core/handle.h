/* SPDX-License-Identifier: MIT */
/* Handles: what a program opens on a loop and closes again: streams, listeners, descriptors, channels,
 * mailboxes, clients.
 *
 * A handle knows its loop, so that a public function checks its caller by one compare (core/misuse.h). It
 * knows the code that opened it, for the report of what is still open when weir_run() returns. The memory of
 * the latest closed handles of a loop is kept, so that the use of a closed one is recognised.
 *
 * Threading: the loop's thread.
 */
#ifndef WEIR__CORE_HANDLE_H
#define WEIR__CORE_HANDLE_H

#include "core/handle_record.h"

void weir__handles_init(struct weir__handles *handles);

/* Logs what is open, and begins to close it. The loop is the thread's, and has no tasks any more. */
void weir__handles_end(struct weir__loop *loop);

/* Goes on with closing after a turn of the loop. Returns: whether more turns are needed. */
bool weir__handles_are_ending(struct weir__loop *loop);

/* Frees the closed handles that were kept. */
void weir__handles_forget(struct weir__loop *loop);

/* Makes a handle of the loop of this thread. */
void weir__handle_open(struct weir__handle *h, const struct weir__handle_type *type, const void *opened_at);

/* From now on a use of the handle is a mistake. */
void weir__handle_close(struct weir__handle *h);

/* Gives up the memory of a closed handle: type->free() is called later. */
void weir__handle_free(struct weir__handle *h);

#endif
