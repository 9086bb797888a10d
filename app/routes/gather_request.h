/* SPDX-License-Identifier: MIT */
/* The pieces of a gather's requests: URLs with their parameters, and the choice of headers that are passed
 * on. No I/O.
 *
 * Threading: pure functions.
 */
#ifndef APP_ROUTES_GATHER_REQUEST_H
#define APP_ROUTES_GATHER_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/buffer.h>
#include <weir/error.h>

#include "config/url.h"

enum { GATHER_URL_BYTES_MAX = 32 << 10 };

/* Finds the value of a parameter; NULL: there is none. */
typedef const char *gather_param(const void *of, const char *name);

/* Adds the URL and a NUL. A value is passed on as it came; percent-encoded are only characters that may not
 * stand in a URL, or that would end the value in a query.
 * Returns: 0; -EINVAL a value is missing or has a control character; -WEIR_ETOOLARGE, -ENOMEM.
 */
WEIR_CHECKED int gather_expand(weir_buffer *out, const struct url_template *url, gather_param *param,
                               const void *of);

/* Reports whether a header of a request is passed on: x-request-id, and those that forward names, unless the
 * value of the request's Connection field names it, too. traceparent and tracestate are not passed on: each
 * call has its own.
 */
bool gather_forwards(const char *const *forward, size_t forward_count, weir_bytes connection,
                     weir_bytes name);

#endif
