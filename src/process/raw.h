/* SPDX-License-Identifier: MIT */
/* What a child that shares its parent's memory is written with: functions without the checks of a sanitizer,
 * and system calls without the C library's wrappers, which sanitizers intercept.
 *
 * Threading: any thread.
 */
#ifndef WEIR__PROCESS_RAW_H
#define WEIR__PROCESS_RAW_H

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__clang__)
#define WEIR__RAW __attribute__((no_sanitize("address", "thread", "undefined", "coverage")))
#else
#define WEIR__RAW __attribute__((no_sanitize("address", "thread", "undefined")))
#endif

/* Returns: as the kernel: a negative errno, or the result. errno is that of the thread that the child was cloned
 * from, which waits. */
#define weir__raw(...) (syscall(__VA_ARGS__) < 0 ? -errno : 0)

#endif
