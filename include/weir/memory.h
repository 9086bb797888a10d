/* SPDX-License-Identifier: MIT */
/* How much memory this process may have, and how near it is to that.
 *
 * Threading: any thread; what is opened is used by one at a time.
 */
#ifndef WEIR_MEMORY_H
#define WEIR_MEMORY_H

#include <stdint.h>

#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of several limits, at which processes are killed, the one that leaves least. */
typedef struct weir_memory_use {
    uint64_t limit_bytes;    /* 0: there is none that can be seen */
    uint64_t used_bytes;     /* against it, without file pages that the kernel takes back when it needs to */
    const char *limit_of;    /* "cgroup", or "machine": then the limit is what this process has and what the
                                machine could still give it; a literal */
    uint64_t resident_bytes; /* of this process */
} weir_memory_use;

typedef struct weir_memory weir_memory;

/* Finds where limits are to be read: cgroups of version 2 and 1, those around ours included.
 * Owns:    close it with weir_memory_close(). root stands before every path that is read: "" for the machine
 *          itself, a folder with files of your own in tests; copied.
 * Returns: 0; -ENOMEM.
 * Where:   any thread, but not a loop's: it reads files.
 */
int weir_memory_open(const char *root, weir_memory **out) WEIR_CHECKED;

/* Reads them; some ten system calls.
 * Owns:    use is the caller's.
 * Where:   as weir_memory_open().
 */
void weir_memory_read(weir_memory *memory, weir_memory_use *use);

/* NULL is nothing.
 * Where:   any thread.
 */
void weir_memory_close(weir_memory *memory);

#ifdef __cplusplus
}
#endif
#endif
