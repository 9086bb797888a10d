/* SPDX-License-Identifier: MIT */
/* Request heads: whole and in two pieces the outcome is the same, and every span lies within the head. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "http/message/head.h"
#include "http/message/target.h"

enum { FIELDS = 32 };

static const struct weir__http_head_limits limits = {.head_bytes_max = 4096, .target_bytes_max = 1024};

static void check_span(weir_bytes span, const char *data, int used)
{
    CHECK(span.data == NULL || (span.data >= data && span.data + span.len <= data + used));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct weir__http_field fields[FIELDS], again[FIELDS];
    struct weir__http_request_head head = {.fields = fields, .field_max = FIELDS};
    struct weir__http_request_head second = {.fields = again, .field_max = FIELDS};
    struct weir__http_scan scan = {0}, scan_again = {0};
    struct weir__http_fault fault = {0}, fault_again = {0};
    const char *data = (const char *)bytes + 1;
    size_t len, split;
    int used, first;

    if (size < 2)
        return 0;
    len = size - 1;
    split = bytes[0] % (len + 1);
    used = weir__http_request_head_parse(data, len, &scan, &limits, &head, &fault);
    first = weir__http_request_head_parse(data, split, &scan_again, &limits, &second, &fault_again);
    if (first == 0)
        first = weir__http_request_head_parse(data, len, &scan_again, &limits, &second, &fault_again);
    CHECK(used == first);
    CHECK(used >= 0 || (fault.status >= 400 && fault.message != NULL && fault.status == fault_again.status));
    if (used <= 0)
        return 0;
    CHECK((size_t)used <= len && (size_t)used <= limits.head_bytes_max);
    CHECK(head.framing != WEIR__HTTP_UNTIL_CLOSE);
    CHECK(head.framing != WEIR__HTTP_CHUNKED || head.content_length < 0);
    CHECK(head.minor == 0 || head.host.data != NULL);
    check_span(head.target, data, used);
    check_span(head.method_text, data, used);
    for (size_t i = 0; i < head.field_count; i++) {
        check_span(head.fields[i].name, data, used);
        check_span(head.fields[i].value, data, used);
        CHECK(memchr(head.fields[i].value.data, '\n', head.fields[i].value.len) == NULL);
    }
    return 0;
}
