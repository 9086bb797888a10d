/* SPDX-License-Identifier: MIT */
/* Memory exhaustion on demand, in our code and in libraries: after n allocations all further ones fail. To be
 * included by one file of a test. Sanitizers have an allocator of their own: under them no allocation fails,
 * and starving() reports that.
 *
 * Threading: affects the calling thread only.
 */
#ifndef TEST_SUPPORT_STARVE_H
#define TEST_SUPPORT_STARVE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STARVE_WORKS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define STARVE_WORKS 0
#endif
#endif
#ifndef STARVE_WORKS
#define STARVE_WORKS 1
#endif

static _Thread_local long starve_left = -1; /* allocations that still succeed; -1: all do */

/* Lets n further allocations succeed, and all later ones fail. */
static inline void starve_after(long n)
{
    starve_left = n;
}

/* Ends memory exhaustion. Returns: true if an allocation has failed. */
static inline bool starve_end(void)
{
    bool failed = starve_left == 0;

    starve_left = -1;
    return failed;
}

#if STARVE_WORKS
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t n, size_t bytes);
void *__libc_realloc(void *p, size_t bytes);
void *malloc(size_t bytes);
void *calloc(size_t n, size_t bytes);
void *realloc(void *p, size_t bytes);

static bool starve_refuses(void)
{
    if (starve_left > 0)
        starve_left--;
    else if (starve_left == 0)
        errno = ENOMEM;
    return starve_left == 0;
}

void *malloc(size_t bytes)
{
    return starve_refuses() ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t n, size_t bytes)
{
    return starve_refuses() ? NULL : __libc_calloc(n, bytes);
}

void *realloc(void *p, size_t bytes)
{
    return starve_refuses() ? NULL : __libc_realloc(p, bytes);
}
#endif

#endif
