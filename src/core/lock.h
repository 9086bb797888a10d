/* SPDX-License-Identifier: MIT */
/* A lock of one word that can be tried, and the system call it sleeps by.
 *
 * Threading: any thread. Loops only try; threads that may wait enter.
 */
#ifndef WEIR__LOCK_H
#define WEIR__LOCK_H

#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/sanitizer.h"

/* Sleeps while *word is still value, at most so long (NULL: without limit). May return early. */
static inline void weir__futex_wait(atomic_int *word, int value, const struct timespec *most)
{
#ifdef WITH_TSAN
    static const struct timespec seen = {.tv_nsec = WEIR__TSAN_SLEEP_NS};

    most = most != NULL ? most : &seen;
#endif
    (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, most, NULL, 0);
}

static inline void weir__futex_wake(atomic_int *word)
{
    (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* A pause in a loop that waits for another core. */
static inline void weir__cpu_relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* 0 free, 1 taken, 2 taken and a thread may sleep. Every operation is sequentially consistent: a thread that
 * finds the lock taken may rely on the owner to see, after leaving, what was written before. */
struct weir__lock {
    atomic_int word;
};

static inline bool weir__lock_try(struct weir__lock *lock)
{
    int is_free = 0;

    return atomic_compare_exchange_strong(&lock->word, &is_free, 1);
}

static inline void weir__lock_enter(struct weir__lock *lock)
{
    if (weir__lock_try(lock))
        return;
    while (atomic_exchange(&lock->word, 2) != 0)
        weir__futex_wait(&lock->word, 2, NULL);
}

static inline void weir__lock_leave(struct weir__lock *lock)
{
    if (atomic_exchange(&lock->word, 0) == 2)
        weir__futex_wake(&lock->word);
}

#endif
