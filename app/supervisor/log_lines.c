/* SPDX-License-Identifier: MIT */
#include "supervisor/log_lines.h"

#include <string.h>

#include <weir/log.h>

void log_lines(const char *message, const struct text_out *said)
{
    const char *at = (const char *)said->text.data, *end = at + said->text.len;

    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const size_t length = (size_t)((newline != NULL ? newline : end) - at);
        weir_log(WEIR_LOG_ERROR, message, WEIR_KV_BYTES("fault", ((weir_bytes){at, length})));
        at += length + 1;
    }
}
