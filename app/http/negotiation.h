/* SPDX-License-Identifier: MIT */
/* What a client takes: Accept and Accept-Encoding, by their weights (RFC 9110, 12.4.2 and 12.5).
 *
 * Threading: pure functions.
 */
#ifndef APP_HTTP_NEGOTIATION_H
#define APP_HTTP_NEGOTIATION_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/buffer.h>
#include <weir/http_server.h>

/* One thing that could be sent, and what the client thinks of it. */
struct negotiation_offer {
    const char *name; /* "gzip", "image/webp", in lower case */
    int weight;       /* in thousandths; 0: not that; NEGOTIATION_UNNAMED: not a word about it */
    int matched;      /* how exactly the client named it: 0 not at all, 1 by "*", 2 by "image/…",
                         NEGOTIATION_BY_NAME */
};

enum { NEGOTIATION_UNNAMED = -1, NEGOTIATION_BEST = 1000, NEGOTIATION_BY_NAME = 3 };

/* Gives the offer a name, and nothing known about it. */
void negotiation_offer_init(struct negotiation_offer *offer, const char *name);

/* Reads one header's value into the offers; call it for each header of that name. What is malformed in it is
 * left out. */
void negotiation_read(weir_bytes value, struct negotiation_offer *offers, size_t count);

/* Reads all headers of the request with this name, given in lower case.
 * Returns: how many there were.
 */
size_t negotiation_read_request(const weir_request *req, const char *name, struct negotiation_offer *offers,
                                size_t count);

/* The offer with the greatest weight; the first of several.
 * Returns: NULL when none is taken: each has weight 0 or was not named.
 */
const struct negotiation_offer *negotiation_choose(const struct negotiation_offer *offers, size_t count);

#endif
