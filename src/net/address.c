/* SPDX-License-Identifier: MIT */
#include "net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include <weir/address.h>

#include "names/ip.h"

static void fill_unix(weir_bytes path, struct weir__endpoint *out)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&out->unix_path.storage;

    *un = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(un->sun_path, path.data, path.len);
    out->unix_path.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len + 1);
    out->is_unix = true;
}

int weir__endpoint_parse(const char *text, struct weir__endpoint *out)
{
    weir_address address;
    int err = weir_address_parse(weir_bytes_of(text), &address, NULL);

    if (err < 0)
        return err;
    *out = (struct weir__endpoint){.port = address.port, .host_type = address.host_type};
    if (address.path.len > 0) {
        fill_unix(address.path, out);
        return 0;
    }
    out->host_len = (uint8_t)address.host.len; /* a valid host is shorter than WEIR__HOST_BYTES */
    memcpy(out->host, address.host.data, address.host.len);
    return 0;
}

struct weir__address weir__address_of_ip(const struct weir__ip *ip, uint16_t port)
{
    struct weir__address out = {0};
    struct sockaddr_in *in = (void *)&out.storage;
    struct sockaddr_in6 *in6 = (void *)&out.storage;

    if (ip->family == WEIR__IPV4) {
        out.len = sizeof *in;
        *in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
        memcpy(&in->sin_addr, ip->bytes, sizeof in->sin_addr);
    } else {
        out.len = sizeof *in6;
        *in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
        memcpy(&in6->sin6_addr, ip->bytes, sizeof in6->sin6_addr);
    }
    return out;
}

int weir__address_of_literal(const char *host, uint16_t port, struct weir__address *out)
{
    struct weir__ip ip;
    int err = weir__ip_parse(host, strlen(host), &ip);

    if (err == 0)
        *out = weir__address_of_ip(&ip, port);
    return err;
}

static void format_unix(const struct sockaddr *addr, socklen_t len, char *text)
{
    const struct sockaddr_un *un = (const struct sockaddr_un *)(const void *)addr;

    if (len <= offsetof(struct sockaddr_un, sun_path) || un->sun_path[0] == '\0')
        (void)snprintf(text, WEIR_ADDRESS_BYTES, "unix");
    else
        (void)snprintf(text, WEIR_ADDRESS_BYTES, "unix:%.*s", (int)(sizeof un->sun_path), un->sun_path);
}

const char *weir__address_format(const struct sockaddr *addr, socklen_t len, char *text)
{
    char host[INET6_ADDRSTRLEN] = "?";
    const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)addr;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)addr;

    switch (addr->sa_family) {
    case AF_INET:
        (void)inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
        (void)snprintf(text, WEIR_ADDRESS_BYTES, "%s:%u", host, ntohs(in->sin_port));
        break;
    case AF_INET6:
        (void)inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
        (void)snprintf(text, WEIR_ADDRESS_BYTES, "[%s]:%u", host, ntohs(in6->sin6_port));
        break;
    default:
        format_unix(addr, len, text);
    }
    return text;
}

const char *weir__address_format_end(const struct sockaddr_storage *addr, socklen_t len, char *text)
{
    return addr->ss_family == AF_UNIX ? strcpy(text, "unix")
                                      : weir__address_format((const struct sockaddr *)addr, len, text);
}

bool weir__address_ip(const struct sockaddr_storage *addr, unsigned char out[16])
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (addr->ss_family == AF_INET) {
        memcpy(out, mapped, sizeof mapped);
        memcpy(out + sizeof mapped, &((const struct sockaddr_in *)addr)->sin_addr, 4);
    } else if (addr->ss_family == AF_INET6) {
        memcpy(out, &((const struct sockaddr_in6 *)addr)->sin6_addr, 16);
    }
    return addr->ss_family == AF_INET || addr->ss_family == AF_INET6;
}
