/* SPDX-License-Identifier: MIT */
/* Reading memory that another thread may change, or free, at any moment.
 *
 * Threading: any thread; a weir__peek is used by one at a time. The result may be torn: the reader checks
 * afterwards that what it belongs to had not changed, and trusts no length and no pointer in it.
 *
 * The kernel does the reading: it fails where there is no memory, instead of a fault. But each such call
 * holds the lock of the whole process's memory, and a stream of them delays mapping memory by milliseconds.
 * So memory that is known to stay mapped, like stacks, is read directly.
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
    /* Memory that stays mapped as long as this is used; none to begin with. */
    const struct weir__span *mapped; /* ordered */
    size_t mapped_count;
    struct weir__span near; /* tried first */
};

/* The address of a member of what a pointer points to, which may not be there. */
#define weir__peek_at(pointer, member)                                                                       \
    ((const void *)((uintptr_t)(pointer) + offsetof(__typeof__(*(pointer)), member)))

/* Returns: 0; -EPERM, -EMFILE …: memory can be read neither way. */
int weir__peek_open(struct weir__peek *p) __attribute__((warn_unused_result));
void weir__peek_close(struct weir__peek *p);

/* Tries the mapped memory around this address first from now on. Harmless where none is mapped. */
void weir__peek_near(struct weir__peek *p, const void *at);

/* Copies bytes of memory. Returns: false: not all of that place is memory. */
bool weir__peek(const struct weir__peek *p, const void *from, void *to, size_t bytes)
    __attribute__((warn_unused_result));

/* Copies a text that ends with a NUL, cut to room - 1 bytes. Returns: false: there is none; to is then "". */
bool weir__peek_text(const struct weir__peek *p, const char *from, char *to, size_t room);

#endif
