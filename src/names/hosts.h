/* SPDX-License-Identifier: MIT */
/* The hosts file: hosts(5).
 *
 * Threading: pure functions over a text, but for weir__hosts_read(), which blocks for as long as a small
 * local file takes.
 */
#ifndef WEIR__NAMES_HOSTS_H
#define WEIR__NAMES_HOSTS_H

#include <stddef.h>

#include <weir/error.h>

#include "names/ip.h"

enum { WEIR__HOSTS_BYTES_MAX = 256 << 10 }; /* what weir__hosts_read() reads of a file */

/* The addresses of a name in the text of a hosts file, in its order; at most `most`.
 * Returns: their number, perhaps 0. */
int weir__hosts_find(const char *hosts, size_t len, const char *name, struct weir__ip *out,
                     int most) WEIR_CHECKED;

/* The same of a file, of which a part is read. One that can't be read has no names. */
int weir__hosts_read(const char *path, const char *name, struct weir__ip *out, int most) WEIR_CHECKED;

/* --- an index, for many look-ups --- */

struct weir__hosts_line;

/* All zero is an index without names. */
struct weir__hosts {
    struct weir__hosts_line *lines; /* one for each name of a line, by name, then in the order of the file */
    size_t count;
};

/* Makes the index of a text, which is lent for as long as the index is used.
 * Returns: 0; -ENOMEM. */
int weir__hosts_index(const char *text, size_t len, struct weir__hosts *out) WEIR_CHECKED;
void weir__hosts_free(struct weir__hosts *hosts);

/* As weir__hosts_find(), in logarithmic time. name: len characters. */
int weir__hosts_look_up(const struct weir__hosts *hosts, const char *name, size_t len, struct weir__ip *out,
                        int most) WEIR_CHECKED;

#endif
