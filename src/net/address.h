/* SPDX-License-Identifier: MIT */
/* Addresses as text, and those that can be known without waiting.
 *
 * Threading: pure functions, but for weir__resolve(), which reads the hosts file when it is asked for a name.
 */
#ifndef WEIR__ADDRESS_H
#define WEIR__ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <weir/address.h>
#include <weir/error.h>
#include <weir/stream.h>

enum { WEIR__ADDRESSES_MAX = 16, WEIR__HOST_BYTES = 256 };

struct weir__io_file;
struct weir__ip;
struct weir__look;
struct weir__loop;
struct weir__task;

struct weir__address {
    socklen_t len;
    union {
        struct sockaddr any;
        struct sockaddr_storage storage;
    };
};

/* "host:port", taken apart, or a Unix path. */
struct weir__endpoint {
    bool is_unix;
    struct weir__address unix_path;
    enum weir_host_type host_type;
    uint8_t host_len;
    char host[WEIR__HOST_BYTES]; /* without brackets */
    uint16_t port;
};

/* Returns: 0, or -EINVAL. */
int weir__endpoint_parse(const char *text, struct weir__endpoint *out) WEIR_CHECKED;

/* A literal IPv4 or IPv6 address. Returns: 0, or -EINVAL when host is none. */
int weir__address_of_literal(const char *host, uint16_t port, struct weir__address *out) WEIR_CHECKED;

/* An address with a port. */
struct weir__address weir__address_of_ip(const struct weir__ip *ip, uint16_t port);

/* "127.0.0.1:80", "[::1]:80", "unix:/path"; "unix" for a socket without a path. Writes WEIR_ADDRESS_BYTES at
 * most and returns text. */
const char *weir__address_format(const struct sockaddr *addr, socklen_t len, char *text);

/* The same of one end of a connection: "unix" for every Unix socket. */
const char *weir__address_format_end(const struct sockaddr_storage *addr, socklen_t len, char *text);

/* Writes the IP address as IPv6 has it, that of IPv4 as ::ffff:192.0.2.1. Returns: false: it has none. */
bool weir__address_ip(const struct sockaddr_storage *addr, unsigned char out[16]);

/* The addresses to listen on: of a Unix path, a literal, or a name of the hosts file; localhost is always
 * known. In the order of weir__addresses_alternate().
 * Returns: their number, > 0; -WEIR_EDNS. */
int weir__resolve(const struct weir__endpoint *endpoint,
                  struct weir__address out[WEIR__ADDRESSES_MAX]) WEIR_CHECKED;

/* Puts addresses in the order in which they are to be tried: the families take turns, IPv6 first (RFC 8305,
 * 4). Keeps the order of each family. count: at most WEIR__ADDRESSES_MAX. */
void weir__addresses_alternate(struct weir__address *list, int count);

#endif
