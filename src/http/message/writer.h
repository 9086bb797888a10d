/* SPDX-License-Identifier: MIT */
/* The writer of heads, into a buffer of the caller's.
 *
 * Threading: a writer belongs to its caller.
 *
 * An error stays until the end, so that only weir__http_writer_end() has to be checked. Nothing is written
 * past `end`. No byte of a field can end its line: a value with CR, LF or NUL is refused, not corrected.
 *
 *     weir__http_writer w = weir__http_writer_into(buffer, sizeof buffer);
 *     weir__http_write_status(&w, 200);
 *     weir__http_write_field(&w, WEIR__HTTP_TEXT("content-type"), type);
 *     weir__http_write_length(&w, body.len);
 *     int len = weir__http_writer_end(&w);
 */
#ifndef WEIR__HTTP_MESSAGE_WRITER_H
#define WEIR__HTTP_MESSAGE_WRITER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <weir/buffer.h>
#include <weir/error.h>
#include "http/message/date.h"
#include "http/message/headers.h"

typedef struct weir__http_writer {
    char *start, *at, *end;
    int err; /* the first error, 0 if none */
} weir__http_writer;

enum { WEIR__HTTP_FIELD_MORE = 4 }; /* bytes of a line beside name and value */

static inline weir__http_writer weir__http_writer_into(char *out, size_t room)
{
    weir__http_writer w = {out, out, out + room, 0};

    return w;
}

/* Writes "name: value" with the end of its line. Returns: behind that. */
static inline char *weir__http_put_field(char *at, weir_bytes name, weir_bytes value)
{
    at = (char *)mempcpy(at, name.data, name.len);
    at = (char *)mempcpy(at, ": ", 2);
    if (value.len > 0)
        at = (char *)mempcpy(at, value.data, value.len);
    return (char *)mempcpy(at, "\r\n", WEIR__HTTP_FIELD_MORE - 2);
}

/* "HTTP/1.1 404 Not Found"; the reason is known for registered statuses and empty for others. A status
 * outside 100–999 is -EINVAL. */
void weir__http_write_status(weir__http_writer *w, int status);

/* "GET /path HTTP/1.1"; -EINVAL if method is no token or target is empty or not visible ASCII. */
void weir__http_write_request_line(weir__http_writer *w, weir_bytes method, weir_bytes target);

/* "name: value"; -EINVAL if the name is no token or the value holds a control character other than tab. */
void weir__http_write_field(weir__http_writer *w, weir_bytes name, weir_bytes value);

/* As weir__http_write_field(), for a name and a value of the program's own: only asserted, in debug builds.
 */
void weir__http_write_trusted(weir__http_writer *w, weir_bytes name, weir_bytes value);

/* "NAME: N", for a name of the program's own */
void weir__http_write_number(weir__http_writer *w, weir_bytes name, uint64_t number);

/* "content-type: TYPE"; -EINVAL as weir__http_write_field(). */
void weir__http_write_type(weir__http_writer *w, weir_bytes type);

/* "content-length: N" */
void weir__http_write_length(weir__http_writer *w, uint64_t bytes);

/* "transfer-encoding: chunked" */
void weir__http_write_chunked(weir__http_writer *w);

/* "date: …", of a date that was made at most a second ago. */
void weir__http_write_date(weir__http_writer *w, const char date[static WEIR__HTTP_DATE_BYTES]);

/* Bytes as they are: complete lines that were made before. */
void weir__http_write_raw(weir__http_writer *w, weir_bytes bytes);

/* Ends the head with its empty line.
 * Returns: the bytes written since weir__http_writer_into(); -EINVAL something was refused; -WEIR_ETOOLARGE
 *          no room.
 * Where:   any thread.
 */
WEIR_CHECKED int weir__http_writer_end(weir__http_writer *w);

/* The registered reason of a status: "Not Found".
 * Owns:    static text.
 * Returns: "" for what is not registered; never NULL.
 * Where:   any thread.
 */
const char *weir__http_reason(int status);

#endif
