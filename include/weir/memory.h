/* SPDX-License-Identifier: MIT */
/* Memory limits: how much memory this process may have, and how much it uses.
 *
 * Threading: any thread; a weir_memory is used by one thread at a time.
 */
#ifndef WEIR_MEMORY_H
#define WEIR_MEMORY_H

#include <stdint.h>

#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The limit that leaves the least memory, of all limits beyond which the kernel kills processes. */
typedef struct weir_memory_stats {
    uint64_t limit_bytes; /* 0: no limit is visible */
    uint64_t used_bytes;  /* counted against the limit, without file pages that the kernel can reclaim */
    const char *limit_of; /* "cgroup" or "machine"; a literal. For "machine", the limit is what this process
                             uses plus what the machine has available. */
    uint64_t resident_bytes; /* of this process */
} weir_memory_stats;

typedef struct weir_memory weir_memory;

/* Finds the files from which limits are read: of cgroups of version 2 and 1, the enclosing ones included.
 * Owns:    the caller closes *out with weir_memory_close(). root, which is copied, is put before every path
 *          that is read: NULL for the machine itself, a folder with made-up files in tests.
 * Returns: 0; -ENOMEM.
 * Where:   any thread, but not a loop's: it reads files.
 */
int weir_memory_open(const char *root, weir_memory **out) WEIR_CHECKED;

/* Reads the limits and the use of memory, with some ten system calls.
 * Owns:    stats is the caller's.
 * Where:   as weir_memory_open().
 */
void weir_memory_stats_get(weir_memory *memory, weir_memory_stats *stats);

/* Frees memory. NULL does nothing.
 * Where:   any thread.
 */
void weir_memory_close(weir_memory *memory);

#ifdef __cplusplus
}
#endif
#endif
