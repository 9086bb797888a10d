/* SPDX-License-Identifier: MIT */
#include "http/client_address.h"

#include <arpa/inet.h>
#include <string.h>

#include <weir/http_text.h>

static weir_bytes trim(const char *begin, const char *end)
{
    while (begin < end && (*begin == ' ' || *begin == '\t'))
        begin++;
    while (end > begin && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    return (weir_bytes){begin, (size_t)(end - begin)};
}

/* --- lists, read from their end: what a client wrote before that may be anything --- */

static bool is_escaped(const char *begin, const char *at)
{
    size_t slashes = 0;

    while (at > begin && *--at == '\\')
        slashes++;
    return slashes % 2 == 1;
}

/* The last of a character outside quoted strings. Returns: NULL: there is none. */
static const char *last_unquoted(weir_bytes text, char wanted)
{
    bool quoted = false;

    for (const char *at = text.data + text.len; at > text.data;) {
        at--;
        if (*at == '"' && !is_escaped(text.data, at))
            quoted = !quoted;
        else if (*at == wanted && !quoted)
            return at;
    }
    return NULL;
}

/* Takes from a text what follows its last separator, which is at `at`; NULL: all. */
static weir_bytes take_after(weir_bytes *text, const char *at)
{
    const weir_bytes taken = trim(at != NULL ? at + 1 : text->data, text->data + text->len);

    text->len = at != NULL ? (size_t)(at - text->data) : 0;
    return taken;
}

/* The value of a parameter of Forwarded, if it is "for". Returns: no data: it is another. */
static weir_bytes value_of_for(weir_bytes pair)
{
    static const char name[] = "for=";
    const size_t length = sizeof name - 1;

    if (pair.len < length || !weir_bytes_equal_nocase((weir_bytes){pair.data, length}, weir_bytes_of(name)))
        return (weir_bytes){NULL, 0};
    pair = (weir_bytes){pair.data + length, pair.len - length};
    if (pair.len >= 2 && pair.data[0] == '"' && pair.data[pair.len - 1] == '"')
        pair = (weir_bytes){pair.data + 1, pair.len - 2};
    return pair;
}

/* The node that an element of Forwarded names (RFC 7239, 4). Returns: empty: none. */
static weir_bytes node_of(weir_bytes element)
{
    while (element.len > 0) {
        const weir_bytes value = value_of_for(take_after(&element, last_unquoted(element, ';')));
        if (value.data != NULL)
            return value;
    }
    return (weir_bytes){"", 0};
}

/* --- the client --- */

/* Replaces the address of a peer that is believed by what it tells. X-Forwarded-For is read where there is
 * one: proxies that write it may pass on a client's Forwarded. Returns: whether there is an address in out[].
 */
static bool look_behind(const struct client_told *told, const struct network *trusted, size_t count,
                        bool known, unsigned char out[16])
{
    const bool plain = told->addresses != NULL;
    weir_bytes list = weir_bytes_of(plain ? told->addresses : told->elements != NULL ? told->elements : "");

    for (bool believed = true; believed && list.len > 0;) {
        unsigned char address[16];
        const weir_bytes element =
            take_after(&list, plain ? memrchr(list.data, ',', list.len) : last_unquoted(list, ','));
        if (element.len == 0) /* an empty element of a list means nothing (RFC 9110, 5.6.1) */
            continue;
        if (!network_address_of(plain ? element : node_of(element), address))
            break;
        memcpy(out, address, sizeof address);
        known = true;
        believed = networks_have_address(trusted, count, address);
    }
    return known;
}

bool client_address_in(const char *peer, const struct client_told *told, const struct network *trusted,
                       size_t count, unsigned char out[16])
{
    const bool known = network_address_of(weir_bytes_of(peer), out);

    return networks_have(trusted, count, peer) ? look_behind(told, trusted, count, known, out) : known;
}

static __attribute__((noinline)) bool find_client(const weir_request *req, const struct network *trusted,
                                                  size_t count, unsigned char out[16])
{
    const bool known = weir_request_peer_ip(req, out);
    struct client_told told;

    if (known ? !networks_have_address(trusted, count, out)
              : !networks_have(trusted, count, weir_request_peer(req)))
        return known;
    told.addresses = weir_request_header_joined(req, "x-forwarded-for");
    told.elements = told.addresses == NULL ? weir_request_header_joined(req, "forwarded") : NULL;
    return look_behind(&told, trusted, count, known, out);
}

bool client_address(const weir_request *req, const struct network *trusted, size_t count,
                    unsigned char out[16])
{
    return count == 0 ? weir_request_peer_ip(req, out) /* as mostly */
                      : find_client(req, trusted, count, out);
}

const char *client_behind(const weir_request *req, const struct network *trusted, size_t count,
                          char out[CLIENT_TEXT_BYTES])
{
    unsigned char client[16], peer[16];
    bool v4;

    if (count == 0 || !client_address(req, trusted, count, client))
        return NULL;
    if (weir_request_peer_ip(req, peer) && memcmp(peer, client, sizeof peer) == 0)
        return NULL;
    v4 = network_address_is_v4(client);
    return inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? client + 12 : client, out, CLIENT_TEXT_BYTES);
}
