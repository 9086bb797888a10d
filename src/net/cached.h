/* SPDX-License-Identifier: MIT */
/* What the kernel has in memory of a regular file, and reading no more than that.
 *
 * Threading: any thread. Nothing here waits for a disk.
 */
#ifndef WEIR__CACHED_H
#define WEIR__CACHED_H

#include <stddef.h>
#include <sys/types.h>

/* The kernel reads ahead in runs of so many bytes. Looks that end at a multiple of it ask for the least. */
enum { WEIR__CACHED_RUN_BYTES = 128 << 10 };

/* Reads bytes that are in memory. Returns: > 0; 0 the file ends here; -EAGAIN they are not; -EOPNOTSUPP the
 * file system doesn't tell; -EIO … */
ssize_t weir__read_cached(int fd, void *data, size_t bytes, off_t offset) __attribute__((warn_unused_result));

/* Reports whether bytes can be sent from where they are in memory. Bytes that the kernel reads at this moment
 * are not: what it reads it reads in runs, of which each is asked.
 * Returns: 1; 0; -EOPNOTSUPP the kernel or the file system doesn't tell; -EIO … */
int weir__is_cached(int fd, off_t offset, size_t bytes) __attribute__((warn_unused_result));

#endif
