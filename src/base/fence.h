/* SPDX-License-Identifier: MIT */
/* Memory fences, also in builds for ThreadSanitizer, which has none. There all that is read beside atomics is
 * read by the kernel, which ThreadSanitizer does not see.
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
