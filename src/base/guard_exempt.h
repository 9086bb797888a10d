/* SPDX-License-Identifier: MIT */
/* Calls of ours to the C library that may wait, or would take the guard a look to see that they don't: the
 * seam's, and the log's. Between begin and end the guard is blind on this thread.
 *
 * Threading: a count of each thread's own. Nothing between the two may park.
 */
#ifndef WEIR__BASE_GUARD_EXEMPT_H
#define WEIR__BASE_GUARD_EXEMPT_H

extern __thread unsigned weir__guard_exempt __attribute__((tls_model("initial-exec"), visibility("hidden")));

static inline void weir__guard_exempt_begin(void)
{
    weir__guard_exempt++;
}

static inline void weir__guard_exempt_end(void)
{
    weir__guard_exempt--;
}

#endif
