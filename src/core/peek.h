/* SPDX-License-Identifier: MIT */
/* Reading memory that another thread may change, or free, at any moment.
 *
 * Threading: any thread; a weir__peek is used by one at a time. What was read may be torn: whoever reads
 * checks afterwards that what it belongs to had not changed, and trusts no length and no pointer in it.
 *
 * The kernel does the reading: it says no where there is no memory, instead of a fault. But each such call
 * holds the lock of the whole process's memory, and a stream of them keeps who wants to map memory waiting
 * for milliseconds. So what is known to stay mapped, like stacks, is read without it.
 */
#ifndef WEIR__PEEK_H
#define WEIR__PEEK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct weir__span {
    uintptr_t low, high;
};

struct weir__peek {
    pid_t process;
    int memory; /* /proc/self/mem, where the system call is forbidden; else -1 */
    /* What stays mapped as long as this is used; none to begin with. */
    const struct weir__span *mapped; /* ordered */
    size_t mapped_count;
    struct weir__span near; /* looked at first */
};

/* The address of a member of what a pointer points to that may be none. */
#define weir__peek_at(pointer, member)                                                                       \
    ((const void *)((uintptr_t)(pointer) + offsetof(__typeof__(*(pointer)), member)))

/* Returns: 0; -EPERM, -EMFILE …: neither way is to be had here. */
int weir__peek_open(struct weir__peek *p) __attribute__((warn_unused_result));
void weir__peek_close(struct weir__peek *p);

/* Looks first in what stays mapped around this address from now on; harmless where nothing does. */
void weir__peek_near(struct weir__peek *p, const void *at);

/* Copies bytes of memory. False: there is none in all of that place. */
bool weir__peek(const struct weir__peek *p, const void *from, void *to, size_t bytes)
    __attribute__((warn_unused_result));

/* Copies a text that ends with a NUL, cut to room - 1 bytes. False: there is none; to is then "". */
bool weir__peek_text(const struct weir__peek *p, const char *from, char *to, size_t room);

#endif
