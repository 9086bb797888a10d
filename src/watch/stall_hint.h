/* SPDX-License-Identifier: MIT */
/* The culprit among the frames of a stall, and a hint on what to write there instead.
 *
 * Threading: pure functions, except that the type of a descriptor of the process is read.
 */
#ifndef WEIR__WATCH_STALL_HINT_H
#define WEIR__WATCH_STALL_HINT_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/watch.h>

#include "watch/thread_state.h"

/* Finds the frame of the program: the innermost that is neither in a library of the system nor Weir's own.
 * is_system: for each frame. Returns: its index; 0: there is none. */
size_t weir__stall_user_frame(const weir_frame *frames, const bool *is_system, size_t count);

/* Writes the hint. state: of a blocked thread; otherwise ignored. Returns: false: there is no hint. */
bool weir__stall_hint(enum weir_stall_type kind, const weir_frame *frames, size_t count, size_t user_frame,
                      const struct weir__thread_state *state, char *out, size_t room);

#endif
