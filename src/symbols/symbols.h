/* SPDX-License-Identifier: MIT */
/* Names for addresses of code, and stacks from copies of stacks, by the debug and unwind information of the
 * program and its libraries (elfutils' libdw). Nothing is asked of the network.
 *
 * Threading: any thread, one at a time: a lock sees to it. Names that were not asked for before take
 * milliseconds, the first of all much longer: never from a loop.
 */
#ifndef WEIR__SYMBOLS_SYMBOLS_H
#define WEIR__SYMBOLS_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/frame.h>

struct weir__symbols;

/* Returns: 0; -ENOMEM. Nothing is read before the first name is asked for. */
int weir__symbols_open(struct weir__symbols **out) __attribute__((warn_unused_result));
/* One more uses it, until it closes it: the last one frees it. Returns: s. */
struct weir__symbols *weir__symbols_share(struct weir__symbols *s);
void weir__symbols_close(struct weir__symbols *s);

/* The function at an address, and those it was inlined into, innermost first. is_return: it is where a call
 * returns to, so the call itself is meant.
 * Returns: how many, at least 1 when there is room. */
size_t weir__symbols_name(struct weir__symbols *s, uintptr_t address, bool is_return, weir_frame *out,
                          size_t room);

/* Whether the code at an address comes with the system: from a library in its folders. */
bool weir__symbols_is_system(struct weir__symbols *s, uintptr_t address);

/* --- stacks --- */

enum { WEIR__REGISTERS = 32, WEIR__UNWIND_MAX = 128 };

/* By their DWARF numbers. */
struct weir__registers {
    uint64_t general[WEIR__REGISTERS];
    uintptr_t pc;
    bool complete; /* else only pc and the stack pointer are known */
};

/* Of a thread that a signal interrupted: the handler's third argument. Safe in a handler. */
void weir__registers_of_signal(struct weir__registers *r, const void *ucontext);
/* Of a thread that is asleep in a system call, by what /proc/…/syscall says. */
void weir__registers_of_sleeper(struct weir__registers *r, uintptr_t sp, uintptr_t pc);
/* Of a task that is not running: saved is what lies at its sp, WEIR__SAVED_BYTES of it. */
void weir__registers_of_parked(struct weir__registers *r, uintptr_t sp, const void *saved);

#if defined(__x86_64__)
enum { WEIR__SAVED_BYTES = 7 * 8, WEIR__REGISTER_SP = 7, WEIR__REGISTER_FP = 6 };
#else
enum { WEIR__SAVED_BYTES = 160, WEIR__REGISTER_SP = 31, WEIR__REGISTER_FP = 29 };
#endif

/* A copy of the live part of a stack: from the stack pointer (or below) to its base. */
struct weir__stack_copy {
    const void *bytes;
    uintptr_t low; /* where its first byte was */
    size_t count;
};

/* The addresses of a stack, innermost first: the first is where it was, the others where calls return to.
 * complete: the last one is at the base, nothing is missing.
 * Returns: how many. */
size_t weir__symbols_unwind(struct weir__symbols *s, const struct weir__registers *r,
                            const struct weir__stack_copy *stack, uintptr_t *out, size_t room,
                            bool *complete);

#endif
