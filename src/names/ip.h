/* SPDX-License-Identifier: MIT */
/* IP addresses without ports: what names stand for.
 *
 * Threading: pure functions.
 */
#ifndef WEIR__NAMES_IP_H
#define WEIR__NAMES_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>
#include <weir/resolver.h>

enum { WEIR__IPV4 = 4, WEIR__IPV6 = 6 };

struct weir__ip {
    uint8_t family; /* WEIR__IPV4 or WEIR__IPV6 */
    uint8_t bytes[16];
};

static inline size_t weir__ip_bytes(const struct weir__ip *ip)
{
    return ip->family == WEIR__IPV4 ? 4 : 16;
}

/* Reads "10.0.0.7" or "2001:db8::7". Returns: 0; -EINVAL text is neither. */
int weir__ip_parse(const char *text, size_t len, struct weir__ip *out) WEIR_CHECKED;

/* Writes it. Returns: out. */
const char *weir__ip_format(const struct weir__ip *ip, char out[WEIR_IP_BYTES]);

/* The order of weir_resolved.addresses: IPv4 first, then by number. Returns: < 0, 0, > 0. */
int weir__ip_compare(const struct weir__ip *a, const struct weir__ip *b);

/* Whether a list has an address. */
bool weir__ip_is_in(const struct weir__ip *list, size_t count, const struct weir__ip *ip);

/* The loopback address of a family. */
struct weir__ip weir__ip_loopback(uint8_t family);

#endif
