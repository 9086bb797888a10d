/* SPDX-License-Identifier: MIT */
/* Values that become a part of a URL.
 *
 * Threading: pure functions.
 */
#ifndef APP_HTTP_URL_TEXT_H
#define APP_HTTP_URL_TEXT_H

#include <stdbool.h>

#include <weir/buffer.h>
#include <weir/error.h>

/* Appends a value as it came; percent-encoded are only characters that may not stand in a URL. in_query:
 * those, too, that would end the value there ('&', '=', '+').
 * Returns: 0; -EINVAL the value has a control character or a space; -WEIR_ETOOLARGE, -ENOMEM.
 */
WEIR_CHECKED int url_text_append(weir_buffer *out, const char *value, bool in_query);

#endif
