/* SPDX-License-Identifier: MIT */
/* Resolving host names: literals, and lines of the hosts file. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "net/address.h"
#include "net/hosts.h"

static const char hosts_path[] = "/etc/hosts";

static int find_localhost(uint16_t port, struct weir__address out[WEIR__ADDRESSES_MAX])
{
    return weir__address_of_literal("::1", port, &out[0]) == 0 &&
                   weir__address_of_literal("127.0.0.1", port, &out[1]) == 0
               ? 2
               : 0;
}

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
    int count;

    if (endpoint->is_unix) {
        out[0] = endpoint->unix_path;
        return 1;
    }
    if (weir__address_of_literal(endpoint->host, endpoint->port, &out[0]) == 0)
        return 1;
    count = weir__hosts_read(hosts_path, endpoint->host, endpoint->port, out);
    if (count == 0 && strcasecmp(endpoint->host, "localhost") == 0)
        count = find_localhost(endpoint->port, out);
    if (count == 0)
        return -WEIR_EDNS;
    weir__addresses_alternate(out, count);
    return count;
}
