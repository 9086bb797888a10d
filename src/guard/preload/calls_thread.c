/* SPDX-License-Identifier: MIT */
/* Waits for other threads. */
#include "guard/preload/preload.h"

#include <pthread.h>
#include <semaphore.h>
#include <threads.h>

GUARDED(int, pthread_join, (pthread_t thread, void **result), (thread, result), "pthread_join")
GUARDED(int, pthread_timedjoin_np, (pthread_t thread, void **result, const struct timespec *until),
        (thread, result, until), "pthread_timedjoin_np")
GUARDED(int, pthread_clockjoin_np,
        (pthread_t thread, void **result, clockid_t clock, const struct timespec *until),
        (thread, result, clock, until), "pthread_clockjoin_np")
GUARDED(int, thrd_join, (thrd_t thread, int *result), (thread, result), "thrd_join")

GUARDED(int, pthread_cond_wait, (pthread_cond_t * cond, pthread_mutex_t *mutex), (cond, mutex),
        "pthread_cond_wait")
GUARDED(int, pthread_cond_timedwait,
        (pthread_cond_t * cond, pthread_mutex_t *mutex, const struct timespec *until), (cond, mutex, until),
        "pthread_cond_timedwait")
GUARDED(int, pthread_cond_clockwait,
        (pthread_cond_t * cond, pthread_mutex_t *mutex, clockid_t clock, const struct timespec *until),
        (cond, mutex, clock, until), "pthread_cond_clockwait")
GUARDED(int, cnd_wait, (cnd_t * cond, mtx_t *mutex), (cond, mutex), "cnd_wait")
GUARDED(int, cnd_timedwait, (cnd_t * cond, mtx_t *mutex, const struct timespec *until), (cond, mutex, until),
        "cnd_timedwait")

GUARDED(int, sem_wait, (sem_t * semaphore), (semaphore), "sem_wait")
GUARDED(int, sem_timedwait, (sem_t * semaphore, const struct timespec *until), (semaphore, until),
        "sem_timedwait")
GUARDED(int, sem_clockwait, (sem_t * semaphore, clockid_t clock, const struct timespec *until),
        (semaphore, clock, until), "sem_clockwait")
GUARDED(int, pthread_barrier_wait, (pthread_barrier_t * barrier), (barrier), "pthread_barrier_wait")
