/* SPDX-License-Identifier: MIT */
#include "names/ip.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

int weir__ip_parse(const char *text, size_t len, struct weir__ip *out)
{
    char copy[WEIR_IP_BYTES];

    if (len >= sizeof copy)
        return -EINVAL;
    memcpy(copy, text, len);
    copy[len] = '\0';
    *out = (struct weir__ip){.family = memchr(copy, ':', len) != NULL ? WEIR__IPV6 : WEIR__IPV4};
    return inet_pton(out->family == WEIR__IPV6 ? AF_INET6 : AF_INET, copy, out->bytes) == 1 ? 0 : -EINVAL;
}

const char *weir__ip_format(const struct weir__ip *ip, char out[WEIR_IP_BYTES])
{
    if (inet_ntop(ip->family == WEIR__IPV6 ? AF_INET6 : AF_INET, ip->bytes, out, WEIR_IP_BYTES) == NULL)
        out[0] = '\0';
    return out;
}

int weir__ip_compare(const struct weir__ip *a, const struct weir__ip *b)
{
    return a->family != b->family ? a->family - b->family : memcmp(a->bytes, b->bytes, weir__ip_bytes(a));
}

bool weir__ip_is_in(const struct weir__ip *list, size_t count, const struct weir__ip *ip)
{
    for (size_t i = 0; i < count; i++)
        if (weir__ip_compare(&list[i], ip) == 0)
            return true;
    return false;
}

struct weir__ip weir__ip_loopback(uint8_t family)
{
    if (family == WEIR__IPV4)
        return (struct weir__ip){WEIR__IPV4, {127, 0, 0, 1}};
    return (struct weir__ip){WEIR__IPV6, {[15] = 1}};
}
