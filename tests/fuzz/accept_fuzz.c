/* SPDX-License-Identifier: MIT */
/* Accept: any bytes give weights that are weights, and a choice that the weights bear out. */
#include "http/negotiation.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char *const names[] = {"gzip", "br", "identity", "image/webp", "image/png"};
    enum { COUNT = sizeof names / sizeof *names };
    struct negotiation_offer offers[COUNT];
    size_t half = size / 2;
    const struct negotiation_offer *best;

    for (size_t i = 0; i < COUNT; i++)
        negotiation_offer_init(&offers[i], names[i]);
    negotiation_read((weir_bytes){(const char *)bytes, half}, offers, COUNT);
    negotiation_read((weir_bytes){(const char *)bytes + half, size - half}, offers, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        CHECK(offers[i].weight >= NEGOTIATION_UNNAMED && offers[i].weight <= NEGOTIATION_BEST);
        CHECK((offers[i].weight == NEGOTIATION_UNNAMED) == (offers[i].matched == 0));
    }
    best = negotiation_choose(offers, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        CHECK(best != NULL ? offers[i].weight <= best->weight : offers[i].weight <= 0);
    return 0;
}
