/* SPDX-License-Identifier: MIT */
/* Fields: looking one up, reading a list, finding those that belong to one connection only.
 *
 * Threading: pure functions over the caller's memory.
 */
#ifndef WEIR__HTTP_MESSAGE_HEADERS_H
#define WEIR__HTTP_MESSAGE_HEADERS_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/buffer.h>

struct weir__http_field {
    weir_bytes name;  /* as it came; to be compared by weir_bytes_equal_nocase() */
    weir_bytes value; /* without the spaces around it; may be empty */
};

/* A literal as bytes: WEIR__HTTP_TEXT("content-type"). */
#define WEIR__HTTP_TEXT(literal) ((weir_bytes){"" literal, sizeof(literal) - 1})

/* The first field of that name.
 * Owns:    the field is one of `fields`.
 * Returns: NULL if there is none.
 * Where:   any thread.
 */
const struct weir__http_field *weir__http_field_find(const struct weir__http_field *fields, size_t count,
                                                     weir_bytes name);

/* Takes the next element off a comma-separated list; `*rest` is what remains. Empty elements are skipped.
 * Spaces around an element are not part of it. A comma inside a quoted string does not end it.
 * Returns: false when the list is at its end.
 * Where:   any thread.
 */
bool weir__http_list_next(weir_bytes *rest, weir_bytes *element);

/* Whether a field must not be forwarded: Connection and all that the Connection fields among `fields` name,
 * Keep-Alive, Proxy-*, TE, Trailer, Transfer-Encoding, Upgrade. Content-Length and Host are end to end even
 * if Connection names them, because dropping either would change what the message means.
 * Returns: true: it is left out.
 * Where:   any thread. Costs little when there is no Connection field among them.
 */
bool weir__http_field_is_hop_by_hop(const struct weir__http_field *fields, size_t count, weir_bytes name);

/* Whether every byte may stand in a field name or a method (tchar), and there is one at least. */
bool weir__http_is_token(weir_bytes text);

/* Whether every byte may stand in a field value: no control character but tab. */
bool weir__http_is_value(weir_bytes text);

/* Whether text is host[:port] as Host and a URL allow it: a name, an IPv4 address or [IPv6]; no user, no
 * spaces. */
bool weir__http_is_host(weir_bytes text);

#endif
