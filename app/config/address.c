/* SPDX-License-Identifier: MIT */
#include "config/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include <weir/stream.h>

_Static_assert(WEIR_ADDRESS_BYTES == 128, "a fault names this number");

static const char expected_address[] = "HOST:PORT, [IPV6]:PORT or unix:PATH";

int port_parse(const char *text, size_t length)
{
    int port = 0;

    if (length < 1 || length > 5)
        return -1;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        port = port * 10 + (text[i] - '0');
    }
    return port <= 65535 ? port : -1;
}

static bool parse_ip(int family, const char *host, size_t length, void *out)
{
    char text[INET6_ADDRSTRLEN];

    if (length >= sizeof text)
        return false;
    memcpy(text, host, length);
    text[length] = '\0';
    return inet_pton(family, text, out) == 1;
}

bool host_is_ipv6(const char *host, size_t length)
{
    struct in6_addr address;

    return parse_ip(AF_INET6, host, length, &address);
}

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_label(const char *label, size_t length)
{
    if (length < 1 || length > 63 || label[0] == '-' || label[length - 1] == '-')
        return false;
    for (size_t i = 0; i < length; i++)
        if (!is_alnum(label[i]) && label[i] != '-' && label[i] != '_')
            return false;
    return true;
}

/* Refuses a name whose last label is a number: some programs would read it as an address. */
bool host_is_valid(const char *host, size_t length)
{
    const char *label = host, *end = host + length;
    struct in_addr address;

    if (parse_ip(AF_INET, host, length, &address))
        return true;
    if (length < 1 || length > 253)
        return false;
    for (;;) {
        const char *dot = memchr(label, '.', (size_t)(end - label));
        if (!is_label(label, (size_t)((dot != NULL ? dot : end) - label)))
            return false;
        if (dot == NULL)
            break;
        label = dot + 1;
    }
    return strspn(label, "0123456789") < (size_t)(end - label);
}

static bool read_unix(struct config_reader *reader, const struct tree_node *node, const char *what,
                      struct config_address *out)
{
    size_t length = strlen(out->path);

    if (length > 0 && length < sizeof((struct sockaddr_un *)0)->sun_path)
        return true;
    fault_value(reader, node, what, "unix:PATH with a path of 1 to 107 bytes");
    return false;
}

static bool read_tcp(struct config_reader *reader, const struct tree_node *node, const char *what,
                     struct config_address *out)
{
    const char *colon = strrchr(node->text, ':');
    const char *host;
    size_t length;
    bool bracketed, valid;

    if (colon == NULL) {
        fault_value(reader, node, what, expected_address);
        return false;
    }
    out->port = port_parse(colon + 1, strlen(colon + 1));
    if (out->port < 0) {
        fault_value(reader, node, what, "a port from 0 to 65535 behind the last colon");
        return false;
    }
    host = node->text;
    length = (size_t)(colon - host);
    bracketed = length >= 2 && host[0] == '[' && host[length - 1] == ']';
    valid = bracketed ? host_is_ipv6(host + 1, length - 2) : host_is_valid(host, length);
    if (!valid) {
        bool bare_ipv6 = memchr(host, ':', length) != NULL && !bracketed;
        fault_value(reader, node, what,
                    bare_ipv6 ? "an IPv6 address in brackets, [IPV6]:PORT" : expected_address);
        return false;
    }
    out->host =
        config_take_text(reader->memory, bracketed ? host + 1 : host, bracketed ? length - 2 : length);
    return out->host != NULL;
}

bool address_read(struct config_reader *reader, const struct tree_node *node, const char *what,
                  struct config_address *out)
{
    if (node->type != TREE_SCALAR || node->faulty) {
        fault_value(reader, node, what, expected_address);
        return false;
    }
    if (node->length >= WEIR_ADDRESS_BYTES) {
        fault_value(reader, node, what, "an address of at most 127 characters");
        return false;
    }
    out->text = node->text;
    out->place = node->place;
    if (strncmp(node->text, "unix:", 5) == 0) {
        out->path = node->text + 5;
        return read_unix(reader, node, what, out);
    }
    return read_tcp(reader, node, what, out);
}

/* Compares addresses as bytes, since a host can be written in several ways. */
static bool same_or_any(int family, const char *a, const char *b, size_t size)
{
    static const unsigned char any[sizeof(struct in6_addr)];
    unsigned char x[sizeof(struct in6_addr)], y[sizeof(struct in6_addr)];

    if (!parse_ip(family, a, strlen(a), x) || !parse_ip(family, b, strlen(b), y))
        return false;
    return memcmp(x, y, size) == 0 || memcmp(x, any, size) == 0 || memcmp(y, any, size) == 0;
}

bool address_collides(const struct config_address *a, const struct config_address *b)
{
    if (a->path != NULL || b->path != NULL)
        return a->path != NULL && b->path != NULL && strcmp(a->path, b->path) == 0;
    if (a->port != b->port || a->port == 0)
        return false;
    return strcasecmp(a->host, b->host) == 0 ||
           same_or_any(AF_INET, a->host, b->host, sizeof(struct in_addr)) ||
           same_or_any(AF_INET6, a->host, b->host, sizeof(struct in6_addr));
}
