/* SPDX-License-Identifier: MIT */
#include "support/dns_server.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD_BYTES = 12, TCP_TRIES = 64 };

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    abort();
}

/* --- messages --- */

size_t dns_wire_name(const char *name, uint8_t *out)
{
    size_t len = 0;

    while (*name != '\0') {
        size_t label = strcspn(name, ".");
        out[len++] = (uint8_t)label;
        memcpy(out + len, name, label);
        len += label;
        name += label + (name[label] == '.');
    }
    out[len++] = 0;
    return len;
}

static void put_u16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put_u32(uint8_t *at, uint32_t value)
{
    put_u16(at, value >> 16);
    put_u16(at + 2, value & 0xffff);
}

static unsigned get_u16(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

void dns_begin(struct dns_message *m, const struct dns_query *query, int rcode)
{
    memcpy(m->bytes, query->bytes, query->question_end);
    m->len = query->question_end;
    m->bytes[2] = 0x81; /* an answer; recursion was desired */
    m->bytes[3] = (uint8_t)(0x80 | rcode);
    memset(m->bytes + 6, 0, 6);
}

void dns_add(struct dns_message *m, int section, const char *owner, int type, uint32_t ttl, const void *data,
             size_t len)
{
    uint8_t *count = m->bytes + 6 + 2 * section;

    put_u16(count, get_u16(count) + 1);
    m->len += dns_wire_name(owner, m->bytes + m->len);
    put_u16(m->bytes + m->len, (unsigned)type);
    put_u16(m->bytes + m->len + 2, 1);
    put_u32(m->bytes + m->len + 4, ttl);
    put_u16(m->bytes + m->len + 8, (unsigned)len);
    memcpy(m->bytes + m->len + 10, data, len);
    m->len += 10 + len;
}

void dns_add_a(struct dns_message *m, const char *owner, uint32_t ttl, const char *address)
{
    uint8_t bytes[16];
    bool six = strchr(address, ':') != NULL;

    must(inet_pton(six ? AF_INET6 : AF_INET, address, bytes) == 1, "an address of the test");
    dns_add(m, DNS_ANSWER, owner, six ? DNS_AAAA : DNS_A, ttl, bytes, six ? 16 : 4);
}

void dns_add_cname(struct dns_message *m, const char *owner, uint32_t ttl, const char *target)
{
    uint8_t wire[256];

    dns_add(m, DNS_ANSWER, owner, DNS_CNAME, ttl, wire, dns_wire_name(target, wire));
}

void dns_add_soa(struct dns_message *m, const char *zone, uint32_t ttl, uint32_t minimum)
{
    uint8_t data[600] = {0};
    size_t len = dns_wire_name("ns.example", data);

    len += dns_wire_name("hostmaster.example", data + len);
    put_u32(data + len + 16, minimum);
    dns_add(m, DNS_AUTHORITY, zone, DNS_SOA, ttl, data, len + 20);
}

void dns_send(const struct dns_query *query, const struct dns_message *m)
{
    (void)sendto(query->fd, m->bytes, m->len, 0, (const struct sockaddr *)&query->from, sizeof query->from);
}

/* --- queries --- */

static bool read_query(const uint8_t *bytes, size_t len, struct dns_query *out)
{
    size_t at = HEAD_BYTES, written = 0;

    if (len < HEAD_BYTES)
        return false;
    while (at < len && bytes[at] != 0) {
        size_t label = bytes[at++];
        if (label > 63 || at + label > len || written + label + 2 > sizeof out->name)
            return false;
        if (written > 0)
            out->name[written++] = '.';
        for (size_t i = 0; i < label; i++)
            out->name[written++] = (char)tolower(bytes[at + i]);
        at += label;
    }
    if (at + 5 > len)
        return false;
    out->name[written] = '\0';
    out->type = (int)get_u16(bytes + at + 1);
    out->question_end = at + 5;
    out->has_edns = get_u16(bytes + 10) > 0;
    out->bytes = bytes;
    out->len = len;
    return true;
}

static void serve_udp(struct dns_server *s)
{
    static __thread struct dns_message reply;
    uint8_t bytes[2000];
    struct dns_query query = {.fd = s->udp};
    socklen_t from_len = sizeof query.from;
    ssize_t len = recvfrom(s->udp, bytes, sizeof bytes, 0, (struct sockaddr *)&query.from, &from_len);

    if (len <= 0 || !read_query(bytes, (size_t)len, &query))
        return;
    atomic_fetch_add(&s->asked, 1);
    if (s->answer(s->arg, &query, &reply))
        dns_send(&query, &reply);
}

static bool read_all(int fd, uint8_t *to, size_t len)
{
    while (len > 0) {
        ssize_t got = read(fd, to, len);
        if (got <= 0)
            return false;
        to += got;
        len -= (size_t)got;
    }
    return true;
}

/* One query of one connection, which c-ares ends. */
static void serve_tcp(struct dns_server *s)
{
    static __thread struct dns_message reply;
    const struct timeval patience = {.tv_sec = 2};
    struct dns_query query = {.is_tcp = true, .fd = s->udp};
    uint8_t head[2], bytes[2000];
    int fd = accept(s->tcp, NULL, NULL);

    if (fd < 0)
        return;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    while (read_all(fd, head, 2) && get_u16(head) <= sizeof bytes && read_all(fd, bytes, get_u16(head)) &&
           read_query(bytes, get_u16(head), &query)) {
        atomic_fetch_add(&s->asked, 1);
        if (!s->answer(s->arg, &query, &reply))
            break;
        put_u16(head, (unsigned)reply.len);
        if (send(fd, head, 2, MSG_NOSIGNAL) < 2 || send(fd, reply.bytes, reply.len, MSG_NOSIGNAL) < 0)
            break;
    }
    close(fd);
}

static void *serve(void *arg)
{
    struct dns_server *s = arg;

    for (;;) {
        struct pollfd fds[] = {{s->stop[0], POLLIN, 0}, {s->udp, POLLIN, 0}, {s->tcp, POLLIN, 0}};
        (void)poll(fds, 3, -1);
        if (fds[0].revents != 0)
            return NULL;
        if (fds[1].revents != 0)
            serve_udp(s);
        if (fds[2].revents != 0)
            serve_tcp(s);
    }
}

/* --- opening and closing --- */

/* Binds both sockets to one port of the system's choice. */
static bool bind_both(struct dns_server *s)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;

    s->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    s->tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(s->udp >= 0 && s->tcp >= 0, "socket");
    must(bind(s->tcp, (struct sockaddr *)&at, sizeof at) == 0, "bind");
    must(getsockname(s->tcp, (struct sockaddr *)&at, &len) == 0, "getsockname");
    (void)snprintf(s->address, sizeof s->address, "127.0.0.1:%d", ntohs(at.sin_port));
    if (bind(s->udp, (struct sockaddr *)&at, sizeof at) == 0 && listen(s->tcp, 16) == 0)
        return true;
    close(s->udp);
    close(s->tcp);
    return false;
}

void dns_server_open(struct dns_server *s,
                     bool (*answer)(void *, const struct dns_query *, struct dns_message *), void *arg)
{
    int tries = 0;

    memset(s, 0, sizeof *s);
    s->answer = answer;
    s->arg = arg;
    while (!bind_both(s))
        must(++tries < TCP_TRIES, "a port that is free for UDP and TCP");
    must(pipe(s->stop) == 0, "pipe");
    must(pthread_create(&s->thread, NULL, serve, s) == 0, "pthread_create");
}

void dns_server_close(struct dns_server *s)
{
    must(write(s->stop[1], "", 1) == 1, "write");
    (void)pthread_join(s->thread, NULL);
    close(s->stop[0]);
    close(s->stop[1]);
    close(s->udp);
    close(s->tcp);
}
