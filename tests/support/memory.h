/* SPDX-License-Identifier: MIT */
/* A network within the process: listeners and streams of a test have no sockets, but a transport in memory.
 *
 * Connections behave as those of TCP: bytes arrive after a delay, in order; a direction holds a limited
 * number of bytes that were sent and not read; each direction ends by itself; a connection can be reset.
 * Reads and writes are short now and then, operations end at once or in a later turn, as the seed has it. All
 * under the simulated kernel: time is virtual.
 *
 * Threading: a network belongs to the one loop it was made on; its queues can't be shared with other loops.
 */
#ifndef TEST_SUPPORT_MEMORY_H
#define TEST_SUPPORT_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include <weir.h>

/* Chances are per million. */
struct memory_options {
    size_t buffer_bytes;  /* a direction holds so many bytes */
    int64_t delay_min_ns; /* from a send to its arrival, drawn evenly; timers make it up to 66 µs more */
    int64_t delay_max_ns;
    uint32_t short_per_million;  /* of reads and writes: only a part of what could be */
    uint32_t inline_per_million; /* of operations that could end at once: they do */
    uint32_t reset_per_million;  /* of sends: the connection is reset with them */
};

/* 64 KiB, up to 50 µs, half of reads and writes short, half of operations at once, no resets. What a network
 * has until it is told otherwise. */
struct memory_options memory_usual(void);

/* weir_run() under simulation with fn(arg) as its first task, all connections of which are in memory. Fails
 * the test when a connection, an operation or a lent buffer is left when fn returns. options->io is set by
 * this. */
int memory_run(const weir_options *options, int (*fn)(void *arg), void *arg);

/* Whether connections of this loop are in memory. */
bool memory_is_here(void);

/* For what is sent and submitted from now on, by this loop. */
void memory_configure(const struct memory_options *options);

#endif
