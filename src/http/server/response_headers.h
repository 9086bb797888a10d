/* SPDX-License-Identifier: MIT */
/* The fields of a response that its handler and filters add: weir_response_header_add() and its like.
 *
 * Threading: as the response.
 */
#ifndef WEIR__HTTP_SERVER_RESPONSE_HEADERS_H
#define WEIR__HTTP_SERVER_RESPONSE_HEADERS_H

#include "http/server/state.h"

/* Adds a line.
 * Returns: 0; -EINVAL a character that is not allowed, a field that the server sets, or too many; -ENOMEM. */
int weir__header_lines_add(struct weir__exchange *x, struct weir__header_lines *lines, const char *name,
                           const char *value) WEIR_CHECKED;

/* Reads the field at *at, and moves *at behind it; begins with *at == 0. A response may have several fields
 * of one name.
 * Returns: false: there are no more. */
bool weir__header_next(const weir_response *res, size_t *at, weir_bytes *name, weir_bytes *value);

/* Reports whether the handler or a filter has set a content-type. */
bool weir__response_has_type(const weir_response *res);

#endif
