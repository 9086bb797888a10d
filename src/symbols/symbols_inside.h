/* SPDX-License-Identifier: MIT */
/* The inside of the symbols. Included by the files of this folder alone. Threading: all under the lock. */
#ifndef WEIR__SYMBOLS_SYMBOLS_INSIDE_H
#define WEIR__SYMBOLS_SYMBOLS_INSIDE_H

#include <elfutils/libdwfl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/intern.h"
#include "core/peek.h"
#include "symbols/symbols.h"

struct weir__known;

struct weir__symbols {
    atomic_int users;
    pthread_mutex_t lock;
    Dwfl *dwfl; /* NULL before the first use */
    bool attached;
    int looked_for; /* times that the modules were listed again */
    struct weir__peek peek;
    struct weir__known **known; /* a hash table by address */
    size_t known_count;
    struct weir__intern texts;
    /* of the stack that is being unwound */
    const struct weir__registers *registers;
    const struct weir__stack_copy *stack;
    bool missed; /* it led outside the copy */
};

/* The module with the address: a file, or the kernel's page of code. NULL: none. */
Dwfl_Module *weir__symbols_module(struct weir__symbols *s, uintptr_t address);
bool weir__symbols_module_is_system(Dwfl_Module *module);

/* Finds the function at an address and those it was inlined into, innermost first. Returns: how many, at
 * least 1; room is not 0. */
size_t weir__symbols_find(struct weir__symbols *s, uintptr_t address, weir_frame *frame, size_t room);

#endif
