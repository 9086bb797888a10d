/* SPDX-License-Identifier: MIT */
/* Addresses, listeners, and what is configured for an address. */
#include "io/sim/sim_kernel.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

enum { FIRST_EPHEMERAL = 32768, LAST_EPHEMERAL = 60999 };

struct sim_address weir__sim_address_of(const struct sockaddr *addr, socklen_t len)
{
    struct sim_address a = {.len = len};

    if (len > sizeof a.name)
        a.len = sizeof a.name;
    if (addr != NULL)
        memcpy(&a.name, addr, a.len);
    return a;
}

static uint16_t port_of(const struct sim_address *a)
{
    if (a->name.ss_family == AF_INET)
        return ((const struct sockaddr_in *)&a->name)->sin_port;
    if (a->name.ss_family == AF_INET6)
        return ((const struct sockaddr_in6 *)&a->name)->sin6_port;
    return 0;
}

static void set_port(struct sim_address *a, uint16_t port)
{
    if (a->name.ss_family == AF_INET)
        ((struct sockaddr_in *)&a->name)->sin_port = htons(port);
    else
        ((struct sockaddr_in6 *)&a->name)->sin6_port = htons(port);
}

static bool is_wildcard(const struct sim_address *a)
{
    if (a->name.ss_family == AF_INET)
        return ((const struct sockaddr_in *)&a->name)->sin_addr.s_addr == htonl(INADDR_ANY);
    if (a->name.ss_family == AF_INET6)
        return IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)&a->name)->sin6_addr);
    return false;
}

/* A path ends at its NUL or at the given length; an abstract name is all its bytes. */
static bool same_path(const struct sim_address *a, const struct sim_address *b)
{
    const char *pa = ((const struct sockaddr_un *)&a->name)->sun_path;
    const char *pb = ((const struct sockaddr_un *)&b->name)->sun_path;
    size_t la = a->len - offsetof(struct sockaddr_un, sun_path);
    size_t lb = b->len - offsetof(struct sockaddr_un, sun_path);

    if (la > 0 && pa[0] != '\0')
        la = strnlen(pa, la);
    if (lb > 0 && pb[0] != '\0')
        lb = strnlen(pb, lb);
    return la == lb && memcmp(pa, pb, la) == 0;
}

bool weir__sim_address_equal(const struct sim_address *a, const struct sim_address *b)
{
    if (a->name.ss_family != b->name.ss_family || port_of(a) != port_of(b))
        return false;
    switch (a->name.ss_family) {
    case AF_INET:
        return ((const struct sockaddr_in *)&a->name)->sin_addr.s_addr ==
               ((const struct sockaddr_in *)&b->name)->sin_addr.s_addr;
    case AF_INET6:
        return IN6_ARE_ADDR_EQUAL(&((const struct sockaddr_in6 *)&a->name)->sin6_addr,
                                  &((const struct sockaddr_in6 *)&b->name)->sin6_addr);
    case AF_UNIX:
        return same_path(a, b);
    default:
        return false;
    }
}

struct sim_link *weir__sim_link_to(struct sim *sim, const struct sim_address *to)
{
    struct sim_link *link;

    weir__list_each (node, &sim->links) {
        link = weir__container_of(node, struct sim_link, node);
        if (weir__sim_address_equal(&link->address, to))
            return link;
    }
    link = weir__sim_alloc(sizeof *link);
    link->address = *to;
    weir__list_push_back(&sim->links, &link->node);
    return link;
}

const struct weir__sim_options *weir__sim_link_options(const struct sim *sim, const struct sim_link *link)
{
    return link->overridden ? &link->options : &sim->options;
}

static bool overlap(const struct sim_address *a, const struct sim_address *b)
{
    if (weir__sim_address_equal(a, b))
        return true;
    return a->name.ss_family == b->name.ss_family && port_of(a) == port_of(b) &&
           (is_wildcard(a) || is_wildcard(b));
}

static bool is_taken(const struct sim *sim, const struct sim_address *wanted, bool reuse_port)
{
    weir__list_each (node, &sim->listeners) {
        struct sim_socket *l = weir__container_of(node, struct sim_socket, listener);
        if (overlap(&l->bound, wanted) && !(reuse_port && l->reuse_port))
            return true;
    }
    return false;
}

static uint16_t next_port(struct sim *sim)
{
    if (sim->next_port < FIRST_EPHEMERAL || sim->next_port > LAST_EPHEMERAL)
        sim->next_port = FIRST_EPHEMERAL;
    return sim->next_port++;
}

int weir__sim_bind(struct sim *sim, const struct sim_address *wanted, bool reuse_port,
                   struct sim_address *bound)
{
    size_t shortest;

    switch (wanted->name.ss_family) {
    case AF_INET:
        shortest = sizeof(struct sockaddr_in);
        break;
    case AF_INET6:
        shortest = offsetof(struct sockaddr_in6, sin6_scope_id);
        break;
    case AF_UNIX:
        shortest = offsetof(struct sockaddr_un, sun_path) + 1;
        break;
    default:
        return -EAFNOSUPPORT;
    }
    if (wanted->len < shortest)
        return -EINVAL;
    *bound = *wanted;
    if (wanted->name.ss_family == AF_UNIX || port_of(wanted) != 0)
        return is_taken(sim, bound, reuse_port) ? -EADDRINUSE : 0;
    for (int tries = FIRST_EPHEMERAL; tries <= LAST_EPHEMERAL; tries++) {
        set_port(bound, next_port(sim));
        if (!is_taken(sim, bound, false))
            return 0;
    }
    return -EADDRINUSE;
}

/* An exact address beats a wildcard. Among listeners that share an address by reuse_port the seed chooses. */
struct sim_socket *weir__sim_find_listener(struct sim *sim, const struct sim_address *to)
{
    struct sim_socket *found = NULL;
    bool exact = false;
    uint64_t candidates = 0;

    weir__list_each (node, &sim->listeners) {
        struct sim_socket *l = weir__container_of(node, struct sim_socket, listener);
        bool same = weir__sim_address_equal(&l->bound, to);
        if (!same && (exact || !is_wildcard(&l->bound) || !overlap(&l->bound, to)))
            continue;
        if (same && !exact) {
            exact = true;
            candidates = 0;
        }
        candidates++;
        if (candidates == 1 || weir__random_below(&sim->random, candidates) == 0)
            found = l;
    }
    return found;
}

struct sim_address weir__sim_client_address(struct sim *sim, const struct sim_address *to)
{
    struct sim_address a = {0};

    a.name.ss_family = to->name.ss_family;
    switch (to->name.ss_family) {
    case AF_INET:
        a.len = sizeof(struct sockaddr_in);
        ((struct sockaddr_in *)&a.name)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        set_port(&a, next_port(sim));
        break;
    case AF_INET6:
        a.len = sizeof(struct sockaddr_in6);
        ((struct sockaddr_in6 *)&a.name)->sin6_addr = (struct in6_addr)IN6ADDR_LOOPBACK_INIT;
        set_port(&a, next_port(sim));
        break;
    default:
        a.len = sizeof(sa_family_t);
    }
    return a;
}
