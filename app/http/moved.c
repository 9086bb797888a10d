/* SPDX-License-Identifier: MIT */
#include "http/moved.h"

#include "http/url_text.h"

enum { LOCATION_BYTES_MAX = 60 << 10 }; /* a head has at most 64 KiB of headers */

static int write_location(weir_buffer *out, const char *path, const char *more, const char *query)
{
    int err;

    while (path[0] == '/' && path[1] == '/')
        path++; /* "//name" would be another host */
    err = url_text_append(out, path, false);
    if (err == 0)
        err = weir_buffer_append_text(out, more);
    if (err == 0 && *query != '\0')
        err = weir_buffer_append_byte(out, '?');
    return err < 0 ? err : url_text_append(out, query, false);
}

int moved_to(weir_request *req, weir_response *res, const char *path, const char *more)
{
    weir_buffer location;
    int err;

    weir_buffer_init(&location, LOCATION_BYTES_MAX);
    err = write_location(&location, path, more, weir_request_query(req));
    if (err == 0)
        err = weir_buffer_append_byte(&location, '\0');
    if (err == 0)
        err = weir_response_header_add(res, "location", location.data);
    if (err == 0)
        err = weir_respond_bytes(res, 301, NULL, NULL, 0);
    weir_buffer_free(&location);
    return err;
}
