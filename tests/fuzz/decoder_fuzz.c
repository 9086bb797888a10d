/* SPDX-License-Identifier: MIT */
/* Taking content codings off any bytes: never more than may come out, never a look beyond. The first byte
 * says which codings. */
#include <errno.h>

#include "fuzz/fuzz.h"
#include "jobs/decoder.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    enum { MOST = 200000 };
    struct codings codings = {0};
    weir_buffer out;
    int err;

    if (size == 0)
        return 0;
    codings.count = 1 + (bytes[0] >> 4) % 2;
    codings.list[0] = (enum coding)(bytes[0] % CODINGS);
    codings.list[1] = (enum coding)(bytes[0] / CODINGS % CODINGS);
    weir_buffer_init(&out, MOST);
    err = decoder_run(&codings, (weir_bytes){(const char *)bytes + 1, size - 1}, &out, NULL, NULL);
    CHECK(err == 0 || err == -EBADMSG || err == -WEIR_ETOOLARGE || err == -ENOMEM);
    CHECK(err == 0 ? out.len <= MOST : out.len == 0);
    weir_buffer_free(&out);
    return 0;
}
