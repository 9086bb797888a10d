/* SPDX-License-Identifier: MIT */
/* For long cases that run on one thread, in a simulation or a model: TSan looks for data races, which need
 * two. */
#ifndef TEST_SUPPORT_ONE_THREAD_H
#define TEST_SUPPORT_ONE_THREAD_H

#include "base/sanitizer.h"
#include "support/run.h"

/* Skips the present case under TSan, which takes ten times as long; without it, and under ASan, the case
 * runs. */
static inline void skip_under_tsan(void)
{
#ifdef WITH_TSAN
    skip();
#endif
}

#endif
