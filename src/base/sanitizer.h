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

#endif
