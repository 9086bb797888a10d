/* SPDX-License-Identifier: MIT */
#include "admin/admin_host.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <weir/address.h>

enum { HOST_BYTES = 256 };

/* Copies the name of a Host field: without port, brackets, and the dot that ends a name from the root.
 * Returns: false: it is longer than any. */
static bool take_name(const char *host, bool *bracketed, char name[HOST_BYTES])
{
    size_t length;

    *bracketed = host[0] == '[';
    if (*bracketed)
        host++;
    length = strcspn(host, *bracketed ? "]" : ":");
    if (length >= HOST_BYTES)
        return false;
    if (!*bracketed && length > 1 && host[length - 1] == '.')
        length--;
    memcpy(name, host, length);
    name[length] = '\0';
    return true;
}

bool admin_host_is_ours(const char *host, const char *const *names)
{
    unsigned char address[sizeof(struct in6_addr)];
    char name[HOST_BYTES];
    bool bracketed;

    if (!take_name(host, &bracketed, name))
        return false;
    if (bracketed)
        return inet_pton(AF_INET6, name, address) == 1;
    for (; *names != NULL; names++)
        if (strcasecmp(*names, name) == 0)
            return true;
    return weir_host_is_localhost(weir_bytes_of(name)) || inet_pton(AF_INET, name, address) == 1;
}

int admin_host_refuse(weir_response *res, const char *host)
{
    char name[HOST_BYTES] = "", message[2 * HOST_BYTES + 128];
    bool bracketed,
        valid = take_name(host, &bracketed, name) && weir_host_type_of(weir_bytes_of(name)) == WEIR_HOST_NAME;

    snprintf(message, sizeof message,
             "the admin address accepts IP addresses, localhost and the names in admin_hosts as Host; to "
             "accept this name, write "
             "admin_hosts: [%s]",
             valid ? name : "NAME");
    return weir_respond_fault(res, 403, "host", message);
}
