/* SPDX-License-Identifier: MIT */
#include "config/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include <weir/address.h>
#include <weir/stream.h>

_Static_assert(WEIR_ADDRESS_BYTES == 128, "a fault names this number");

bool address_read(struct config_reader *reader, const struct tree_node *node, const char *what,
                  struct config_address *out)
{
    weir_text_fault fault;
    weir_address address;

    if (node->type != TREE_SCALAR || node->faulty) {
        fault_value(reader, node, what, "HOST:PORT, [IPV6]:PORT or unix:PATH");
        return false;
    }
    if (strstr(node->text, "://") != NULL) {
        fault_value(reader, node, what, "HOST:PORT, [IPV6]:PORT or unix:PATH, without a scheme");
        return false;
    }
    if (node->length >= WEIR_ADDRESS_BYTES) {
        fault_value(reader, node, what, "an address of at most 127 characters");
        return false;
    }
    if (weir_address_parse((weir_bytes){node->text, node->length}, &address, &fault) < 0) {
        fault_in_text(reader, node, what, &fault);
        return false;
    }
    *out = (struct config_address){.text = node->text, .port = address.port, .place = node->place};
    if (address.path.len > 0)
        out->path = address.path.data; /* up to the end of the text, and so ended by its NUL */
    else
        out->host = config_take_text(reader->memory, address.host.data, address.host.len);
    return out->path != NULL || out->host != NULL;
}

/* Compares addresses as bytes, since a host can be written in several ways. */
static bool same_or_any(int family, const char *a, const char *b, size_t size)
{
    static const unsigned char any[sizeof(struct in6_addr)];
    unsigned char x[sizeof(struct in6_addr)], y[sizeof(struct in6_addr)];

    if (inet_pton(family, a, x) != 1 || inet_pton(family, b, y) != 1)
        return false;
    return memcmp(x, y, size) == 0 || memcmp(x, any, size) == 0 || memcmp(y, any, size) == 0;
}

bool address_collides(const struct config_address *a, const struct config_address *b)
{
    if (a->path != NULL || b->path != NULL)
        return a->path != NULL && b->path != NULL && strcmp(a->path, b->path) == 0;
    if (a->host == NULL || b->host == NULL || a->port != b->port || a->port == 0)
        return false;
    return strcasecmp(a->host, b->host) == 0 ||
           same_or_any(AF_INET, a->host, b->host, sizeof(struct in_addr)) ||
           same_or_any(AF_INET6, a->host, b->host, sizeof(struct in6_addr));
}
