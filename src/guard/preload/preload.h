/* SPDX-License-Identifier: MIT */
/* The wrapping of functions of the C library.
 *
 * Threading: any thread, at any time: before the constructors of this library have run, in signal handlers,
 * in threads without a loop. In those a call costs one read of a thread-local variable.
 *
 * Code in this library calls a wrapped function only through NEXT(), and keeps errno until the call is made.
 */
#ifndef WEIR__GUARD_PRELOAD_PRELOAD_H
#define WEIR__GUARD_PRELOAD_PRELOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "guard/link.h"
#include "guard/preload/next.h"

extern __thread struct weir__guard_link *weir__guard_link
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Whether the caller is a task of this thread's loop, and not libweir itself. */
static inline bool weir__guard_looks(void)
{
    const struct weir__guard_link *link = weir__guard_link;
    const struct weir__task *running;

    if (__builtin_expect(link == NULL, 1))
        return false;
    running = *link->running;
    return running != NULL && running != link->scheduler && *link->own_calls == 0;
}

/* Reports a call to libweir. call NULL: it does not wait, and is not reported. */
void weir__guard_catch(const char *call, const void *place, const void *frame);

#define EXPORTED __attribute__((visibility("default")))

/* For the slow part of a wrapped function. It is a function of its own, so that the common part saves no
 * registers. The common part jumps to it, so its return address and the frame below are those of the caller.
 * Without optimization it is inlined.
 */
#ifdef __OPTIMIZE__
#define REST_OF static __attribute__((noinline, noclone))
#else
#define REST_OF static inline __attribute__((always_inline))
#endif

/* Defines a wrapped function of the C library. call: an expression for the name under which the call is
 * reported if a task makes it, or NULL. In any case the next definition does the work. */
#define GUARDED(type, name, parameters, arguments, call)                                                     \
    DECLARE_NEXT(name);                                                                                      \
    REST_OF type rest_of_##name parameters                                                                   \
    {                                                                                                        \
        if (weir__guard_looks())                                                                             \
            weir__guard_catch((call), __builtin_return_address(0), __builtin_frame_address(0));              \
        return NEXT(name) arguments;                                                                         \
    }                                                                                                        \
    EXPORTED type name parameters                                                                            \
    {                                                                                                        \
        if (__builtin_expect(real_##name != NULL && !weir__guard_looks(), 1))                                \
            return real_##name arguments;                                                                    \
        return rest_of_##name arguments;                                                                     \
    }

#endif
