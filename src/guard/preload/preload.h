/* SPDX-License-Identifier: MIT */
/* How a function of the C library is looked at on its way in.
 *
 * Threading: any thread, at any time: before the constructors of this library have run, in signal handlers,
 * in threads that know nothing of Weir. For those a call costs a look at one variable of the thread.
 *
 * Nothing here may call what is wrapped here but through NEXT(), and nothing changes errno on the way in.
 */
#ifndef WEIR__GUARD_PRELOAD_PRELOAD_H
#define WEIR__GUARD_PRELOAD_PRELOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "guard/link.h"
#include "guard/preload/next.h"

extern __thread struct weir__guard_link *weir__guard_link
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* A task of this thread's loop is calling, and not by way of libweir. */
static inline bool weir__guard_looks(void)
{
    const struct weir__guard_link *link = weir__guard_link;
    const struct weir__task *running;

    if (__builtin_expect(link == NULL, 1))
        return false;
    running = *link->running;
    return running != NULL && running != link->scheduler && *link->own_calls == 0;
}

/* Tells libweir of a call; NULL: it is one that does not wait. */
void weir__guard_tell(const char *call, const void *place, const void *frame);

#define EXPORTED __attribute__((visibility("default")))

/* What is common should need no register saved, so the rest of a function is a function of its own, jumped
 * to: it returns to, and has the frame below, whoever called the first. Compiled without optimization it is a
 * part of it.
 */
#ifdef __OPTIMIZE__
#define REST_OF static __attribute__((noinline, noclone))
#else
#define REST_OF static inline __attribute__((always_inline))
#endif

/* Defines a function of the C library: in a task `call`, an expression, says by which name it is reported, or
 * NULL; then, in any case, the C library's own does the work. */
#define GUARDED(type, name, parameters, arguments, call)                                                     \
    BEHIND(name);                                                                                            \
    REST_OF type rest_of_##name parameters                                                                   \
    {                                                                                                        \
        if (weir__guard_looks())                                                                             \
            weir__guard_tell((call), __builtin_return_address(0), __builtin_frame_address(0));               \
        return NEXT(name) arguments;                                                                         \
    }                                                                                                        \
    EXPORTED type name parameters                                                                            \
    {                                                                                                        \
        if (__builtin_expect(behind_##name != NULL && !weir__guard_looks(), 1))                              \
            return behind_##name arguments;                                                                  \
        return rest_of_##name arguments;                                                                     \
    }

#endif
