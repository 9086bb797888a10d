/* SPDX-License-Identifier: MIT */
/* Networks, "10.0.0.0/8", and the addresses of peers that lie in one.
 *
 * Threading: pure functions.
 */
#ifndef APP_TEXT_NETWORKS_H
#define APP_TEXT_NETWORKS_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <weir/buffer.h>
#include <weir/error.h>
#include <weir/text.h>

/* All addresses that begin with the same bits. IPv4 addresses are kept as IPv6 has them, ::ffff:192.0.2.1,
 * and so are equal to those that an IPv6 socket reports. */
struct network {
    unsigned char address[16];
    unsigned char bits; /* 0 to 128 */
    bool local;         /* peers of Unix sockets; address and bits have no meaning */
};

/* Parses "10.0.0.0/8", "2001:db8::/32", one address, or "unix". Bits beyond the prefix are 0.
 * Returns: 0; -EINVAL, and *fault says what was expected where.
 */
WEIR_CHECKED int network_parse(weir_bytes text, struct network *out, weir_text_fault *fault);

/* Reads the address of a peer, as weir_request_peer() writes it, or one without a port, with or without
 * brackets. IPv4 addresses are read as those of IPv6, ::ffff:192.0.2.1.
 * Returns: false: it has none.
 */
bool network_address_of(weir_bytes peer, unsigned char out[16]);

/* The text of the address of a peer that has one, without port and brackets. Points into it. */
weir_bytes network_address_text(weir_bytes peer);

/* Reports whether an address, as network_address_of() writes it, is one of IPv4. */
static inline bool network_address_is_v4(const unsigned char address[16])
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

    return memcmp(address, mapped, sizeof mapped) == 0;
}

/* Reports whether an address lies in one of the networks. */
bool networks_have_address(const struct network *networks, size_t count, const unsigned char address[16]);

/* Reports whether a peer, as weir_request_peer() writes it ("192.0.2.1:4711", "[2001:db8::1]:4711", "unix"),
 * or an address without a port, lies in one of the networks.
 */
bool networks_have(const struct network *networks, size_t count, const char *peer);

#endif
