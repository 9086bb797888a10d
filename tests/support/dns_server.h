/* SPDX-License-Identifier: MIT */
/* A DNS server on loopback, on a thread of its own, by UDP and TCP at one port; the test decides what it
 * answers.
 *
 * Threading: dns_server_open() and dns_server_close() on the thread of the test; answer() is called on the
 * server's.
 */
#ifndef TEST_SUPPORT_DNS_SERVER_H
#define TEST_SUPPORT_DNS_SERVER_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DNS_A = 1, DNS_CNAME = 5, DNS_SOA = 6, DNS_AAAA = 28, DNS_OPT = 41 };
enum { DNS_OK = 0, DNS_FORMERR = 1, DNS_SERVFAIL = 2, DNS_NO_NAME = 3, DNS_REFUSED = 5 };
enum { DNS_ANSWER, DNS_AUTHORITY, DNS_ADDITIONAL };

struct dns_query {
    char name[256]; /* as asked, in lower case */
    int type;
    bool is_tcp, has_edns;
    size_t question_end; /* behind the question, in bytes */
    const uint8_t *bytes;
    size_t len;
    int fd; /* of UDP, and who asked: to send more than one answer */
    struct sockaddr_in from;
};

struct dns_message {
    size_t len;
    uint8_t bytes[65535];
};

struct dns_server {
    char address[32]; /* "127.0.0.1:5300" */
    atomic_int asked; /* queries so far */
    /* Fills the reply. Returns: whether it is sent. */
    bool (*answer)(void *arg, const struct dns_query *query, struct dns_message *reply);
    void *arg;

    /* private */
    int udp, tcp, stop[2];
    pthread_t thread;
};

void dns_server_open(struct dns_server *s,
                     bool (*answer)(void *, const struct dns_query *, struct dns_message *), void *arg);
void dns_server_close(struct dns_server *s);

/* --- making messages --- */

/* The head and the question, with no records yet. */
void dns_begin(struct dns_message *m, const struct dns_query *query, int rcode);

/* Appends a record; sections in their order. owner: a name as text. */
void dns_add(struct dns_message *m, int section, const char *owner, int type, uint32_t ttl, const void *data,
             size_t len);
void dns_add_a(struct dns_message *m, const char *owner, uint32_t ttl,
               const char *address); /* IPv4 or IPv6 */
void dns_add_cname(struct dns_message *m, const char *owner, uint32_t ttl, const char *target);
void dns_add_soa(struct dns_message *m, const char *zone, uint32_t ttl, uint32_t minimum);

/* A name as labels. Returns: its length. */
size_t dns_wire_name(const char *name, uint8_t *out);

/* Sends a message to who asked, by UDP, from the server's own socket. */
void dns_send(const struct dns_query *query, const struct dns_message *m);

#endif
