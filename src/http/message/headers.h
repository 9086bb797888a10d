/* SPDX-License-Identifier: MIT */
/* Fields of a head. What is public of them is in <weir/http_text.h>.
 *
 * Threading: pure functions over the caller's memory.
 */
#ifndef WEIR__HTTP_MESSAGE_HEADERS_H
#define WEIR__HTTP_MESSAGE_HEADERS_H

#include <stdbool.h>
#include <stddef.h>
#include <strings.h>

#include <weir/buffer.h>
#include <weir/http_text.h>

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

/* Whether a field belongs to the connection or to the framing: the sender of the message writes it, never the
 * caller. Runs for every field of every message; most differ in their length already. */
static inline bool weir__http_is_senders_own(const char *name, size_t length)
{
    switch (length) {
    case 10:
        return strcasecmp(name, "connection") == 0 || strcasecmp(name, "keep-alive") == 0;
    case 14:
        return strcasecmp(name, "content-length") == 0;
    case 17:
        return strcasecmp(name, "transfer-encoding") == 0;
    default:
        return false;
    }
}

/* Whether text is host[:port] as Host and a URL allow it: a name, an IPv4 address or [IPv6]; no user, no
 * spaces. */
bool weir__http_is_host(weir_bytes text);

/* Whether text names a protocol, with its version if it has one: "websocket", "irc/2.0". */
bool weir__http_is_protocol(weir_bytes text);

/* The host of a host[:port]. */
weir_bytes weir__http_host_without_port(weir_bytes text);

#endif
