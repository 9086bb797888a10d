/* SPDX-License-Identifier: MIT */
/* The Server-Timing header (W3C Server Timing): where the time of an exchange went, for browsers.
 *
 * Threading: pure functions over the caller's memory.
 */
#ifndef WEIR__HTTP_SERVER_SERVER_TIMING_H
#define WEIR__HTTP_SERVER_SERVER_TIMING_H

#include <stddef.h>

#include <weir/charge.h>

enum { WEIR__SERVER_TIMING_BYTES = 2048 };

/* Writes the value of the header: a metric for each charge of at least a microsecond, the largest first, as
 * many as fit, and the total last.
 * Owns:    sorts the charges.
 * Returns: its length; it is NUL-terminated. */
size_t weir__server_timing_write(char out[WEIR__SERVER_TIMING_BYTES], weir_charge *charges, size_t count,
                                 weir_duration total);

#endif
