/* SPDX-License-Identifier: MIT */
/* Fences, also where ThreadSanitizer builds, which knows none: there all that is read beside atomics goes by
 * the kernel, which it does not see.
 *
 * Threading: any thread.
 */
#ifndef WEIR_BASE_FENCE_H
#define WEIR_BASE_FENCE_H

#include <stdatomic.h>

#if defined(__SANITIZE_THREAD__)
#define WEIR__FENCE_IS_KNOWN 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WEIR__FENCE_IS_KNOWN 0
#endif
#endif
#ifndef WEIR__FENCE_IS_KNOWN
#define WEIR__FENCE_IS_KNOWN 1
#endif

#if WEIR__FENCE_IS_KNOWN
#define weir__fence(order) atomic_thread_fence(order)
#else
#define weir__fence(order) atomic_signal_fence(order)
#endif

#endif
