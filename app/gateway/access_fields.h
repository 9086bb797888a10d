/* SPDX-License-Identifier: MIT */
/* Pairs of a line of the access log for headers of the request, as access_log.fields asks for them.
 *
 * Threading: any loop.
 */
#ifndef APP_GATEWAY_ACCESS_FIELDS_H
#define APP_GATEWAY_ACCESS_FIELDS_H

#include <stddef.h>

#include <weir/http_request.h>
#include <weir/log.h>

#include "config/access_log.h"
#include "config/access_log_fields.h"

enum { ACCESS_FIELD_BYTES = 256 }; /* of a value; a longer one ends with "…" */

/* The pairs, with texts made for them. It must not be moved once filled. */
struct access_fields {
    size_t count;
    weir_kv pairs[ACCESS_LOG_FIELDS_MAX];
    char texts[ACCESS_LOG_FIELDS_MAX][ACCESS_FIELD_BYTES];
};

/* Makes a pair of the name and the value of a header. The value is "***" if hide has the name; otherwise it
 * is read as a URL, and parameters that hide names are hidden, as in the target. hide NULL: nothing is
 * hidden.
 * Owns:    the pair borrows name, and value or text. */
weir_kv access_field_pair(const char *const *hide, const char *name, const char *value,
                          char text[ACCESS_FIELD_BYTES]);

/* Makes the pairs of a request, in the order of the settings, without headers that the request does not have.
 * A header that comes several times is shown joined by ", ". "host" is the host that the request is for, also
 * where its target has it.
 * Owns:    the pairs borrow from settings, request and out. */
void access_fields_fill(struct access_fields *out, const struct config_access_log *settings,
                        const weir_request *request);

#endif
