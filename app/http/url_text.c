/* SPDX-License-Identifier: MIT */
#include "http/url_text.h"

#include <errno.h>
#include <string.h>

static bool is_encoded(unsigned char c, bool in_query)
{
    return c >= 0x80 || strchr("\"<>\\^`{|}#", c) != NULL || (in_query && strchr("&=+", c) != NULL);
}

int url_text_append(weir_buffer *out, const char *value, bool in_query)
{
    int err = 0;

    for (const unsigned char *p = (const unsigned char *)value; *p && err == 0; p++) {
        if (*p <= ' ' || *p == 0x7f)
            return -EINVAL;
        err = is_encoded(*p, in_query) ? weir_buffer_printf(out, "%%%02X", *p)
                                       : weir_buffer_append_byte(out, (char)*p);
    }
    return err;
}
