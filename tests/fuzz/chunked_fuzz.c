/* SPDX-License-Identifier: MIT */
/* Chunked bodies: in one piece and byte by byte the payload and the end are the same. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "http/message/chunked.h"

struct outcome {
    int last; /* the step or error it ended with */
    size_t used, payload_len;
    char payload[4096];
};

static void decode(const char *data, size_t len, size_t piece, struct outcome *out)
{
    struct weir__http_chunked d;

    weir__http_chunked_init(&d);
    memset(out, 0, sizeof *out);
    out->last = WEIR__HTTP_CHUNK_MORE;
    for (size_t at = 0; at < len;) {
        size_t here = len - at < piece ? len - at : piece, used;
        weir_bytes run;
        out->last = weir__http_chunked_next(&d, data + at, here, &used, &run);
        CHECK(used <= here);
        if (out->last < 0 || out->last == WEIR__HTTP_CHUNK_END) {
            out->used = at + used;
            return;
        }
        if (out->last == WEIR__HTTP_CHUNK_MORE)
            CHECK(used == here);
        CHECK(used > 0);
        if (out->last == WEIR__HTTP_CHUNK_DATA && out->payload_len + run.len <= sizeof out->payload) {
            memcpy(out->payload + out->payload_len, run.data, run.len);
            out->payload_len += run.len;
        }
        at += used;
    }
    out->last = WEIR__HTTP_CHUNK_MORE;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct outcome whole, single;

    if (size > 4096)
        return 0;
    decode((const char *)bytes, size, SIZE_MAX, &whole);
    decode((const char *)bytes, size, 1, &single);
    CHECK(whole.last == single.last);
    CHECK(whole.last < 0 || whole.used == single.used);
    CHECK(whole.last < 0 || whole.payload_len == single.payload_len);
    CHECK(memcmp(whole.payload, single.payload,
                 whole.payload_len < single.payload_len ? whole.payload_len : single.payload_len) == 0);
    return 0;
}
