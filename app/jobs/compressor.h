/* SPDX-License-Identifier: MIT */
/* Compressing bytes that come in pieces: gzip, brotli and zstd behind one interface.
 *
 * Threading: a compressor is used by one thread at a time.
 *
 * Its memory depends on encoding and level alone, not on the input: 0.3 MiB for gzip, up to 70 MiB for br and
 * 90 MiB for zstd.
 */
#ifndef APP_JOBS_COMPRESSOR_H
#define APP_JOBS_COMPRESSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/buffer.h>
#include <weir/error.h>

enum encoding { ENCODING_GZIP, ENCODING_BR, ENCODING_ZSTD, ENCODINGS };

struct encoding_info {
    const char *name; /* as in Content-Encoding */
    const char *type; /* of a file in this encoding, as in Content-Type */
    int level_min, level_max;
    int level_file, level_answer; /* defaults: for a body, and for an answer that a client waits for */
};

extern const struct encoding_info encodings[ENCODINGS];
extern const char *const encoding_names[ENCODINGS + 1]; /* by enum encoding, ended by NULL */

struct compressor;

struct compressor_options {
    enum encoding encoding;
    int level;
    int64_t bytes; /* of the whole input; -1: not known */
    bool little;   /* for many at a time: a window of 256 KiB, a few MiB at levels for answers */
};

/* A step takes bytes from the front of in, and writes behind the bytes that out holds, up to its room. */
struct compressor_step {
    weir_bytes in;
    char *out;
    size_t used, room; /* of out */
};

enum compressor_end {
    COMPRESSOR_MORE,   /* more input comes: bytes that compress better with it may be kept back */
    COMPRESSOR_FLUSH,  /* more input comes later: all input so far is readable in the output */
    COMPRESSOR_FINISH, /* the end of the input */
};

/* Makes a compressor.
 * Owns:    end it with compressor_close().
 * Returns: 0; -EINVAL the level; -ENOMEM.
 */
WEIR_CHECKED int compressor_open(struct compressor **out, const struct compressor_options *options);

/* Compresses as much as there is room for.
 * Returns: 1 the room is used up, and there is more to write; 0 all of in was taken, and all that `end` asks
 *          for is written; -ENOMEM.
 */
WEIR_CHECKED int compressor_run(struct compressor *compressor, struct compressor_step *step,
                                enum compressor_end end);

/* NULL is allowed. */
void compressor_close(struct compressor *compressor);

#endif
