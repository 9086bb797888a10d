/* SPDX-License-Identifier: MIT */
/* What a handler answers: complete responses, and bodies that it writes bit by bit. */
#include <errno.h>
#include <string.h>

#include "http/server/filter.h"
#include "http/server/handler_check.h"
#include "http/server/response_headers.h"
#include "http/server/response_send.h"

static int answer(struct weir__exchange *x, int status, const char *type, const void *data, size_t bytes)
{
    int err = weir__response_begin(x, status, true);

    if (err < 0)
        return err;
    return x->response.unasked != NULL ? weir__filter_whole(x, status, type, data, bytes)
                                       : weir__response_send_whole(x, status, type, data, bytes);
}

int weir_respond_bytes(weir_response *res, int status, const char *type, const void *data, size_t bytes)
{
    return answer(weir__checked_response(res, __func__), status, type, data, bytes);
}

int weir_respond_text(weir_response *res, int status, const char *text)
{
    return answer(weir__checked_response(res, __func__), status, "text/plain; charset=utf-8", text,
                  strlen(text));
}

int weir_respond_buffer(weir_response *res, int status, const char *type, const weir_buffer *body)
{
    return answer(weir__checked_response(res, __func__), status, type, body->data, body->len);
}

int weir_respond_begin(weir_response *res, int status, const char *type, int64_t length)
{
    struct weir__exchange *x = weir__checked_response(res, __func__);
    int err = weir__response_begin(x, status, false);

    if (err < 0)
        return err;
    length = weir__response_length(status, length);
    res->names_chunks = length < 0;
    return res->unasked != NULL ? weir__filter_head(x, status, type, length)
                                : weir__response_send_head(x, status, type, length);
}

int weir_respond_write(weir_response *res, const void *data, size_t bytes)
{
    struct weir__exchange *x = weir__checked_response(res, __func__);

    if (!res->began || res->ended || bytes > res->left)
        return -EINVAL;
    if (res->left != UINT64_MAX && !res->no_body)
        res->left -= bytes; /* before the wait: other tasks may write meanwhile */
    return res->filtered ? weir__filter_body(x, data, bytes) : weir__response_send_body(x, data, bytes);
}

int weir_respond_informational(weir_response *res, int status, const weir_header *headers,
                               size_t header_count)
{
    struct weir__exchange *x = weir__checked_response(res, __func__);
    struct weir__header_lines lines = {0};
    int err = 0;

    if (res->began)
        return -WEIR_EBUSY;
    if (status < 100 || status > 199 || status == 101)
        return -EINVAL;
    for (size_t i = 0; i < header_count && err == 0; i++)
        err = weir__header_lines_add(x, &lines, headers[i].name, headers[i].value);
    if (err < 0 || x->request.head.minor == 0)
        return err;
    if (status == 100)
        x->request.continue_due = false;
    return x->wire->send_informational(x, status, (weir_bytes){lines.text, lines.len});
}
