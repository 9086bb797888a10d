/* SPDX-License-Identifier: MIT */
/* The filter of a response. A response that the filter leaves as it is goes out as if there were none. One
 * that the filter changes has no length, unless all of it came out of the filter at once. */
#include "http/server/filter.h"

#include "http/server/response_headers.h"
#include "http/server/response_send.h"

int weir_response_filter_add(weir_response *res, const weir_response_filter *filter, void *arg)
{
    if (res->began || res->filter != NULL)
        return -WEIR_EBUSY;
    res->filter = filter;
    res->filter_arg = arg;
    return 0;
}

/* Shows the head to the filter. Returns: 1 the body goes through the filter; 0 it does not; < 0. */
static int filter_head(struct weir__exchange *x, weir_response_head *head)
{
    weir_response *res = &x->response;
    const char *type;
    int changed;

    if (res->unfiltered)
        return 0;
    type = weir_response_header(res, "content-type");
    if (type != NULL)
        head->type = type;
    head->bodiless = weir__response_has_no_body(x, head->status);
    changed = res->filter->head(res->filter_arg, res, head);
    res->unfiltered = changed < 0;
    return changed;
}

/* Gives input to the filter, and what comes out to the client, until the filter wants more input. If more is
 * 1, out has come out of it already. */
static int pass_on(struct weir__exchange *x, weir_bytes in, bool last, weir_bytes out, int more)
{
    weir_response *res = &x->response;
    int err = more > 0 ? weir__response_send_body(x, out.data, out.len) : 0;

    while (err == 0 && more != 0) {
        out = (weir_bytes){0};
        more = res->filter->piece(res->filter_arg, in, last, &out);
        in = (weir_bytes){0};
        err = more < 0 ? more : weir__response_send_body(x, out.data, out.len);
    }
    return err;
}

int weir__filter_whole(struct weir__exchange *x, int status, const char *type, const void *data, size_t bytes)
{
    weir_response *res = &x->response;
    weir_response_head head = {
        .status = status, .type = type, .length = (int64_t)bytes, .whole = true, .body = {data, bytes}};
    weir_bytes out = {0};
    int err, more, changed = filter_head(x, &head);

    if (changed < 0)
        return changed;
    if (changed == 0)
        return weir__response_send_whole(x, status, type, data, bytes);
    if (head.bodiless) {
        err = weir__response_send_head(x, status, type, -1);
        res->left = 0;
        return err;
    }
    more = res->filter->piece(res->filter_arg, head.body, true, &out);
    if (more == 0)
        return weir__response_send_whole(x, status, type, out.data, out.len);
    if (more < 0) {
        res->unfiltered = true;
        res->headers_len = 0; /* they describe a body that does not come */
        return more;
    }
    err = weir__response_send_head(x, status, type, -1);
    if (err == 0)
        err = pass_on(x, (weir_bytes){0}, true, out, more);
    res->left = err == 0 ? 0 : 1; /* the handler writes no more; a body that broke off has not ended */
    return err;
}

int weir__filter_head(struct weir__exchange *x, int status, const char *type, int64_t length)
{
    weir_response *res = &x->response;
    weir_response_head head = {.status = status, .type = type, .length = length};
    int err, changed = filter_head(x, &head);

    if (changed < 0)
        return changed;
    err = weir__response_send_head(x, status, type, changed > 0 ? -1 : length);
    res->filtered = changed > 0 && !head.bodiless;
    if (changed > 0 && res->began && length >= 0)
        res->left = (uint64_t)length;
    return err;
}

int weir__filter_body(struct weir__exchange *x, const void *data, size_t bytes)
{
    return bytes == 0 ? x->response.err : pass_on(x, (weir_bytes){data, bytes}, false, (weir_bytes){0}, -1);
}

int weir__filter_finish(struct weir__exchange *x)
{
    return pass_on(x, (weir_bytes){0}, true, (weir_bytes){0}, -1);
}

void weir__filter_end(struct weir__exchange *x)
{
    const weir_response *res = &x->response;

    if (res->filter->end != NULL)
        res->filter->end(res->filter_arg);
}
