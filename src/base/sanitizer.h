/* SPDX-License-Identifier: MIT */
/* Which sanitizer a build is made with: WITH_ASAN, WITH_TSAN, or neither; gcc and clang say it differently.
 *
 * Threading: macros.
 */
#ifndef WEIR__BASE_SANITIZER_H
#define WEIR__BASE_SANITIZER_H

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define WITH_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WITH_TSAN 1
#endif
#endif

/* Under TSan the longest sleep in a system call that TSan does not intercept, such as io_uring_enter(2): the
 * handler of a signal that comes just before the call is kept back until the thread does what TSan sees. */
#define WEIR__TSAN_SLEEP_NS 100000000

#endif
