/* SPDX-License-Identifier: MIT */
/* Addresses as text: "127.0.0.1:8080", "[::1]:8080", "localhost:8080", "unix:/run/x.sock". The grammar is
 * that of weir_listen() and weir_connect(), so a configuration that is checked with these functions can be
 * served.
 *
 * Threading: everything here may be called from any thread, does not wait and allocates nothing.
 */
#ifndef WEIR_ADDRESS_H
#define WEIR_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/buffer.h>
#include <weir/error.h>
#include <weir/text.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a host is. */
enum weir_host_type {
    WEIR_HOST_INVALID,
    WEIR_HOST_NAME, /* labels of letters, digits, '-' and '_' between dots; the last one is not a number. A
                       dot at the end makes the name absolute: "svc.ns." */
    WEIR_HOST_IPV4, /* "192.0.2.1": four decimal numbers, none with a leading zero */
    WEIR_HOST_IPV6, /* "2001:db8::1", without brackets and without a zone */
};

/* An address, taken apart. */
typedef struct weir_address {
    enum weir_host_type host_type; /* WEIR_HOST_INVALID for a Unix socket */
    weir_bytes host;               /* without brackets; empty for a Unix socket */
    uint16_t port;                 /* 0 to 65535; 0 for a Unix socket */
    weir_bytes path;               /* of a Unix socket; else empty */
} weir_address;

/* Classifies a host. A name has at most 253 characters, a dot at its end not counted, and each of its labels
 * at most 63. A name whose last label is a number is invalid, because some programs would read it as an
 * address.
 * Owns:    nothing.
 * Returns: its type; WEIR_HOST_INVALID if it can't be a host, also for "[::1]" with its brackets.
 * Where:   any thread.
 */
enum weir_host_type weir_host_type_of(weir_bytes host);

/* Removes the dot at the end of an absolute name. The dot is for resolving alone (<weir/resolver.h>): the
 * Host field, the server name of TLS, the hosts file and comparisons go without it.
 * Owns:    the result points into host.
 * Returns: host, or all of it but the dot.
 * Where:   any thread.
 */
static inline weir_bytes weir_host_without_dot(weir_bytes host)
{
    if (host.len > 1 && host.data[host.len - 1] == '.')
        host.len--;
    return host;
}

/* Reports whether a host is the name localhost, in whatever case, with or without the dot of an absolute
 * name.
 * Owns:    nothing.
 * Where:   any thread.
 */
static inline bool weir_host_is_localhost(weir_bytes host)
{
    return weir_bytes_equal_nocase(weir_host_without_dot(host), weir_bytes_of("localhost"));
}

/* Parses a port: digits alone, 0 to 65535, at most five of them.
 * Owns:    nothing; *out is written only on success.
 * Returns: 0; -EINVAL not a port.
 * Where:   any thread.
 */
WEIR_CHECKED int weir_port_parse(weir_bytes text, uint16_t *out);

/* Parses "HOST:PORT", "[IPV6]:PORT" or "unix:PATH". The path of a Unix socket has 1 to 107 bytes.
 * Owns:    the spans in out point into text; *out is written only on success. fault may be NULL.
 * Returns: 0; -EINVAL not an address, and *fault says what was expected where.
 * Where:   any thread.
 */
WEIR_CHECKED int weir_address_parse(weir_bytes text, weir_address *out, weir_text_fault *fault);

/* Formats an address as weir_address_parse() reads it, with brackets around an IPv6 host. WEIR_ADDRESS_BYTES
 * (<weir/stream.h>) suffices for every address but one with a name of more than 121 characters.
 * Owns:    writes at most room bytes to out, with a NUL.
 * Returns: the length of the text; -WEIR_ETOOLARGE no room, and out is "" if room > 0.
 * Where:   any thread.
 */
WEIR_CHECKED int weir_address_format(const weir_address *address, char *out, size_t room);

#ifdef __cplusplus
}
#endif
#endif
