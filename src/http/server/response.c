/* SPDX-License-Identifier: MIT */
/* What a handler answers: complete responses, and bodies that it writes bit by bit. */
#include <errno.h>
#include <string.h>

#include "http/server/filter.h"
#include "http/server/response_send.h"

int weir_respond_bytes(weir_response *res, int status, const char *type, const void *data, size_t bytes)
{
    struct weir__exchange *x = weir__exchange_of_response(res);
    int err = weir__response_begin(x, status, true);

    if (err < 0)
        return err;
    return res->filter != NULL ? weir__filter_whole(x, status, type, data, bytes)
                               : weir__response_send_whole(x, status, type, data, bytes);
}

int weir_respond_text(weir_response *res, int status, const char *text)
{
    return weir_respond_bytes(res, status, "text/plain; charset=utf-8", text, strlen(text));
}

int weir_respond_buffer(weir_response *res, int status, const char *type, const weir_buffer *body)
{
    return weir_respond_bytes(res, status, type, body->data, body->len);
}

int weir_respond_begin(weir_response *res, int status, const char *type, int64_t length)
{
    struct weir__exchange *x = weir__exchange_of_response(res);
    int err = weir__response_begin(x, status, false);

    if (err < 0)
        return err;
    return res->filter != NULL ? weir__filter_head(x, status, type, length)
                               : weir__response_send_head(x, status, type, length);
}

int weir_respond_write(weir_response *res, const void *data, size_t bytes)
{
    struct weir__exchange *x = weir__exchange_of_response(res);
    int err;

    if (!res->began || res->ended || bytes > res->left)
        return -EINVAL;
    err = res->filtered ? weir__filter_body(x, data, bytes) : weir__response_send_body(x, data, bytes);
    if (err == 0 && res->left != UINT64_MAX && !res->no_body)
        res->left -= bytes;
    return err;
}
