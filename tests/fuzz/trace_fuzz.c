/* SPDX-License-Identifier: MIT */
/* traceparent: what is taken is what is written, and no other text of version 00 says the same; tracestate is
 * cut between members. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "http/message/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *data = (const char *)bytes;
    char text[WEIR_TRACE_PARENT_BYTES], id[WEIR_TRACE_ID_BYTES];
    weir_trace trace = {.flags = 77}, again;
    size_t kept = weir__trace_state_cut(data, size);

    CHECK(kept <= size && kept <= WEIR_TRACE_STATE_MAX);
    CHECK(kept == size || kept == 0 || data[kept] == ',');
    if (weir_trace_parse((weir_bytes){data, size}, &trace) < 0) {
        CHECK(trace.flags == 77 && trace.span == 0);
        return 0;
    }
    CHECK((trace.id_high | trace.id_low) != 0 && trace.span != 0 && trace.flags <= 3);
    CHECK(strncmp(weir_trace_format_id(&trace, id), data + 3, 32) == 0);
    CHECK(strlen(weir_trace_format(&trace, trace.span, text)) == 55);
    CHECK(memcmp(text + 2, data + 2, 51) == 0); /* but for version and flags */
    CHECK(weir_trace_parse((weir_bytes){text, 55}, &again) == 0);
    CHECK(again.id_high == trace.id_high && again.id_low == trace.id_low);
    CHECK(again.span == trace.span && again.flags == trace.flags);
    return 0;
}
