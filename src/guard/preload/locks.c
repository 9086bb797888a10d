/* SPDX-License-Identifier: MIT */
/* Locks that belong to the thread. Taking one is allowed; a task must not wait while it holds one. */
#include "guard/preload/preload.h"

#include <errno.h>
#include <pthread.h>
#include <threads.h>

/* The lock is taken also when its last owner has died with it (EOWNERDEAD). */
static int taken(const void *lock, int result, const char *function, const void *place)
{
    if (weir__guard_looks() && (result == 0 || result == EOWNERDEAD))
        weir__guard_link->locked(weir__guard_link, lock, function, place);
    return result;
}

static inline bool knows_locks(void)
{
    return weir__guard_link != NULL && weir__guard_link->locks != 0;
}

/* Reports the release of a lock by any code, task or not, if a lock of a task is recorded. */
static void released(const void *lock)
{
    if (knows_locks())
        weir__guard_link->unlocked(weir__guard_link, lock);
}

#define TAKES(name, parameters, lock, arguments)                                                             \
    DECLARE_NEXT(name);                                                                                      \
    REST_OF int rest_of_##name parameters                                                                    \
    {                                                                                                        \
        return taken((const void *)(lock), NEXT(name) arguments, #name, __builtin_return_address(0));        \
    }                                                                                                        \
    EXPORTED int name parameters                                                                             \
    {                                                                                                        \
        if (__builtin_expect(real_##name != NULL && !weir__guard_looks(), 1))                                \
            return real_##name arguments;                                                                    \
        return rest_of_##name arguments;                                                                     \
    }

/* Reported before it is done, because afterwards the lock may no longer exist. */
#define RELEASES(name, parameters, lock)                                                                     \
    DECLARE_NEXT(name);                                                                                      \
    REST_OF int rest_of_##name parameters                                                                    \
    {                                                                                                        \
        released((const void *)(lock));                                                                      \
        return NEXT(name)(lock);                                                                             \
    }                                                                                                        \
    EXPORTED int name parameters                                                                             \
    {                                                                                                        \
        if (__builtin_expect(real_##name != NULL && !knows_locks(), 1))                                      \
            return real_##name(lock);                                                                        \
        return rest_of_##name(lock);                                                                         \
    }

TAKES(pthread_mutex_lock, (pthread_mutex_t * mutex), mutex, (mutex))
TAKES(pthread_mutex_trylock, (pthread_mutex_t * mutex), mutex, (mutex))
TAKES(pthread_mutex_timedlock, (pthread_mutex_t * mutex, const struct timespec *until), mutex, (mutex, until))
TAKES(pthread_mutex_clocklock, (pthread_mutex_t * mutex, clockid_t clock, const struct timespec *until),
      mutex, (mutex, clock, until))
RELEASES(pthread_mutex_unlock, (pthread_mutex_t * mutex), mutex)

TAKES(pthread_rwlock_rdlock, (pthread_rwlock_t * lock), lock, (lock))
TAKES(pthread_rwlock_tryrdlock, (pthread_rwlock_t * lock), lock, (lock))
TAKES(pthread_rwlock_timedrdlock, (pthread_rwlock_t * lock, const struct timespec *until), lock,
      (lock, until))
TAKES(pthread_rwlock_clockrdlock, (pthread_rwlock_t * lock, clockid_t clock, const struct timespec *until),
      lock, (lock, clock, until))
TAKES(pthread_rwlock_wrlock, (pthread_rwlock_t * lock), lock, (lock))
TAKES(pthread_rwlock_trywrlock, (pthread_rwlock_t * lock), lock, (lock))
TAKES(pthread_rwlock_timedwrlock, (pthread_rwlock_t * lock, const struct timespec *until), lock,
      (lock, until))
TAKES(pthread_rwlock_clockwrlock, (pthread_rwlock_t * lock, clockid_t clock, const struct timespec *until),
      lock, (lock, clock, until))
RELEASES(pthread_rwlock_unlock, (pthread_rwlock_t * lock), lock)

TAKES(pthread_spin_lock, (pthread_spinlock_t * lock), lock, (lock))
TAKES(pthread_spin_trylock, (pthread_spinlock_t * lock), lock, (lock))
RELEASES(pthread_spin_unlock, (pthread_spinlock_t * lock), lock)

TAKES(mtx_lock, (mtx_t * mutex), mutex, (mutex))
TAKES(mtx_trylock, (mtx_t * mutex), mutex, (mutex))
TAKES(mtx_timedlock, (mtx_t *restrict mutex, const struct timespec *restrict until), mutex, (mutex, until))
RELEASES(mtx_unlock, (mtx_t * mutex), mutex)
