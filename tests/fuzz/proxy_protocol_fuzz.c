/* SPDX-License-Identifier: MIT */
/* The header of the PROXY protocol: one that is read lies within the data, is the same however much of it has
 * come, and whatever follows it; what is refused stays refused with more. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "net/proxy_protocol.h"

enum { BYTES_MAX = WEIR__PROXY_BYTES_MAX + 64 };

static int parse(const char *data, size_t len, struct weir__proxy_header *out)
{
    const char *fault = NULL;
    char *exact = malloc(len); /* so that a read beyond is seen */
    int result;

    memcpy(exact, data, len);
    result = weir__proxy_header_parse(exact, len, out, &fault);
    free(exact);
    CHECK(result >= 0 || (result == -WEIR_EPROTOCOL && fault != NULL));
    CHECK(result <= (int)len && result <= WEIR__PROXY_BYTES_MAX);
    return result;
}

static void check_family(const union weir__proxy_address *address)
{
    sa_family_t family = address->any.sa_family;

    CHECK(family == AF_INET || family == AF_INET6 || family == AF_UNIX);
    CHECK(weir__proxy_address_len(address) <= sizeof *address);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *data = (const char *)bytes;
    struct weir__proxy_header whole, part;
    size_t len = size < BYTES_MAX ? size : BYTES_MAX;
    int result = parse(data, len, &whole);
    size_t end = result > 0 ? (size_t)result : len;
    bool refused = false;

    CHECK(result != 0 || len < WEIR__PROXY_BYTES_MAX);
    if (result > 0 && !whole.real) {
        check_family(&whole.client);
        check_family(&whole.server);
        CHECK(whole.client.any.sa_family == whole.server.any.sa_family);
    }
    for (size_t cut = 0; cut <= end; cut++) {
        int cut_result = parse(data, cut, &part);
        if (result >= 0)
            CHECK(cut_result == (cut == end ? result : 0));
        else
            CHECK(cut_result <= 0 && (!refused || cut_result < 0));
        refused = cut_result < 0;
    }
    if (result > 0)
        CHECK(whole.real == part.real &&
              memcmp(&whole.client, &part.client, weir__proxy_address_len(&whole.client)) == 0 &&
              memcmp(&whole.server, &part.server, weir__proxy_address_len(&whole.server)) == 0);
    return 0;
}
