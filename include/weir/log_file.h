/* SPDX-License-Identifier: MIT */
/* A log in a file of its own, beside the log of the program: for lines of one purpose, such as an access log.
 *
 *     weir_log_file_options options = {.name = "access", .path = "access.log"};
 *     weir_log_file *file;
 *     int err = weir_log_file_open(&options, &file);
 *     …
 *     weir_log_file_write(file, WEIR_LOG_INFO, "request", kvs, n);
 *
 * Lines have the form of weir_log(), and at most WEIR_LOG_LINE_MAX bytes. They are buffered as those of
 * weir_log() are, and a thread of the file writes them within a few milliseconds: no other thread waits for
 * the disk. The file is appended to, in whole lines, so that several processes may have the same file.
 *
 * A line that does not fit into its buffer, or cannot be written, is dropped and counted
 * (weir_log_file_dropped()). weir_log() tells the first of them with its cause, and how many there were when
 * writing works again. A disk that fills up in the middle of a line leaves it cut.
 *
 * Threading: any thread writes and opens the file again. The file is opened before the weir_run() whose
 * threads write to it, or in it, and closed after it.
 */
#ifndef WEIR_LOG_FILE_H
#define WEIR_LOG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>
#include <weir/log.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_log_file weir_log_file;

/* A zero field means its default, given in brackets. */
typedef struct weir_log_file_options {
    const char *name; /* of the log, in lines about it ["file"] */
    const char *path; /* a file, which is made with mode 0640 if there is none, a FIFO that has a reader, or a
                         device [NULL: fd is written to] */
    int fd;           /* duplicated; only without a path */
    bool json;        /* lines are JSON [text] */
    unsigned char reserved[32]; /* for later versions; zero */
} weir_log_file_options;

/* Opens a log.
 * Owns:    name and path are copied. The caller closes *out with weir_log_file_close().
 * Returns: 0; -ENOENT, -EACCES, -EISDIR and others of open(2); -ENXIO a FIFO that nothing reads, or a socket;
 *          -EBADF, -EMFILE, -ENOMEM, -EAGAIN; -WEIR_EBUSY too many logs are open.
 * Where:   any thread. Does not wait, but for the file system.
 */
WEIR_CHECKED int weir_log_file_open(const weir_log_file_options *options, weir_log_file **out);

/* Writes one line, of whatever level.
 * Owns:    everything is borrowed until the function returns.
 * Returns: nothing: a line that cannot be written is counted. Preserves errno.
 * Where:   any thread. Does not wait.
 */
void weir_log_file_write(weir_log_file *file, enum weir_log_level level, const char *message,
                         const weir_kv *kvs, size_t n);

/* Opens the path again, after the file was renamed by logrotate(8) or a similar program. What was logged
 * before goes to the file that was open, of which nothing is lost. Without a path nothing happens.
 * Returns: 0; errors as of weir_log_file_open(): then lines go to the file that was open, as before.
 * Where:   any thread; not a loop, since it waits for the file system.
 */
WEIR_CHECKED int weir_log_file_reopen(weir_log_file *file);

/* Counts lines that were dropped.
 * Returns: the number since the file was opened.
 * Where:   any thread.
 */
uint64_t weir_log_file_dropped(const weir_log_file *file);

/* Writes what is buffered, within a second, and closes the log. A thread that the file system still holds
 * then is left behind, with its memory.
 * Owns:    NULL is nothing.
 * Where:   any thread, once no runtime runs whose threads have written to the file. It blocks the thread.
 */
void weir_log_file_close(weir_log_file *file);

#ifdef __cplusplus
}
#endif
#endif
