/* SPDX-License-Identifier: MIT */
/* The totals that a gateway process leaves behind as it ends, for its supervisor: a file beside the socket of
 * its admin pages, so that nothing that it has counted is lost.
 *
 * Threading: tasks of the admin's loop, and of the supervisor's. Both functions wait for a job.
 */
#ifndef APP_ADMIN_LAST_TOTALS_H
#define APP_ADMIN_LAST_TOTALS_H

#include <sys/types.h>

#include <weir/buffer.h>
#include <weir/error.h>

/* Writes the totals of this process; if that fails, they are lost. address: of its pages, "unix:PATH". */
void last_totals_leave(const char *address, weir_bytes totals);

/* Takes what a process that has ended has left, and removes the file. If there is none, takes what it has
 * counted from memory (metrics/cells_left.h); -1: there is none.
 * Returns: 0 with out filled, up to its maximum; -ENOENT: it has left nothing; another negative errno;
 * -WEIR_ECANCELED: the file is still there, or has been taken. */
WEIR_CHECKED int last_totals_take(const char *address, pid_t pid, int counts, weir_buffer *out);

#endif
