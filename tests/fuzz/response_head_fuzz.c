/* SPDX-License-Identifier: MIT */
/* Heads of answers: whole and in two pieces the outcome is the same. */
#include "fuzz/fuzz.h"
#include "http/message/head.h"

enum { FIELDS = 32 };

static const struct weir__http_head_limits limits = {.head_bytes_max = 4096};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct weir__http_field fields[FIELDS], again[FIELDS];
    struct weir__http_response_head head = {.fields = fields, .field_max = FIELDS};
    struct weir__http_response_head second = {.fields = again, .field_max = FIELDS};
    struct weir__http_scan scan = {0}, scan_again = {0};
    struct weir__http_fault fault = {0};
    const char *data = (const char *)bytes + 1;
    enum weir__http_method method;
    size_t len, split;
    int used, first;

    if (size < 2)
        return 0;
    len = size - 1;
    split = bytes[0] % (len + 1);
    method = bytes[0] % 3 == 0 ? WEIR__HTTP_HEAD : WEIR__HTTP_GET;
    used = weir__http_response_head_parse(data, len, &scan, &limits, method, &head, &fault);
    first = weir__http_response_head_parse(data, split, &scan_again, &limits, method, &second, &fault);
    if (first == 0)
        first = weir__http_response_head_parse(data, len, &scan_again, &limits, method, &second, &fault);
    CHECK(used == first);
    if (used <= 0)
        return 0;
    CHECK((size_t)used <= len);
    CHECK(head.status >= 100 && head.status <= 599 && head.status != 101);
    CHECK(method != WEIR__HTTP_HEAD || head.framing == WEIR__HTTP_NO_BODY);
    CHECK(head.framing == second.framing && head.content_length == second.content_length);
    return 0;
}
