/* SPDX-License-Identifier: MIT */
#include "net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

enum { NAME_CHARS_MAX = 253 };

static const char unix_prefix[] = "unix:";

static int parse_unix(const char *path, struct weir__endpoint *out)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&out->unix_path.storage;
    size_t n = strlen(path);

    if (n == 0 || n >= sizeof un->sun_path)
        return -EINVAL;
    *un = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(un->sun_path, path, n + 1);
    out->unix_path.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
    out->is_unix = true;
    return 0;
}

static int parse_port(const char *text, uint16_t *port)
{
    unsigned value = 0;

    if (*text == '\0' || strlen(text) > 5)
        return -EINVAL;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return -EINVAL;
        value = value * 10 + (unsigned)(*text - '0');
    }
    if (value > UINT16_MAX)
        return -EINVAL;
    *port = (uint16_t)value;
    return 0;
}

static bool is_label(const char *label, size_t n)
{
    if (n < 1 || n > 63 || label[0] == '-' || label[n - 1] == '-')
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = label[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                    c == '_';
        if (!fine)
            return false;
    }
    return true;
}

/* Whether the last label of a name is a number: some programs would read it as an address, others not. */
static bool is_name(const char *host)
{
    const char *label = host, *dot;

    if (strlen(host) > NAME_CHARS_MAX)
        return false;
    while ((dot = strchr(label, '.')) != NULL) {
        if (!is_label(label, (size_t)(dot - label)))
            return false;
        label = dot + 1;
    }
    return is_label(label, strlen(label)) && label[strspn(label, "0123456789")] != '\0';
}

static bool is_host(const struct weir__endpoint *e)
{
    struct weir__address literal;
    bool is_literal = weir__address_of_literal(e->host, 0, &literal) == 0;

    if (e->bracketed)
        return is_literal && literal.any.sa_family == AF_INET6;
    return is_literal || is_name(e->host);
}

int weir__endpoint_parse(const char *text, struct weir__endpoint *out)
{
    const char *host = text, *end, *colon;

    *out = (struct weir__endpoint){0};
    if (strncmp(text, unix_prefix, sizeof unix_prefix - 1) == 0)
        return parse_unix(text + sizeof unix_prefix - 1, out);
    if (*text == '[') {
        host = text + 1;
        end = strchr(host, ']');
        if (end == NULL || end[1] != ':')
            return -EINVAL;
        colon = end + 1;
        out->bracketed = true;
    } else {
        end = colon = strchr(text, ':');
        if (colon == NULL || strchr(colon + 1, ':') != NULL)
            return -EINVAL; /* an IPv6 address needs its brackets */
    }
    if (end == host || (size_t)(end - host) >= sizeof out->host)
        return -EINVAL;
    memcpy(out->host, host, (size_t)(end - host));
    return is_host(out) ? parse_port(colon + 1, &out->port) : -EINVAL;
}

int weir__address_of_literal(const char *host, uint16_t port, struct weir__address *out)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, host, &in.sin_addr) == 1) {
        memcpy(&out->storage, &in, sizeof in);
        out->len = sizeof in;
        return 0;
    }
    if (inet_pton(AF_INET6, host, &in6.sin6_addr) == 1) {
        memcpy(&out->storage, &in6, sizeof in6);
        out->len = sizeof in6;
        return 0;
    }
    return -EINVAL;
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
