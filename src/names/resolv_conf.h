/* SPDX-License-Identifier: MIT */
/* resolv.conf(5): servers, the search list, options.
 *
 * Threading: pure functions.
 */
#ifndef WEIR__NAMES_RESOLV_CONF_H
#define WEIR__NAMES_RESOLV_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>
#include <weir/resolver.h>

#include "names/ip.h"

enum {
    WEIR__NAME_BYTES = 256,        /* room for a name of 253 characters, a final dot, and its NUL */
    WEIR__CONF_SERVERS_MAX = 3,    /* as the C library's */
    WEIR__SEARCH_MAX = 32,         /* domains of the search list */
    WEIR__SEARCH_BYTES = 2048,     /* of all domains together */
    WEIR__NDOTS_MAX = 15,          /* as the C library's */
    WEIR__CONF_TIMEOUT_MAX_S = 30, /* as the C library's */
    WEIR__CONF_ATTEMPTS_MAX = 5,   /* as the C library's */
    WEIR__DNS_PORT = 53,
    WEIR__NAME_SERVER_BYTES = WEIR_IP_BYTES + 8, /* room for a server as text */
};

struct weir__name_server {
    struct weir__ip ip;
    uint16_t port;
};

struct weir__resolv_conf {
    struct weir__name_server servers[WEIR_RESOLVER_SERVERS_MAX];
    int server_count;
    const char *search[WEIR__SEARCH_MAX]; /* in search_text */
    int search_count;
    char search_text[WEIR__SEARCH_BYTES];
    int ndots;     /* names with fewer dots are looked for in the search list first [1] */
    int timeout_s; /* of an attempt; 0: not given */
    int attempts;  /* 0: not given */
    bool rotate;   /* look-ups begin with each server in turn */
};

/* Reads "10.0.0.2", "2001:db8::1", "10.0.0.2:5300" or "[2001:db8::1]:5300". Returns: 0; -EINVAL. */
int weir__name_server_parse(const char *text, size_t len, struct weir__name_server *out) WEIR_CHECKED;

/* "10.0.0.2:53", "[2001:db8::1]:53". Returns: out. */
const char *weir__name_server_format(const struct weir__name_server *server,
                                     char out[WEIR__NAME_SERVER_BYTES]);

/* Reads the text of a resolv.conf. What is wrong is passed over, as the C library does. Without a server it
 * is the one of this machine. */
void weir__resolv_conf_read(const char *text, size_t len, struct weir__resolv_conf *out);

/* --- the search list --- */

/* Makes the nth full name, n = 0, 1, …, that a name may stand for (as resolver(3) says): a name with enough
 * dots is tried as it is first, another one last. A name that ends in a dot is only tried as it is.
 * Returns: its length, without a final dot; 0: there are no further ones. */
size_t weir__search_name(const struct weir__resolv_conf *conf, const char *name, size_t len, int n,
                         char out[WEIR__NAME_BYTES]);

#endif
