/* SPDX-License-Identifier: MIT */
#include "net/proxy_protocol.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

static int fail(const char **fault, const char *why)
{
    *fault = why;
    return -WEIR_EPROTOCOL;
}

/* Whether data begins with prefix, as far as it goes. */
static bool agrees(const char *data, size_t len, const char *prefix, size_t prefix_len)
{
    return memcmp(data, prefix, len < prefix_len ? len : prefix_len) == 0;
}

socklen_t weir__proxy_address_len(const union weir__proxy_address *address)
{
    switch (address->any.sa_family) {
    case AF_INET:
        return sizeof address->v4;
    case AF_INET6:
        return sizeof address->v6;
    default:
        return sizeof(sa_family_t);
    }
}

/* --- version 1: a line of text --- */

static const char v1_prefix[] = "PROXY ";

enum { V1_WORD_BYTES = INET6_ADDRSTRLEN };

/* Takes the next word of a line, up to the character that ends it. Returns: false: there is none, or it is
 * too long. */
static bool take_word(const char **at, const char *end, char until, char word[static V1_WORD_BYTES])
{
    const char *stop = memchr(*at, until, (size_t)(end - *at));
    size_t len = stop != NULL ? (size_t)(stop - *at) : 0;

    if (len == 0 || len >= V1_WORD_BYTES)
        return false;
    memcpy(word, *at, len);
    word[len] = '\0';
    *at = stop + 1;
    return strlen(word) == len;
}

static bool parse_address(const char *word, int family, union weir__proxy_address *out)
{
    *out = (union weir__proxy_address){0};
    out->any.sa_family = (sa_family_t)family;
    return inet_pton(family, word, family == AF_INET ? (void *)&out->v4.sin_addr : &out->v6.sin6_addr) == 1;
}

static bool parse_port(const char *word, union weir__proxy_address *out)
{
    uint32_t port = 0;

    for (const char *c = word; *c != '\0'; c++) {
        if (*c < '0' || *c > '9' || port > UINT16_MAX || (c > word && *word == '0'))
            return false;
        port = port * 10 + (uint32_t)(*c - '0');
    }
    /* sin_port and sin6_port lie at the same place */
    out->v4.sin_port = htons((uint16_t)port);
    return port <= UINT16_MAX;
}

/* "192.0.2.1 198.51.100.1 56324 443\r", without the words before it. */
static bool parse_addresses(const char *at, const char *end, int family, struct weir__proxy_header *out)
{
    char word[V1_WORD_BYTES];

    return take_word(&at, end, ' ', word) && parse_address(word, family, &out->client) &&
           take_word(&at, end, ' ', word) && parse_address(word, family, &out->server) &&
           take_word(&at, end, ' ', word) && parse_port(word, &out->client) &&
           take_word(&at, end, '\r', word) && parse_port(word, &out->server) && at == end;
}

/* line: behind "PROXY ", up to and with the '\r'. */
static bool parse_line(const char *line, const char *end, struct weir__proxy_header *out)
{
    static const char unknown[] = "UNKNOWN", tcp4[] = "TCP4 ", tcp6[] = "TCP6 ";
    size_t len = (size_t)(end - line);

    if (len >= sizeof unknown && memcmp(line, unknown, sizeof unknown - 1) == 0) {
        out->real = true;
        return line[sizeof unknown - 1] == ' ' || line[sizeof unknown - 1] == '\r';
    }
    if (len < sizeof tcp4)
        return false;
    if (memcmp(line, tcp4, sizeof tcp4 - 1) == 0)
        return parse_addresses(line + sizeof tcp4 - 1, end, AF_INET, out);
    return memcmp(line, tcp6, sizeof tcp6 - 1) == 0 &&
           parse_addresses(line + sizeof tcp6 - 1, end, AF_INET6, out);
}

static int parse_v1(const char *data, size_t len, struct weir__proxy_header *out, const char **fault)
{
    size_t most = len < WEIR__PROXY_V1_BYTES_MAX ? len : WEIR__PROXY_V1_BYTES_MAX;
    const char *newline = memchr(data, '\n', most);

    if (newline == NULL)
        return len < WEIR__PROXY_V1_BYTES_MAX ? 0 : fail(fault, "its first line has more than 107 bytes");
    if (newline - data < (ptrdiff_t)sizeof v1_prefix || newline[-1] != '\r')
        return fail(fault, "its first line does not end with CR LF");
    if (!parse_line(data + sizeof v1_prefix - 1, newline, out))
        return fail(fault, "its first line is malformed");
    return (int)(newline + 1 - data);
}

/* --- version 2: binary --- */

static const char v2_signature[] = "\r\n\r\n\0\r\nQUIT\n";

