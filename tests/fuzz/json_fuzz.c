/* SPDX-License-Identifier: MIT */
/* JSON: what is said to be valid, jansson reads; any bytes become a valid string. */
#include <string.h>

#include <jansson.h>
#include <weir.h>

#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *text = (const char *)bytes;
    weir_buffer out;
    json_t *tree;

    if (weir_json_is_valid(text, size, 64)) {
        json_error_t error;
        tree = json_loadb(text, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
        /* jansson has its own limits for numbers, and for names with a NUL; everything else it must read */
        CHECK(tree != NULL || strstr(error.text, "too big") != NULL ||
              strstr(error.text, "overflow") != NULL || strstr(error.text, "NUL byte in object key") != NULL);
        json_decref(tree);
    }
    weir_buffer_init(&out, 6 * size + 64);
    CHECK(weir_json_append_string(&out, text, size) == 0);
    CHECK(weir_json_is_valid(out.data, out.len, 1));
    weir_buffer_free(&out);
    return 0;
}
