/* SPDX-License-Identifier: MIT */
/* The addresses of a host to listen on: literals, and lines of the hosts file. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <weir/address.h>

#include "names/hosts.h"
#include "net/address.h"

static const char hosts_path[] = "/etc/hosts";

static bool take_next(const struct weir__address *from, int count, int *at, sa_family_t family,
                      struct weir__address *out)
{
    for (; *at < count; (*at)++)
        if (from[*at].any.sa_family == family) {
            *out = from[(*at)++];
            return true;
        }
    return false;
}

void weir__addresses_alternate(struct weir__address *list, int count)
{
    struct weir__address from[WEIR__ADDRESSES_MAX];
    int six = 0, four = 0, n = 0;

    memcpy(from, list, (size_t)count * sizeof *list);
    while (n < count) {
        if (take_next(from, count, &six, AF_INET6, &list[n]))
            n++;
        if (n < count && take_next(from, count, &four, AF_INET, &list[n]))
            n++;
    }
}

int weir__resolve(const struct weir__endpoint *endpoint, struct weir__address out[WEIR__ADDRESSES_MAX])
{
    struct weir__ip ips[WEIR__ADDRESSES_MAX];
    char name[WEIR__HOST_BYTES];
    int count;

    if (endpoint->is_unix) {
        out[0] = endpoint->unix_path;
        return 1;
    }
    if (weir__address_of_literal(endpoint->host, endpoint->port, &out[0]) == 0)
        return 1;
    (void)snprintf(name, sizeof name, "%.*s", (int)weir_host_without_dot(weir_bytes_of(endpoint->host)).len,
                   endpoint->host);
    count = weir__hosts_read(hosts_path, name, ips, WEIR__ADDRESSES_MAX);
    if (count == 0 && weir_host_is_localhost(weir_bytes_of(name))) {
        ips[count++] = weir__ip_loopback(WEIR__IPV6);
        ips[count++] = weir__ip_loopback(WEIR__IPV4);
    }
    if (count == 0)
        return -WEIR_EDNS;
    for (int i = 0; i < count; i++)
        out[i] = weir__address_of_ip(&ips[i], endpoint->port);
    weir__addresses_alternate(out, count);
    return count;
}
