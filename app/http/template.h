/* SPDX-License-Identifier: MIT */
/* Templates (config/template.h), filled in with what a request has.
 *
 * Threading: the task of the request.
 */
#ifndef APP_HTTP_TEMPLATE_H
#define APP_HTTP_TEMPLATE_H

#include <weir/buffer.h>
#include <weir/http_request.h>

#include "config/template.h"

/* Finds what a request has in place of a part, or the text of the part. The host is in lower case, without
 * port and without a dot at its end.
 * Owns:    the text lives as long as the handler runs.
 * Returns: NULL: the request has none, or there is no memory.
 */
const char *template_value(const struct template_part *part, weir_request *req);

/* The length of a value: the text of a part does not end where the part does. */
size_t template_value_length(const struct template_part *part, const char *value);

/* Reports whether a request has not what a template needs: it names no host, or its head could not be parsed.
 * Tells a missing value from missing memory. */
bool template_is_lacking(const struct config_template *text, const weir_request *req);

/* Fills in a template. Values are used as they came: they hold no control character and no space.
 * Owns:    the text lives as long as the handler runs.
 * Returns: NULL: template_is_lacking(), or there is no memory.
 */
const char *template_fill(const struct config_template *text, weir_request *req);

#endif
