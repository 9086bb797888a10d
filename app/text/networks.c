/* SPDX-License-Identifier: MIT */
#include "text/networks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

enum { ADDRESS_BITS = 128, MAPPED_BITS = 96 /* of ::ffff:0:0/96, where IPv4 lies in IPv6 */ };

static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

/* Reads an address without brackets; a zone, "%eth0", is skipped.
 * Returns: the bits of such an address, 32 or 128; 0: it is none. */
static unsigned read_address(const char *text, size_t length, unsigned char out[16])
{
    char copy[INET6_ADDRSTRLEN];
    const char *zone = memchr(text, '%', length);

    if (zone != NULL)
        length = (size_t)(zone - text);
    if (length >= sizeof copy || memchr(text, '\0', length) != NULL)
        return 0;
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (memchr(copy, ':', length) != NULL)
        return inet_pton(AF_INET6, copy, out) == 1 ? ADDRESS_BITS : 0;
    memcpy(out, mapped, sizeof mapped);
    return inet_pton(AF_INET, copy, out + sizeof mapped) == 1 ? ADDRESS_BITS - MAPPED_BITS : 0;
}

static bool bit_of(const unsigned char *address, unsigned i)
{
    return (address[i / 8] >> (7 - i % 8) & 1) != 0;
}

static bool same_bits(const unsigned char *a, const unsigned char *b, unsigned bits)
{
    const unsigned whole = bits / 8, rest = bits % 8;

    return memcmp(a, b, whole) == 0 && (rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

static int refuse(weir_text_fault *fault, size_t at, const char *expected)
{
    *fault = (weir_text_fault){at, expected};
    return -EINVAL;
}

/* Reads the number of bits. Returns: it, or -1. */
static int read_bits(const char *text, size_t length, unsigned most)
{
    unsigned bits = 0;

    if (length == 0 || length > 3 || (length > 1 && *text == '0'))
        return -1;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        bits = bits * 10 + (unsigned)(text[i] - '0');
    }
    return bits <= most ? (int)bits : -1;
}

int network_parse(weir_bytes text, struct network *out, weir_text_fault *fault)
{
    const char *slash = text.len > 0 ? memchr(text.data, '/', text.len) : NULL;
    const size_t length = slash != NULL ? (size_t)(slash - text.data) : text.len;
    unsigned most;
    int bits;

    *out = (struct network){.local = weir_bytes_equal(text, weir_bytes_of("unix"))};
    if (out->local)
        return 0;
    most = length > 0 && memchr(text.data, '%', length) == NULL
               ? read_address(text.data, length, out->address)
               : 0;
    if (most == 0)
        return refuse(fault, 0, "a network such as 10.0.0.0/8 or 2001:db8::/32, an address, or unix");
    bits = slash != NULL ? read_bits(slash + 1, text.len - length - 1, most) : (int)most;
    if (bits < 0)
        return refuse(fault, length + 1,
                      most == ADDRESS_BITS ? "a number of bits from 0 to 128"
                                           : "a number of bits from 0 to 32");
    out->bits = (unsigned char)((unsigned)bits + ADDRESS_BITS - most);
    for (unsigned i = out->bits; i < ADDRESS_BITS; i++)
        if (bit_of(out->address, i))
            return refuse(fault, 0, "the first address of the network, with zeros behind its bits");
    return 0;
}

weir_bytes network_address_text(weir_bytes peer)
{
    const char *end = peer.data + peer.len, *colon, *bracket;

    if (peer.len == 0)
        return peer;
    if (*peer.data == '[') {
        bracket = memchr(peer.data, ']', peer.len);
        return bracket != NULL ? (weir_bytes){peer.data + 1, (size_t)(bracket - peer.data - 1)} : peer;
    }
    colon = memchr(peer.data, ':', peer.len);
    if (colon == NULL || memchr(colon + 1, ':', (size_t)(end - colon - 1)) != NULL)
        return peer; /* no port, or IPv6 without brackets */
    return (weir_bytes){peer.data, (size_t)(colon - peer.data)};
}

/* Reads "192.0.2.1", also before a port: what is asked of most requests. Returns: false: it is something
 * else, or no address. */
static bool read_four(weir_bytes text, unsigned char out[4])
{
    const char *at = text.data, *end = text.data + text.len;

    for (int i = 0; i < 4; i++, at++) {
        const char *begin = at;
        unsigned number = 0, digit;
        for (; at < end && (digit = (unsigned)*at - '0') <= 9; at++)
            number = number * 10 + digit;
        if (at == begin || at - begin > 3 || number > 255 || (*begin == '0' && at - begin > 1))
            return false;
        out[i] = (unsigned char)number;
        if (i == 3)
            break;
        if (at == end || *at != '.')
            return false;
    }
    return at == end || (*at == ':' && memchr(at + 1, ':', (size_t)(end - at - 1)) == NULL);
}

bool network_address_of(weir_bytes peer, unsigned char out[16])
{
    weir_bytes text;

    memcpy(out, mapped, sizeof mapped);
    if (read_four(peer, out + sizeof mapped))
        return true;
    text = network_address_text(peer);
    return text.len > 0 && read_address(text.data, text.len, out) != 0;
}

bool networks_have_address(const struct network *networks, size_t count, const unsigned char address[16])
{
    for (size_t i = 0; i < count; i++)
        if (!networks[i].local && same_bits(networks[i].address, address, networks[i].bits))
            return true;
    return false;
}

static bool networks_have_local(const struct network *networks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (networks[i].local)
            return true;
    return false;
}

bool networks_have(const struct network *networks, size_t count, const char *peer)
{
    unsigned char address[16];

    if (count == 0) /* as mostly; reading the address would cost every request */
        return false;
    if (strncmp(peer, "unix", 4) == 0)
        return networks_have_local(networks, count);
    return network_address_of(weir_bytes_of(peer), address) &&
           networks_have_address(networks, count, address);
}
