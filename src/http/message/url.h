/* SPDX-License-Identifier: MIT */
/* URLs with a sentence about what is wrong with one. Threading: pure functions over the caller's memory. */
#ifndef WEIR__HTTP_MESSAGE_URL_H
#define WEIR__HTTP_MESSAGE_URL_H

#include <weir/url.h>

/* As weir_url_parse(). Returns: NULL, or a sentence (static) about what is wrong with the URL at offset *at.
 */
const char *weir__url_read(weir_bytes url, weir_url *out, size_t *at);

#endif
