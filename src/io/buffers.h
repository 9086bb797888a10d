/* SPDX-License-Identifier: MIT */
/* The buffers that a loop lends to receiving operations (io_uring: provided buffers).
 *
 * Threading: the loop's thread.
 *
 * Free buffers are a stack, so that those in use are still in the CPU's cache. Memory is touched only when a
 * buffer is first lent. Under ASan a buffer that is not lent is poisoned.
 */
#ifndef WEIR__IO_BUFFERS_H
#define WEIR__IO_BUFFERS_H

#include "io/io.h"

struct weir__io_buffers {
    char *memory;
    unsigned free_count;
    uint16_t free[WEIR__IO_BUFFERS_COUNT];
};

/* Returns: 0 or -ENOMEM. */
int weir__io_buffers_open(struct weir__io_buffers *buffers) __attribute__((warn_unused_result));
void weir__io_buffers_close(struct weir__io_buffers *buffers);

/* Takes a free buffer.
 * Returns: its number; -1: none is free.
 */
int weir__io_buffers_take(struct weir__io_buffers *buffers);
/* Makes a buffer free again. */
void weir__io_buffers_put(struct weir__io_buffers *buffers, unsigned number);

/* The memory of a buffer that was taken. It may be touched from now on. */
char *weir__io_buffers_data(struct weir__io_buffers *buffers, unsigned number);
/* The number of the buffer whose memory begins at data. */
unsigned weir__io_buffers_number(const struct weir__io_buffers *buffers, const char *data);

#endif
