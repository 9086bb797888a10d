/* SPDX-License-Identifier: MIT */
/* Writing lines to a descriptor, in pieces that stay whole.
 *
 * Threading: any thread.
 */
#ifndef WEIR__CORE_LOG_OUTPUT_H
#define WEIR__CORE_LOG_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

enum { WEIR__LOG_NO_LIMIT = -1 };

/* Writes n bytes. Waits for a descriptor that does not block, each time at most so long.
 * Returns: how many bytes were written. */
size_t weir__log_write_all(int fd, const char *text, size_t n, int at_most_ms);

/* Returns: how many bytes may be written at once: any number to a file, PIPE_BUF to all else. */
size_t weir__log_piece_max(int fd);

/* Returns: the length of the whole lines at the front of text that are at most max bytes together. */
size_t weir__log_whole_lines(const char *text, size_t n, size_t max);

/* Returns: how many lines end in text. */
uint64_t weir__log_lines_of(const char *text, size_t n);

#endif
