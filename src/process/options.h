/* SPDX-License-Identifier: MIT */
/* The options of a process: what is right, and a copy of them.
 *
 * Threading: any thread.
 */
#ifndef WEIR__PROCESS_OPTIONS_H
#define WEIR__PROCESS_OPTIONS_H

#include <weir/process.h>

/* Returns: 0; -EINVAL. */
int weir__process_options_check(const weir_process_options *options) WEIR_CHECKED;

/* Copies options, with all they point to, and fills in defaults; what environment is NULL of is that of this
 * program.
 * Owns:    the caller frees the copy by free().
 * Returns: NULL: no memory. */
weir_process_options *weir__process_options_copy(const weir_process_options *options);

#endif
