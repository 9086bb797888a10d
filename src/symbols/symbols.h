/* SPDX-License-Identifier: MIT */
/* Names for addresses of code, and the unwinding of copied stacks, by the debug and unwind information of the
 * program and its libraries (elfutils' libdw). No debug information is fetched from the network.
 *
 * Threading: any thread; a lock serialises them. A name that was not asked for before takes milliseconds, the
 * first of all much longer, so a loop must not ask.
 */
#ifndef WEIR__SYMBOLS_SYMBOLS_H
#define WEIR__SYMBOLS_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/frame.h>

struct weir__symbols;

/* Returns: 0; -ENOMEM. No file is read before the first name is asked for. */
int weir__symbols_open(struct weir__symbols **out) __attribute__((warn_unused_result));
/* Adds a user. Each user closes it, and the last close frees it. Returns: s. */
struct weir__symbols *weir__symbols_share(struct weir__symbols *s);
void weir__symbols_close(struct weir__symbols *s);

/* Names the function at an address, and those it was inlined into, innermost first. is_return: it is a return
 * address, so the call before it is named.
 * Returns: how many, at least 1 if room is not 0. */
size_t weir__symbols_name(struct weir__symbols *s, uintptr_t address, bool is_return, weir_frame *out,
                          size_t room);

/* Whether the code at an address is in a library in a folder of the system. */
bool weir__symbols_is_system(struct weir__symbols *s, uintptr_t address);

/* --- stacks --- */

enum { WEIR__REGISTERS = 32, WEIR__UNWIND_MAX = 128 };

/* The registers by their DWARF numbers. */
struct weir__registers {
    uint64_t general[WEIR__REGISTERS];
    uintptr_t pc;
    bool complete; /* false: only pc and the stack pointer are known */
};

/* The registers of a thread that a signal interrupted. ucontext: the handler's third argument.
 * Async-signal-safe. */
void weir__registers_of_signal(struct weir__registers *r, const void *ucontext);
/* The registers of a thread that sleeps in a system call, as far as /proc/…/syscall tells. */
void weir__registers_of_sleeper(struct weir__registers *r, uintptr_t sp, uintptr_t pc);
/* The registers of a parked task. saved: the WEIR__SAVED_BYTES at its sp. */
void weir__registers_of_parked(struct weir__registers *r, uintptr_t sp, const void *saved);

#if defined(__x86_64__)
enum { WEIR__SAVED_BYTES = 7 * 8, WEIR__REGISTER_SP = 7, WEIR__REGISTER_FP = 6 };
#else
enum { WEIR__SAVED_BYTES = 160, WEIR__REGISTER_SP = 31, WEIR__REGISTER_FP = 29 };
#endif

/* A copy of the live part of a stack: from the stack pointer, or a little below, to its base. */
struct weir__stack_copy {
    const void *bytes;
    uintptr_t low; /* the address of its first byte */
    size_t count;
};

/* Unwinds a stack: its addresses, innermost first. The first is the pc, the others are return addresses.
 * complete: the last is at the base, so none is missing.
 * Returns: how many. */
size_t weir__symbols_unwind(struct weir__symbols *s, const struct weir__registers *r,
                            const struct weir__stack_copy *stack, uintptr_t *out, size_t room,
                            bool *complete);

#endif
