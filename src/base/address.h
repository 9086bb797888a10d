/* SPDX-License-Identifier: MIT */
/* Addresses with a sentence about what is wrong with one. Threading: pure functions over the caller's memory.
 */
#ifndef WEIR__BASE_ADDRESS_H
#define WEIR__BASE_ADDRESS_H

#include <weir/address.h>

/* As weir_address_parse(). Returns: NULL, or a sentence (static) about what is wrong with the text at offset
 * *at. */
const char *weir__address_read(weir_bytes text, weir_address *out, size_t *at);

#endif
