/* SPDX-License-Identifier: MIT */
/* What stands behind our own functions: the definition that the program would have been given without us.
 *
 * Threading: any thread, also before constructors and in signal handlers. It is not found by dlsym(), which
 * may allocate and lock, and so call what is wrapped here.
 */
#ifndef WEIR__GUARD_PRELOAD_NEXT_H
#define WEIR__GUARD_PRELOAD_NEXT_H

#include <stddef.h>

struct weir__next {
    const char *name;
    void *where; /* the pointer to the function, to be filled */
};

/* Declares what stands behind a function of ours. All of these are found when the library is loaded. */
#define BEHIND(function)                                                                                     \
    static __typeof__(function) *behind_##function;                                                          \
    __attribute__((used, section("weir_next"))) static const struct weir__next next_##function = {           \
        #function, (void *)&behind_##function}

/* … and calls it. */
#define NEXT(function)                                                                                       \
    (__builtin_expect(behind_##function != NULL, 1)                                                          \
         ? behind_##function                                                                                 \
         : (__typeof__(function) *)weir__next_find(&next_##function))

/* Finds one now. Ends the process when there is none. */
void *weir__next_find(const struct weir__next *next);

void weir__next_find_all(void);

#endif
