/* SPDX-License-Identifier: MIT */
/* Compressing bytes that come in pieces: gzip, brotli and zstd behind one form.
 *
 * Threading: a compressor belongs to whoever uses it, one thread at a time.
 *
 * What it holds does not grow with what is compressed; it is a matter of encoding and level alone: 0.3 MiB
 * for gzip, up to some 70 MiB for br and 90 MiB for zstd.
 */
#ifndef APP_JOBS_COMPRESSOR_H
#define APP_JOBS_COMPRESSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/buffer.h>
#include <weir/error.h>

enum encoding { ENCODING_GZIP, ENCODING_BR, ENCODING_ZSTD, ENCODINGS };

struct encoding_kind {
    const char *name;             /* as in Content-Encoding */
    const char *type;             /* of a file of it, as in Content-Type */
    int level_min, level_max;     /* what may be asked for */
    int level_file, level_answer; /* what is taken when nothing is: for a body, for an answer on its way */
};

extern const struct encoding_kind encodings[ENCODINGS];
extern const char *const encoding_names[ENCODINGS + 1]; /* by enum encoding, ended by NULL */

struct compressor;

struct compressor_options {
    enum encoding encoding;
    int level;
    int64_t bytes; /* of all that comes; -1: not known */
    bool little;   /* many are there at a time: a window of 256 KiB, some MiB at levels for answers */
};

/* One step: bytes are taken from the front of in, and written at the end of what out holds, up to its room.
 */
struct compressor_step {
    weir_bytes in;
    char *out;
    size_t used, room; /* of out */
};

enum compressor_end {
    COMPRESSOR_MORE,   /* more input comes: keep back what compresses better with it */
    COMPRESSOR_FLUSH,  /* more comes later: what was taken so far can be read by then */
    COMPRESSOR_FINISH, /* this is the last */
};

/* Makes a compressor.
 * Owns:    end it with compressor_close().
 * Returns: 0; -EINVAL the level; -ENOMEM.
 */
WEIR_CHECKED int compressor_open(struct compressor **out, const struct compressor_options *options);

/* Takes what it can.
 * Returns: 1 there is no more room, and more to write; 0 all of in was taken, and what the end asks for is
 *          written; -ENOMEM.
 */
WEIR_CHECKED int compressor_run(struct compressor *compressor, struct compressor_step *step,
                                enum compressor_end end);

/* NULL is nothing. */
void compressor_close(struct compressor *compressor);

#endif
