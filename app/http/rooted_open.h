/* SPDX-License-Identifier: MIT */
/* Opening files for clients, never outside of a root: not by "..", not by a link that leads out, encoded or
 * not.
 *
 * Threading: any thread; rooted_open() may block, so it belongs into a job.
 */
#ifndef APP_HTTP_ROOTED_OPEN_H
#define APP_HTTP_ROOTED_OPEN_H

#include <stdbool.h>
#include <sys/stat.h>

#include <weir/error.h>

/* Opens the root itself, for the calls below.
 * Owns:    the caller closes the descriptor.
 * Returns: a descriptor; -ENOTDIR, -ENOENT, -EACCES …
 */
WEIR_CHECKED int rooted_open_root(const char *directory);

/* Whether the kernel opens files below a root by one call, which some containers refuse; else they are opened
 * step by step, with the same outcome.
 */
bool rooted_open_is_one_call(int root);

/* Makes a path of what a client asked for: percent-encoding decoded, without empty segments.
 * Owns:    out has room for as many bytes as asked, and the NUL.
 * Returns: 0; -ENOENT nothing there can be asked for: it is empty, is encoded badly, has an encoded slash or
 * NUL, or a segment that begins with a dot.
 */
WEIR_CHECKED int rooted_open_path(const char *asked, char *out);

/* Opens a regular file for reading.
 * Owns:    the caller closes the descriptor.
 * Returns: a descriptor, with *about; -ENOENT there is none, or none that may be read here; other errors of
 * the system.
 */
WEIR_CHECKED int rooted_open(int root, const char *path, struct stat *about);

#endif
