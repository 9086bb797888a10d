/* SPDX-License-Identifier: MIT */
/* Media types by the ending of a file's name: a few of our own, above them those of the system
 * (/etc/mime.types), above these the caller's.
 *
 * Threading: a table is filled by one thread; afterwards any thread may read it.
 */
#ifndef APP_HTTP_MEDIA_TYPES_H
#define APP_HTTP_MEDIA_TYPES_H

#include <stddef.h>

#include <weir/error.h>

#include "config/arena.h"

#define MEDIA_TYPES_OF_SYSTEM "/etc/mime.types" /* of Debian's package media-types */
#define MEDIA_TYPE_UNKNOWN "application/octet-stream"

enum { MEDIA_ENDING_BYTES_MAX = 32, MEDIA_TYPES_FILE_BYTES_MAX = 1 << 20 };

struct media_types;

/* Makes a table with our own types and those of a file; a file that cannot be read adds none.
 * Owns:    the table lies in memory.
 * Returns: NULL when there is no memory.
 */
struct media_types *media_types_open(struct config_memory *memory, const char *file);

/* Adds types in the form of mime.types: lines of a type and its endings. Malformed lines are skipped. Text is
 * said to be UTF-8. */
void media_types_read(struct media_types *types, const char *text, size_t length);

/* Sets the type of an ending, which is written without its dot; the type is sent as it is.
 * Owns:    type is lent for as long as the table. */
void media_types_set(struct media_types *types, const char *ending, const char *type);

/* Finds the type of a file by what follows the last dot of its name; case does not count.
 * Returns: MEDIA_TYPE_UNKNOWN if there is none. The text lives as long as the table.
 */
const char *media_types_find(const struct media_types *types, const char *path);

#endif
