/* SPDX-License-Identifier: MIT */
/* Undoing content codings: gzip, deflate, brotli and zstd behind one interface, within bounds.
 *
 * Threading: pure functions; any thread.
 *
 * Beside its output a decoder holds 0.1 MiB for gzip and deflate, up to 16 MiB for br, 8 MiB for zstd
 * (RFC 9659).
 */
#ifndef APP_JOBS_DECODER_H
#define APP_JOBS_DECODER_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/buffer.h>
#include <weir/error.h>

enum coding { CODING_GZIP, CODING_DEFLATE, CODING_BR, CODING_ZSTD, CODINGS };

#define CODINGS_KNOWN "gzip, deflate, br, zstd" /* as in Accept-Encoding */

/* An output more than so many times as large as its input is refused as a bomb, unless it is small. */
enum { DECODER_RATIO_MAX = 1000, DECODER_RATIO_FREE_BYTES = 1 << 20 };

enum { CODINGS_MAX = 3 }; /* of one body */

/* The codings of a body, in the order in which they were applied. All zero: none. */
struct codings {
    size_t count;
    bool unknown; /* a coding is not known, or there are too many */
    enum coding list[CODINGS_MAX];
};

/* Adds the codings of a Content-Encoding field; "identity" adds none. */
void codings_read(struct codings *codings, weir_bytes value);

/* Called now and then; a negative code ends the work. */
typedef int decoder_poll(void *arg);

/* Undoes all codings, the last first. out is empty, and its maximum holds for each step. poll may be NULL.
 * Returns: 0; else out is empty: -EBADMSG the bytes do not follow the codings, or end early; -WEIR_ETOOLARGE
 *          the output is larger than out may be, or than DECODER_RATIO_MAX allows; -ENOMEM; what poll
 *          returned.
 */
WEIR_CHECKED int decoder_run(const struct codings *codings, weir_bytes in, weir_buffer *out,
                             decoder_poll *poll, void *arg);

#endif
