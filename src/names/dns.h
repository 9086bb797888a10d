/* SPDX-License-Identifier: MIT */
/* The inside of the source that asks DNS servers: what dns.c and dns_socket.c share.
 *
 * A question of both families has a channel of c-ares of its own. So a look-up is stopped exactly, and every
 * one has a random port of its own, which an answer must find (RFC 5452).
 *
 * Threading: the loop's thread. Functions of c-ares are called from the loop's own stack.
 */
#ifndef WEIR__NAMES_DNS_H
#define WEIR__NAMES_DNS_H

#include <ares.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "core/loop.h"
#include "names/lookup.h"

struct weir__dns;

/* An answer on its way out of c-ares. */
struct weir__dns_question {
    struct weir__dns *dns;
    uint8_t family;
    bool is_done, is_told;
    struct weir__answer answer;
};

struct weir__dns {
    struct weir__lookup *lookup;
    ares_channel channel;
    struct weir__list sockets;
    struct weir__timeout timeout; /* when c-ares wants to be called */
    struct weir__dns_question questions[2];
    char name[WEIR__NAME_BYTES];
    bool is_plain;      /* asked without EDNS */
    bool has_passed_on; /* the first server has been passed over for this */
    /* for words about a failure */
    int error;                            /* of a socket; 0: none */
    unsigned rcode;                       /* of the latest answer that was none; 0: there was none */
    char server[WEIR__NAME_SERVER_BYTES]; /* that it came from */
};

/* Has c-ares make its sockets here. */
void weir__dns_use_sockets(struct weir__dns *dns);

/* Polls what c-ares wants to have polled. */
void weir__dns_poll(struct weir__dns *dns);

/* Returns: a socket whose error some questions have not learnt of; ARES_SOCKET_BAD. */
ares_socket_t weir__dns_failed_socket(const struct weir__dns *dns);

/* A descriptor is ready, or the time is over (ARES_SOCKET_BAD for both). dns may be freed by it. */
void weir__dns_process(struct weir__dns *dns, int readable, int writable);

/* c-ares says what it wants of a descriptor: struct ares_options. */
void weir__dns_socket_wanted(void *dns, ares_socket_t fd, int readable, int writable);

#endif
