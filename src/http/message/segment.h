/* SPDX-License-Identifier: MIT */
/* Segments of paths and of patterns. Threading: pure functions. */
#ifndef WEIR__HTTP_MESSAGE_SEGMENT_H
#define WEIR__HTTP_MESSAGE_SEGMENT_H

#include <stdbool.h>

#include <weir/buffer.h>

/* Takes the next segment off a path: *rest begins with its '/'. The segment is without it.
 * Returns: false at the end. */
bool weir__http_segment_next(weir_bytes *rest, weir_bytes *segment);

/* The name of a parameter, without braces. Returns: an empty span for another segment. */
weir_bytes weir__http_segment_name(weir_bytes segment);

/* Whether a segment is "." or "..". */
bool weir__http_is_dots(weir_bytes segment);

#endif
