/* SPDX-License-Identifier: MIT */
/* Whose fault a stall is, among the functions of its stack, and what to write there instead.
 *
 * Threading: pure, but for a look at a descriptor of the process.
 */
#ifndef WEIR__WATCH_STALL_HINT_H
#define WEIR__WATCH_STALL_HINT_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/watch.h>

#include "watch/thread_state.h"

/* The function that the writer of the program has to do with: the innermost that is in no library of the
 * system and not Weir's own. is_system: for each frame. Returns: its index; 0 when there is none. */
size_t weir__stall_user_frame(const weir_frame *frames, const bool *is_system, size_t count);

/* Writes what to do instead. where: of one that was blocked; else ignored. False: there is nothing to say. */
bool weir__stall_hint(enum weir_stall_kind kind, const weir_frame *frames, size_t count, size_t user_frame,
                      const struct weir__thread_state *where, char *out, size_t room);

#endif
