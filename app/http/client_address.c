/* SPDX-License-Identifier: MIT */
#include "http/client_address.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Takes the last element from a list. */
static weir_bytes take_last(weir_bytes *list)
{
    const char *comma = memrchr(list->data, ',', list->len);
    const char *begin = comma != NULL ? comma + 1 : list->data, *end = list->data + list->len;

    list->len = comma != NULL ? (size_t)(comma - list->data) : 0;
    while (begin < end && is_blank(*begin))
        begin++;
    while (end > begin && is_blank(end[-1]))
        end--;
    return (weir_bytes){begin, (size_t)(end - begin)};
}

bool client_address_in(const char *peer, const char *forwarded, const struct network *trusted, size_t count,
                       unsigned char out[16])
{
    weir_bytes list = weir_bytes_of(forwarded != NULL ? forwarded : "");
    bool known = network_address_of(weir_bytes_of(peer), out), believed = networks_have(trusted, count, peer);

    while (believed && list.len > 0) {
        unsigned char address[16];
        const weir_bytes element = take_last(&list);
        if (element.len == 0) /* an empty element of a list means nothing (RFC 9110, 5.6.1) */
            continue;
        if (!network_address_of(element, address))
            break;
        memcpy(out, address, sizeof address);
        known = true;
        believed = networks_have_address(trusted, count, address);
    }
    return known;
}

bool client_address(weir_request *req, const struct network *trusted, size_t count, unsigned char out[16])
{
    const char *peer = weir_request_peer(req);

    if (count == 0) /* as mostly */
        return network_address_of(weir_bytes_of(peer), out);
    return client_address_in(peer, weir_request_header_joined(req, "x-forwarded-for"), trusted, count, out);
}
