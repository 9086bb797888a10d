/* SPDX-License-Identifier: MIT */
/* The buffers a loop lends to receivers.
 *
 * Threading: the loop's thread.
 *
 * Free buffers wait last-in-first-out, so that the ones in use are those the cache still has; memory is
 * touched only when a buffer is first lent. Under ASan a buffer that is not lent is poisoned.
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

/* Takes a free buffer out.
 * Returns: its number, or -1 when none is left.
 */
int weir__io_buffers_take(struct weir__io_buffers *buffers);
/* Puts a buffer back among the free ones. */
void weir__io_buffers_put(struct weir__io_buffers *buffers, unsigned number);

/* The memory of a buffer that was taken; from now on it may be touched. */
char *weir__io_buffers_data(struct weir__io_buffers *buffers, unsigned number);
/* The number of the buffer whose memory begins at data. */
unsigned weir__io_buffers_number(const struct weir__io_buffers *buffers, const char *data);

#endif
