/* SPDX-License-Identifier: MIT */
/* Marks libweir's own libc calls as exempt from the guard: they may wait (the log), or would cost the guard a
 * look to see that they don't (the kernel seam).
 *
 * Threading: a count of each thread's own. Nothing between begin and end may park.
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
