/* SPDX-License-Identifier: MIT */
/* Content negotiation: Accept and Accept-Encoding, by their weights (RFC 9110, 12.4.2 and 12.5).
 *
 * Threading: pure functions.
 */
#ifndef APP_HTTP_NEGOTIATION_H
#define APP_HTTP_NEGOTIATION_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/buffer.h>
#include <weir/http_server.h>

/* A media type or coding that could be sent, and the client's preference for it. */
struct negotiation_offer {
    const char *name; /* "gzip", "image/webp", in lower case */
    int weight;       /* in thousandths; 0: refused; NEGOTIATION_UNNAMED: not mentioned */
    int matched;      /* how exactly the client named it: 0 not, 1 by "*", 2 by "image/…",
                         NEGOTIATION_BY_NAME */
};

enum { NEGOTIATION_UNNAMED = -1, NEGOTIATION_BEST = 1000, NEGOTIATION_BY_NAME = 3 };

/* Makes an offer that the client has not mentioned yet. */
void negotiation_offer_init(struct negotiation_offer *offer, const char *name);

/* Reads the value of a header into the offers; call it for each header of that name. Malformed elements are
 * ignored. */
void negotiation_read(weir_bytes value, struct negotiation_offer *offers, size_t count);

/* Reads all headers of the request with this name, given in lower case.
 * Returns: the number of these headers.
 */
size_t negotiation_read_request(const weir_request *req, const char *name, struct negotiation_offer *offers,
                                size_t count);

/* Chooses the offer with the greatest weight, the first of several.
 * Returns: NULL when every offer is refused or was not mentioned.
 */
const struct negotiation_offer *negotiation_choose(const struct negotiation_offer *offers, size_t count);

/* Chooses a content coding: as negotiation_choose(), unless the client names "identity" and prefers it. Both
 * have been read from the same headers.
 * Returns: NULL: the body is sent as it is.
 */
const struct negotiation_offer *negotiation_choose_coding(const struct negotiation_offer *offers,
                                                          size_t count,
                                                          const struct negotiation_offer *identity);

#endif
