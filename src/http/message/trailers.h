/* SPDX-License-Identifier: MIT */
/* Trailers: the fields behind a chunked body (RFC 9110, 6.5).
 *
 * Threading: pure functions over the caller's memory.
 */
#ifndef WEIR__HTTP_MESSAGE_TRAILERS_H
#define WEIR__HTTP_MESSAGE_TRAILERS_H

#include <stdbool.h>
#include <stddef.h>

#include "http/message/headers.h"

/* Whether a field may stand in trailers: none that says where a message ends, how it is routed or how it is
 * to be read, because a reader that comes upon it there has decided already. */
bool weir__http_is_trailer(weir_bytes name);

/* Splits the lines of trailers, as the decoder of chunked bodies has passed them: complete, with the empty
 * line at the end. Fields that may not stand there are left out.
 * Owns:    the fields point into lines. fields NULL: they are only counted.
 * Returns: the number of fields; at most `most` are written. */
size_t weir__http_trailers_split(weir_bytes lines, struct weir__http_field *fields, size_t most);

#endif
