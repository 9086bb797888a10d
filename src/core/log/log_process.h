/* SPDX-License-Identifier: MIT */
/* The writer runs while any runtime of the process does; under simulation lines are written directly, as no
 * thread of ours may take part.
 *
 * Threading: any thread.
 */
#ifndef WEIR__LOG_PROCESS_H
#define WEIR__LOG_PROCESS_H

struct weir__logger;

/* logger: how it tells of dropped lines; copied. Returns: 0; -ENOMEM, -EAGAIN. */
int weir__log_runtime_begins(const struct weir__logger *logger) __attribute__((warn_unused_result));

/* The last one's end gives the writer a second to write what there is, and goes on. */
void weir__log_runtime_ends(void);

#endif
