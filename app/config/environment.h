/* SPDX-License-Identifier: MIT */
/* Values of the environment in the scalars of a file: ${NAME}, ${NAME:-default}, and $$ for a dollar.
 *
 * Threading: as config.h. The environment must not change meanwhile.
 *
 * A value never becomes structure: it is put into a scalar that has been read already. A '$' before anything
 * but
 * '{' and '$' stays as it is.
 */
#ifndef APP_CONFIG_ENVIRONMENT_H
#define APP_CONFIG_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/error.h>

#include "config/arena.h"
#include "config/fault.h"

enum { ENVIRONMENT_BYTES_MAX = 1 << 20 }; /* of all values that a file takes */

/* A part of a text that is written in another way in the file. */
struct environment_splice {
    size_t at, length;                 /* in the text */
    size_t written_at, written_length; /* in the file's text */
};

struct environment_text {
    const char *text; /* ended by NUL */
    size_t length;
    const struct environment_splice *splices;
    size_t splice_count;
    bool filled; /* a variable is in it; else there is only "$$" */
};

/* What a fill needs of its caller. */
struct environment_reader {
    struct config_memory *memory;
    struct config_faults *faults;
    size_t left; /* of ENVIRONMENT_BYTES_MAX */

    /* The place of a character of the written text. */
    struct config_place (*place)(const void *arg, size_t written_at);
    const void *arg;
};

/* Reports whether a text has anything to be replaced. */
bool environment_has(const char *written, size_t length);

/* Replaces all variables of a text, which has no NUL.
 * Owns:    the result lies in reader->memory.
 * Returns: 0 with *out; -WEIR_ECONFIG after a fault for each variable that is not set or not written right;
 * -ENOMEM.
 */
WEIR_CHECKED int environment_fill(struct environment_reader *reader, const char *written, size_t length,
                                  struct environment_text *out);

/* The offset in the written text of an offset in the text: of a value of the environment, where its variable
 * is written. */
size_t environment_written_offset(const struct environment_splice *splices, size_t count, size_t at);

#endif
