/* SPDX-License-Identifier: MIT */
/* Opening files for clients, never outside of a root: neither by "..", encoded or not, nor by a link.
 *
 * Threading: any thread. rooted_open() may block, so it belongs into a job.
 */
#ifndef APP_HTTP_ROOTED_OPEN_H
#define APP_HTTP_ROOTED_OPEN_H

#include <stdbool.h>
#include <sys/stat.h>

#include <weir/buffer.h>
#include <weir/error.h>

/* Opens the root itself, for the calls below.
 * Owns:    the caller closes the descriptor.
 * Returns: a descriptor; -ENOTDIR, -ENOENT, -EACCES …
 */
WEIR_CHECKED int rooted_open_root(const char *directory);

/* Reports whether files below a root are opened by one call of the kernel, openat2. Where a container refuses
 * it, they are opened step by step, with the same outcome.
 */
bool rooted_open_is_one_call(int root);

/* Makes a path of the target of a request: decodes percent-encoding, and leaves out empty segments.
 * Takes:   asked: without a NUL that is not escaped. dot_names: the names with a dot at their beginning that
 * may be asked for, ended by NULL; NULL: none. "." and ".." are never among them.
 * Owns:    out has room for as many bytes as asked, and the NUL.
 * Returns: 0; -ENOENT for a path that no client may ask for: empty, badly encoded, with an encoded slash or
 * NUL, or with another segment that begins with a dot.
 */
WEIR_CHECKED int rooted_open_path(weir_bytes asked, const char *const *dot_names, char *out);

/* Opens a regular file for reading.
 * Owns:    the caller closes the descriptor.
 * Returns: a descriptor, with *about; -ENOENT there is no such file, or it may not be read here; -EISDIR it
 * is a folder; other errors of the system.
 */
WEIR_CHECKED int rooted_open(int root, const char *path, struct stat *about);

/* As rooted_open(), for callers that may know why a file does not exist for clients.
 * Returns: also -EXDEV its path or a link leads out of the root, -EACCES, -ENOTDIR, -ELOOP …; -ENXIO it is
 *          neither a file nor a folder.
 */
WEIR_CHECKED int rooted_open_why(int root, const char *path, struct stat *about);

/* What a result of rooted_open_why() is for a client: a file that cannot be reached by its path does not
 * exist.
 * Returns: as rooted_open(). */
WEIR_CHECKED int rooted_open_outcome(int fd);

#endif
