/* SPDX-License-Identifier: MIT */
#include "http/message/chunked.h"

#include <string.h>

#include "http/message/chars.h"

enum state {
    SIZE_FIRST, /* the first digit of a size */
    SIZE,       /* further digits, or the byte that ends them */
    EXTENSION,
    SIZE_LF, /* CR seen */
    PAYLOAD,
    PAYLOAD_CR,
    PAYLOAD_LF,
    TRAILER_FIRST, /* the first byte of a trailer line, or the CR of the empty one */
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    LAST_LF,
    ENDED,
    MALFORMED, /* fault says how; these two stay last */
    TOO_LARGE,
};

enum { SIZE_DIGITS_MAX = 16 };

static int malformed(struct weir__http_chunked *d, const char *message)
{
    d->state = MALFORMED;
    d->fault = message;
    return -WEIR_EPROTOCOL;
}

static int too_large(struct weir__http_chunked *d, const char *message)
{
    d->state = TOO_LARGE;
    d->fault = message;
    return -WEIR_ETOOLARGE;
}

static int size_digit(struct weir__http_chunked *d, char c)
{
    if (d->line == SIZE_DIGITS_MAX || (d->left >> 59) != 0) /* one more digit must leave it below 2^63 */
        return malformed(d, "a chunk size beyond 63 bits");
    d->left = d->left << 4 | (uint64_t)weir__http_hex(c);
    d->line++;
    d->state = SIZE;
    return 0;
}

/* Takes the byte behind the digits of a size. */
static int size_end(struct weir__http_chunked *d, char c)
{
    d->line = 0;
    if (c == '\r')
        d->state = SIZE_LF;
    else if (c == ';')
        d->state = EXTENSION;
    else
        return malformed(d, "a chunk size is hex digits, then CR LF or an extension");
    return 0;
}

static int extension_byte(struct weir__http_chunked *d, char c)
{
    if (c == '\r') {
        d->state = SIZE_LF;
        return 0;
    }
    if (!weir__http_char_is(c, WEIR__HTTP_VCHAR))
        return malformed(d, "a control character in a chunk extension");
    if (++d->line > WEIR__HTTP_CHUNK_EXTENSION_BYTES_MAX ||
        ++d->extensions > WEIR__HTTP_CHUNK_EXTENSIONS_BYTES_MAX)
        return too_large(d, "chunk extensions longer than 256 bytes in a chunk, or 8 KiB in a body");
    return 0;
}

static int trailer_byte(struct weir__http_chunked *d, char c)
{
    if (++d->trailers > WEIR__HTTP_TRAILER_BYTES_MAX)
        return too_large(d, "trailers longer than 8 KiB");
    if (d->state == TRAILER_VALUE) {
        if (c == '\r')
            d->state = TRAILER_LF;
        else if (!weir__http_char_is(c, WEIR__HTTP_VCHAR))
            return malformed(d, "a control character in a trailer");
        return 0;
    }
    if (c == ':' && d->state == TRAILER_NAME)
        d->state = TRAILER_VALUE;
    else if (c == '\r' && d->state == TRAILER_FIRST)
        d->state = LAST_LF;
    else if (weir__http_char_is(c, WEIR__HTTP_TCHAR))
        d->state = TRAILER_NAME;
    else
        return malformed(d, "a trailer is not 'name: value', or the chunk before is not the last");
    return 0;
}

/* Takes a byte that must be a certain one. */
static int expected(struct weir__http_chunked *d, char c, char wanted, enum state next, const char *message)
{
    if (c != wanted)
        return malformed(d, message);
    d->state = (uint8_t)next;
    return 0;
}

