/* SPDX-License-Identifier: MIT */
/* Memory fences, also in builds for ThreadSanitizer, which has none. There all that is read beside atomics is
 * read by the kernel, which ThreadSanitizer does not see.
 *
 * Threading: any thread.
 */
#ifndef WEIR_BASE_FENCE_H
#define WEIR_BASE_FENCE_H

#include <stdatomic.h>

#include "base/sanitizer.h"

#ifndef WITH_TSAN
#define weir__fence(order) atomic_thread_fence(order)
#else
#define weir__fence(order) atomic_signal_fence(order)
#endif

#endif
