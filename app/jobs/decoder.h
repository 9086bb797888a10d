/* SPDX-License-Identifier: MIT */
/* Taking content codings off: gzip, deflate, brotli and zstd behind one form, within bounds.
 *
 * Threading: pure functions; any thread.
 *
 * Beside what comes out it holds 0.1 MiB for gzip and deflate, up to 16 MiB for br, 8 MiB for zstd (RFC
 * 9659).
 */
#ifndef APP_JOBS_DECODER_H
#define APP_JOBS_DECODER_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/buffer.h>
#include <weir/error.h>

enum coding { CODING_GZIP, CODING_DEFLATE, CODING_BR, CODING_ZSTD, CODINGS };

#define CODINGS_KNOWN "gzip, deflate, br, zstd" /* as in Accept-Encoding */

/* What becomes more than so many times as large has been made to; what is small in the end may. */
enum { DECODER_RATIO_MAX = 1000, DECODER_RATIO_FREE_BYTES = 1 << 20 };

enum { CODINGS_MAX = 3 }; /* of one body */

/* Those of one body, in the order in which they were put on. All zero: none. */
struct codings {
    size_t count;
    bool unknown; /* there is one that is not known, or there are too many */
    enum coding list[CODINGS_MAX];
};

/* Adds what one Content-Encoding field says; "identity" is nothing. */
void codings_read(struct codings *codings, weir_bytes value);

/* Asked now and then; returns a negative code to end the work. */
typedef int decoder_poll(void *arg);

/* Takes all codings off. out is empty, and its maximum that of each step. poll may be NULL.
 * Returns: 0; -EBADMSG the bytes are not what the codings say, or end early; -WEIR_ETOOLARGE more than out
 * may hold, or than so few bytes should become; -ENOMEM; what poll returned. out is empty then.
 */
WEIR_CHECKED int decoder_run(const struct codings *codings, weir_bytes in, weir_buffer *out,
                             decoder_poll *poll, void *arg);

#endif