/* Takes a byte that is not payload. */
static int line_byte(struct weir__http_chunked *d, char c)
{
    switch ((enum state)d->state) {
    case SIZE_FIRST:
        d->left = 0;
        d->line = 0;
        return weir__http_char_is(c, WEIR__HTTP_HEXDIGIT)
                   ? size_digit(d, c)
                   : malformed(d, "a chunk does not start with its size in hex digits");
    case SIZE:
        return weir__http_char_is(c, WEIR__HTTP_HEXDIGIT) ? size_digit(d, c) : size_end(d, c);
    case EXTENSION:
        return extension_byte(d, c);
    case SIZE_LF:
        return expected(d, c, '\n', d->left > 0 ? PAYLOAD : TRAILER_FIRST,
                        "a CR without LF after a chunk size");
    case PAYLOAD_CR:
        return expected(d, c, '\r', PAYLOAD_LF, "a chunk is longer than its size says, or lacks its CR LF");
    case PAYLOAD_LF:
        return expected(d, c, '\n', SIZE_FIRST, "a CR without LF after a chunk");
    case TRAILER_FIRST:
    case TRAILER_NAME:
    case TRAILER_VALUE:
        return trailer_byte(d, c);
    case TRAILER_LF:
        return expected(d, c, '\n', TRAILER_FIRST, "a CR without LF in a trailer");
    case LAST_LF:
        return expected(d, c, '\n', ENDED, "a CR without LF after the last chunk");
    case PAYLOAD:
    case ENDED:
    case MALFORMED:
    case TOO_LARGE:
        break;
    }
    __builtin_unreachable();
}

static int take_payload(struct weir__http_chunked *d, const char *data, size_t len, weir_bytes *payload)
{
    size_t n = d->left < len ? (size_t)d->left : len;

    *payload = (weir_bytes){data, n};
    d->left -= n;
    if (d->left == 0)
        d->state = PAYLOAD_CR;
    return WEIR__HTTP_CHUNK_DATA;
}

/* Takes trailer lines, up to the end of the body or of data. */
static int take_trailers(struct weir__http_chunked *d, const char *data, size_t len, size_t *used,
                         weir_bytes *lines)
{
    size_t n = 0;

    while (n < len && d->state != ENDED) {
        int err = line_byte(d, data[n++]);
        if (err < 0) {
            *used += n;
            return err;
        }
    }
    *used += n;
    *lines = (weir_bytes){data, n};
    return d->state == ENDED ? WEIR__HTTP_CHUNK_END : WEIR__HTTP_CHUNK_TRAILERS;
}

static bool is_in_trailers(const struct weir__http_chunked *d)
{
    return d->state >= TRAILER_FIRST && d->state <= LAST_LF;
}

int weir__http_chunked_next(struct weir__http_chunked *d, const char *data, size_t len, size_t *used,
                            weir_bytes *payload)
{
    *payload = (weir_bytes){NULL, 0};
    *used = 0;
    if (d->state >= MALFORMED)
        return d->state == MALFORMED ? -WEIR_EPROTOCOL : -WEIR_ETOOLARGE;
    for (size_t i = 0; i < len && d->state != ENDED; i++) {
        int err;

        if (d->state == PAYLOAD) {
            int step = take_payload(d, data + i, len - i, payload);
            *used = i + payload->len;
            return step;
        }
        if (d->keeps_trailers && is_in_trailers(d)) {
            *used = i;
            return take_trailers(d, data + i, len - i, used, payload);
        }
        err = line_byte(d, data[i]);
        *used = i + 1;
        if (err < 0)
            return err;
    }
    return d->state == ENDED ? WEIR__HTTP_CHUNK_END : WEIR__HTTP_CHUNK_MORE;
}

uint64_t weir__http_chunked_run(const struct weir__http_chunked *d)
{
    return d->state == PAYLOAD ? d->left : 0;
}

void weir__http_chunked_skip(struct weir__http_chunked *d, uint64_t bytes)
{
    d->left -= bytes;
    if (d->left == 0)
        d->state = PAYLOAD_CR;
}

size_t weir__http_chunk_line(char out[static WEIR__HTTP_CHUNK_LINE_BYTES_MAX], uint64_t bytes)
{
    static const char digits[] = "0123456789abcdef";
    unsigned count = bytes == 0 ? 1 : (unsigned)(67 - __builtin_clzll(bytes)) / 4;

    for (unsigned i = 0; i < count; i++)
        out[i] = digits[bytes >> (4 * (count - 1 - i)) & 15];
    out[count] = '\r';
    out[count + 1] = '\n';
    return count + 2;
}
