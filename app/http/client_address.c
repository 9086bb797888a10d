/* SPDX-License-Identifier: MIT */
#include "http/client_address.h"

#include <arpa/inet.h>
#include <string.h>

/* Replaces the address of a peer that is believed by what it tells. Returns: whether there is an address in
 * out[]. */
static bool look_behind(const struct forwarded_headers *headers, const struct network *trusted, size_t count,
                        bool known, unsigned char out[16])
{
    struct forwarded_list list = forwarded_choose(headers);
    struct forwarded_hop hop;

    while (forwarded_last(&list, &hop) && hop.address.len > 0) {
        memcpy(out, hop.ip, sizeof hop.ip);
        known = true;
        if (!networks_have_address(trusted, count, hop.ip))
            break;
    }
    return known;
}

bool client_address_in(const char *peer, const struct forwarded_headers *headers,
                       const struct network *trusted, size_t count, unsigned char out[16])
{
    const bool known = network_address_of(weir_bytes_of(peer), out);

    return networks_have(trusted, count, peer) ? look_behind(headers, trusted, count, known, out) : known;
}

static __attribute__((noinline)) bool find_client(const weir_request *req, const struct network *trusted,
                                                  size_t count, unsigned char out[16])
{
    const bool known = weir_request_peer_ip(req, out);
    struct forwarded_headers headers;

    if (known ? !networks_have_address(trusted, count, out)
              : !networks_have(trusted, count, weir_request_peer(req)))
        return known;
    headers = (struct forwarded_headers){
        .addresses = weir_request_header_joined(req, "x-forwarded-for"),
        .scheme = weir_request_header(req, "x-forwarded-proto"),
        .host = weir_request_header(req, "x-forwarded-host"),
        .elements = weir_request_header_joined(req, "forwarded"),
    };
    return look_behind(&headers, trusted, count, known, out);
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
