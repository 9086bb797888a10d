/* SPDX-License-Identifier: MIT */
/* Finds the next definition of a wrapped function: the one the program would call without this library.
 *
 * Threading: any thread, also before constructors and in signal handlers. dlsym() is not used, because it may
 * allocate and lock, and so call functions that are wrapped here.
 */
#ifndef WEIR__GUARD_PRELOAD_NEXT_H
#define WEIR__GUARD_PRELOAD_NEXT_H

#include <stddef.h>

struct weir__next {
    const char *name;
    void *where; /* the pointer to the function, to be filled */
};

/* Declares the next definition of a wrapped function. All of them are found when the library is loaded. */
#define DECLARE_NEXT(function)                                                                               \
    static __typeof__(function) *real_##function;                                                            \
    __attribute__((used, section("weir_next"))) static const struct weir__next next_##function = {           \
        #function, (void *)&real_##function}

/* The next definition, to be called. */
#define NEXT(function)                                                                                       \
    (__builtin_expect(real_##function != NULL, 1)                                                            \
         ? real_##function                                                                                   \
         : (__typeof__(function) *)weir__next_find(&next_##function))

/* Finds the next definition now. Aborts if there is none. */
void *weir__next_find(const struct weir__next *next);

void weir__next_find_all(void);

#endif
