/* SPDX-License-Identifier: MIT */
/* What symbols.c and unwind.c share. Threading: all under the lock. */
#ifndef WEIR__SYMBOLS_SYMBOLS_INSIDE_H
#define WEIR__SYMBOLS_SYMBOLS_INSIDE_H

#include <elfutils/libdwfl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "core/peek.h"
#include "symbols/symbols.h"

struct weir__known;

struct weir__symbols {
    atomic_int users;
    pthread_mutex_t lock;
    Dwfl *dwfl; /* NULL before the first use */
    bool attached;
    int looked_for; /* how often the modules were asked for anew */
    struct weir__peek peek;
    struct weir__known **known; /* by address */
    size_t known_count;
    char **texts;
    size_t text_count, text_room;
    /* of the stack that is being unwound */
    const struct weir__registers *registers;
    const struct weir__stack_copy *stack;
    bool missed; /* it led to where there is no copy */
};

/* The file mapped there; NULL: none. */
Dwfl_Module *weir__symbols_module(struct weir__symbols *s, uintptr_t address);

#endif
