/* SPDX-License-Identifier: MIT */
#include "http/server/response_send.h"

#include "http/message/headers.h"
#include "http/server/exchange_timing.h"
#include "http/server/response_headers.h"

/* Completes the fields. Returns: the head. */
static struct weir__wire_head make_head(struct weir__exchange *x, int status, const char *type,
                                        int64_t length)
{
    if (x->home->server->options.server_timing && x->activity.ledger.on)
        weir__exchange_add_timing(x);
    if (type != NULL && weir__response_has_type(&x->response))
        type = NULL;
    return (struct weir__wire_head){status, type, length};
}

int weir__response_send_whole(struct weir__exchange *x, int status, const char *type, const void *data,
                              size_t bytes)
{
    weir_response *res = &x->response;
    struct weir__wire_head head = make_head(x, status, type, weir__response_length(status, (int64_t)bytes));
    struct iovec body = {(void *)(uintptr_t)data, bytes};
    bool with_body = bytes > 0 && !weir__response_has_no_body(x, status);
    int err = x->wire->send(x, &head, &body, with_body, true);

    res->ended = res->began;
    if (err == 0 && with_body)
        res->sent = bytes;
    return err;
}

/* The head, the first pieces, and the end if `end`. */
static int send_head(struct weir__exchange *x, const struct weir__wire_head *head, const struct iovec *pieces,
                     size_t count, bool end)
{
    weir_response *res = &x->response;

    res->no_body = weir__response_has_no_body(x, head->status);
    res->left = head->length >= 0 ? (uint64_t)head->length : UINT64_MAX;
    res->open_ended = head->length < 0 && !res->no_body && x->request.head.minor > 0;
    return x->wire->send(x, head, pieces, res->no_body ? 0 : count, end);
}

int weir__response_send_head(struct weir__exchange *x, int status, const char *type, int64_t length)
{
    struct weir__wire_head head = make_head(x, status, type, length);

    return send_head(x, &head, NULL, 0, false);
}

int weir__response_send_head_and_pieces(struct weir__exchange *x, int status, const char *type,
                                        uint64_t length, const struct iovec *pieces, size_t count)
{
    struct weir__wire_head head = make_head(x, status, type, (int64_t)length);

    return send_head(x, &head, pieces, count, false);
}

static uint64_t bytes_of(const struct iovec *pieces, size_t count)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < count; i++)
        bytes += pieces[i].iov_len;
    return bytes;
}

/* Accounts for pieces that were sent, before the wait: other tasks may write meanwhile. */
static void account(struct weir__exchange *x, uint64_t bytes)
{
    weir_response *res = &x->response;

    if (res->left != UINT64_MAX && !res->no_body)
        res->left -= bytes;
}

int weir__response_send_first(struct weir__exchange *x, int status, const char *type, int64_t length,
                              const struct iovec *pieces, size_t count, bool end)
{
    weir_response *res = &x->response;
    struct weir__wire_head head = make_head(x, status, type, length);
    uint64_t bytes = bytes_of(pieces, count);
    int err = send_head(x, &head, pieces, count, end);

    if (!res->began)
        return err;
    res->ended = end;
    account(x, bytes);
    if (err == 0 && !res->no_body)
        res->sent += bytes;
    return err;
}

int weir__response_send_more(struct weir__exchange *x, const struct iovec *pieces, size_t count, bool end)
{
    weir_response *res = &x->response;
    uint64_t bytes = bytes_of(pieces, count);
    int err;

    account(x, bytes);
    if (res->no_body || (count == 0 && !end))
        return res->err;
    res->ended = end;
    err = x->wire->send(x, NULL, pieces, count, end);
    if (err == 0)
        res->sent += bytes;
    return err;
}

int weir__response_send_body(struct weir__exchange *x, const void *data, size_t bytes)
{
    weir_response *res = &x->response;
    struct iovec piece = {(void *)(uintptr_t)data, bytes};
    int err;

    if (bytes == 0 || res->no_body)
        return res->err;
    err = x->wire->send(x, NULL, &piece, 1, false);
    if (err == 0)
        res->sent += bytes;
    return err;
}

void weir__response_send_end(struct weir__exchange *x)
{
    (void)x->wire->send(x, NULL, NULL, 0, true);
}
