/* SPDX-License-Identifier: MIT */
/* Fault injection: the nth allocation or thread creation of our code, on any thread, fails once. To be
 * included by one file of a test that is linked with the options in tests/meson.build, which put these
 * functions before the C library's. So it works under sanitizers, too, and allocations within libraries are
 * not affected.
 *
 * Threading: any.
 */
#ifndef TEST_SUPPORT_FAULT_H
#define TEST_SUPPORT_FAULT_H

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/types.h>

static atomic_long fault_left; /* 1: the next request fails; <= 0: none does */

/* Makes the nth request from here on fail. */
static inline void fault_at(long n)
{
    atomic_store(&fault_left, n);
}

/* Ends fault injection. Returns: true if a request has failed. */
static inline bool fault_end(void)
{
    return atomic_exchange(&fault_left, 0) <= 0;
}

static bool fault_strikes(void)
{
    return atomic_load(&fault_left) > 0 && atomic_fetch_sub(&fault_left, 1) == 1;
}

static bool fault_of_memory(void)
{
    bool strikes = fault_strikes();

    if (strikes)
        errno = ENOMEM;
    return strikes;
}

/* NOLINTBEGIN: these names are the linker's */
void *__real_malloc(size_t bytes);
void *__real_calloc(size_t n, size_t bytes);
void *__real_realloc(void *p, size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
void *__real_mmap64(void *at, size_t bytes, int protection, int flags, int fd, off_t offset);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *options, void *(*fn)(void *), void *arg);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes);
void *__wrap_realloc(void *p, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);
void *__wrap_mmap64(void *at, size_t bytes, int protection, int flags, int fd, off_t offset);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *options, void *(*fn)(void *), void *arg);
/* NOLINTEND */

void *__wrap_malloc(size_t bytes)
{
    return fault_of_memory() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t n, size_t bytes)
{
    return fault_of_memory() ? NULL : __real_calloc(n, bytes);
}

void *__wrap_realloc(void *p, size_t bytes)
{
    return fault_of_memory() ? NULL : __real_realloc(p, bytes);
}

void *__wrap_aligned_alloc(size_t alignment, size_t bytes)
{
    return fault_of_memory() ? NULL : __real_aligned_alloc(alignment, bytes);
}

void *__wrap_mmap64(void *at, size_t bytes, int protection, int flags, int fd, off_t offset)
{
    return fault_of_memory() ? MAP_FAILED : __real_mmap64(at, bytes, protection, flags, fd, offset);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *options, void *(*fn)(void *), void *arg)
{
    return fault_strikes() ? EAGAIN : __real_pthread_create(thread, options, fn, arg);
}

#endif