enum {
    V2_SIGNATURE_BYTES = sizeof v2_signature - 1,
    V2_HEAD_BYTES = V2_SIGNATURE_BYTES + 4, /* with version and command, family, length */
    V2_LOCAL = 0x20,
    V2_PROXY = 0x21,
    V2_INET_BYTES = 12, /* of the addresses of a family */
    V2_INET6_BYTES = 36,
    V2_UNIX_BYTES = 216,
    TLV_HEAD_BYTES = 3,
};

static void copy_inet(const char *at, union weir__proxy_address *client, union weir__proxy_address *server)
{
    *client = *server = (union weir__proxy_address){.v4.sin_family = AF_INET};
    memcpy(&client->v4.sin_addr, at, 4);
    memcpy(&server->v4.sin_addr, at + 4, 4);
    memcpy(&client->v4.sin_port, at + 8, 2);
    memcpy(&server->v4.sin_port, at + 10, 2);
}

static void copy_inet6(const char *at, union weir__proxy_address *client, union weir__proxy_address *server)
{
    *client = *server = (union weir__proxy_address){.v6.sin6_family = AF_INET6};
    memcpy(&client->v6.sin6_addr, at, 16);
    memcpy(&server->v6.sin6_addr, at + 16, 16);
    memcpy(&client->v6.sin6_port, at + 32, 2);
    memcpy(&server->v6.sin6_port, at + 34, 2);
}

/* Sets the addresses of a family. Returns: how many bytes they have; -1: too few are here; -2: the family is
 * none. */
static int take_addresses(unsigned char family, const char *at, size_t len, struct weir__proxy_header *out)
{
    static const int bytes_of[] = {0, V2_INET_BYTES, V2_INET6_BYTES, V2_UNIX_BYTES};
    unsigned address_family = family >> 4, protocol = family & 0xf;
    int bytes;

    if (address_family >= sizeof bytes_of / sizeof *bytes_of || protocol > 2)
        return -2;
    bytes = bytes_of[address_family];
    if (len < (size_t)bytes)
        return -1;
    out->real = address_family == 0 || protocol == 0;
    if (address_family == 1)
        copy_inet(at, &out->client, &out->server);
    else if (address_family == 2)
        copy_inet6(at, &out->client, &out->server);
    else
        out->client.any.sa_family = out->server.any.sa_family = AF_UNIX;
    return bytes;
}

/* What follows the addresses is no more than looked over: types, lengths, and so many bytes. */
static bool are_tlvs(const char *at, size_t len)
{
    const unsigned char *bytes = (const unsigned char *)at;

    while (len >= TLV_HEAD_BYTES) {
        size_t tlv = TLV_HEAD_BYTES + ((size_t)bytes[1] << 8 | bytes[2]);
        if (tlv > len)
            return false;
        bytes += tlv;
        len -= tlv;
    }
    return len == 0;
}

/* The head and all that it announces is here. */
static int parse_v2_block(const char *data, size_t len, struct weir__proxy_header *out, const char **fault)
{
    int bytes;

    if ((unsigned char)data[V2_SIGNATURE_BYTES] == V2_LOCAL) { /* the rest has no meaning */
        out->real = true;
        return (int)len;
    }
    bytes = take_addresses((unsigned char)data[V2_SIGNATURE_BYTES + 1], data + V2_HEAD_BYTES,
                           len - V2_HEAD_BYTES, out);
    if (bytes == -2)
        return fail(fault, "its addresses are of an unknown family or protocol");
    if (bytes < 0)
        return fail(fault, "its length has no room for its addresses");
    if (!are_tlvs(data + V2_HEAD_BYTES + bytes, len - V2_HEAD_BYTES - (size_t)bytes))
        return fail(fault, "a further field is longer than the header");
    return (int)len;
}

static int parse_v2(const char *data, size_t len, struct weir__proxy_header *out, const char **fault)
{
    const unsigned char *head = (const unsigned char *)data;
    size_t bytes;

    if (len > V2_SIGNATURE_BYTES && head[V2_SIGNATURE_BYTES] != V2_LOCAL &&
        head[V2_SIGNATURE_BYTES] != V2_PROXY)
        return fail(fault, "its version or command is unknown");
    if (len < V2_HEAD_BYTES)
        return 0;
    bytes = V2_HEAD_BYTES + ((size_t)head[V2_HEAD_BYTES - 2] << 8 | head[V2_HEAD_BYTES - 1]);
    if (bytes > WEIR__PROXY_V2_BYTES_MAX)
        return fail(fault, "it has more than 4112 bytes");
    return len < bytes ? 0 : parse_v2_block(data, bytes, out, fault);
}

/* --- either --- */

int weir__proxy_header_parse(const char *data, size_t len, struct weir__proxy_header *out, const char **fault)
{
    *out = (struct weir__proxy_header){0};
    if (len == 0)
        return 0;
    if (agrees(data, len, v2_signature, V2_SIGNATURE_BYTES))
        return parse_v2(data, len, out, fault);
    if (agrees(data, len, v1_prefix, sizeof v1_prefix - 1))
        return parse_v1(data, len, out, fault);
    return fail(fault, "there is none");
}
