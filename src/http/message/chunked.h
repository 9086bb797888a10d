/* SPDX-License-Identifier: MIT */
/* The chunked coding: a decoder of bytes as they come, and the line that starts a chunk.
 *
 * Threading: a decoder belongs to the reader of its body. Nothing is copied: payload points into the bytes
 * that were given.
 *
 * The decoder is strict where readers differ: sizes are hex digits alone, lines end in CR LF, extensions and
 * trailers are checked and limited. Extensions are dropped; trailers too, unless keeps_trailers is set.
 *
 *     while ((r = weir__http_chunked_next(&d, data, len, &used, &payload)) == WEIR__HTTP_CHUNK_DATA) {
 *         take(payload);
 *         data += used, len -= used;
 *     }                       // the last step used bytes too
 */
#ifndef WEIR__HTTP_MESSAGE_CHUNKED_H
#define WEIR__HTTP_MESSAGE_CHUNKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/buffer.h>
#include <weir/error.h>

enum {
    WEIR__HTTP_CHUNK_EXTENSION_BYTES_MAX = 256,   /* in one chunk */
    WEIR__HTTP_CHUNK_EXTENSIONS_BYTES_MAX = 8192, /* in all chunks of one body */
    WEIR__HTTP_TRAILER_BYTES_MAX = 8192,          /* all trailer lines of one body */
    WEIR__HTTP_CHUNK_LINE_BYTES_MAX = 18,         /* what weir__http_chunk_line() writes at most */
};

enum weir__http_chunk_step {
    WEIR__HTTP_CHUNK_MORE, /* all bytes are used and the body goes on */
    WEIR__HTTP_CHUNK_DATA, /* payload is set, not empty; call again with what is left, even if nothing */
    WEIR__HTTP_CHUNK_END, /* the body, trailers included, ended after *used bytes; with keeps_trailers payload
                             is the last run of trailer lines */
    WEIR__HTTP_CHUNK_TRAILERS, /* payload is a run of trailer lines, see trailers.h; all bytes are used */
};

struct weir__http_chunked {
    uint64_t left; /* payload bytes of this chunk still to come; while its size is read, the size so far */
    uint32_t extensions; /* bytes of extensions so far, all chunks */
    uint16_t line;       /* bytes of extension in this chunk, or digits of its size */
    uint16_t trailers;   /* bytes of trailers so far */
    uint8_t state;       /* private; 0 is the start */
    bool keeps_trailers; /* set by the owner: trailer lines are returned */
    const char *fault;   /* after an error: static text, what was wrong and what was expected */
};

/* Begins a body. A decoder of all zeroes is at the start of one, too. */
static inline void weir__http_chunked_init(struct weir__http_chunked *d)
{
    *d = (struct weir__http_chunked){0};
}

/* Decodes up to the end of one run of payload.
 * Owns:    payload points into data.
 * Returns: a weir__http_chunk_step, *used says how many bytes of data it took; -WEIR_EPROTOCOL malformed or
 *          -WEIR_ETOOLARGE extensions or trailers over their limit, d->fault says what. An error stays.
 * Where:   any thread.
 */
WEIR_CHECKED int weir__http_chunked_next(struct weir__http_chunked *d, const char *data, size_t len,
                                         size_t *used, weir_bytes *payload);

/* How many of the next bytes are payload, whatever they are. 0: the next byte is none. */
uint64_t weir__http_chunked_run(const struct weir__http_chunked *d);

/* Takes so many payload bytes, at most weir__http_chunked_run(), that were moved elsewhere unseen. */
void weir__http_chunked_skip(struct weir__http_chunked *d, uint64_t bytes);

/* Writes the line that starts a chunk of that many bytes, "1f4\r\n". After the payload goes "\r\n", after the
 * last chunk "0\r\n\r\n".
 * Returns: the bytes written, at most WEIR__HTTP_CHUNK_LINE_BYTES_MAX.
 * Where:   any thread.
 */
size_t weir__http_chunk_line(char out[static WEIR__HTTP_CHUNK_LINE_BYTES_MAX], uint64_t bytes);

#endif
