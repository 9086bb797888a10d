/* SPDX-License-Identifier: MIT */
/* The body of a request, as its handler reads it. */
#include "http/server/request.h"

#include <errno.h>
#include <string.h>

#include <weir/task.h>

#include "http/server/handler_check.h"

static int await_more(struct weir__exchange *x)
{
    int err = 0;

    if (x->request.continue_due && !x->request.continue_left) {
        x->request.continue_due = false;
        if (!x->response.began) /* a final response tells the client the same */
            err = x->wire->send_informational(x, 100, (weir_bytes){0});
    }
    return err < 0 ? err : x->wire->await_body(x);
}

int weir__request_await(weir_request *req)
{
    return await_more(weir__exchange_of_request(req));
}

/* Keeps an error, unless it is a cancel: then the body can be read further. */
static int fail(weir_request *req, int err)
{
    if (err != weir_cancelled())
        req->body_err = err;
    return err;
}

static int came(weir_request *req, int step)
{
    if (req->continue_left) /* the client has not waited */
        req->continue_due = false;
    return step;
}

/* Takes the next payload, at most `most` bytes, where it lies; waits for it. Empty at the end of the body. */
static int next_payload(struct weir__exchange *x, size_t most, weir_bytes *payload)
{
    weir_request *req = &x->request;

    while (req->body_err == 0) {
        int step = x->wire->take_body(x, most, payload);

        if (step == WEIR__HTTP_BODY_MORE)
            step = await_more(x);
        else if (step >= 0)
            return came(req, step);
        if (step < 0)
            return fail(req, step);
    }
    return req->body_err;
}

ssize_t weir_request_read(weir_request *req, void *data, size_t bytes)
{
    struct weir__exchange *x = weir__checked_request(req, __func__);
    weir_bytes payload;
    ssize_t got;
    int step;

    if (bytes == 0)
        return -EINVAL;
    if (req->body_err < 0 || req->body.ended)
        return req->body_err;
    got = x->wire->read_body(x, data, bytes);
    if (got != -EAGAIN) {
        return got < 0 ? fail(req, (int)got) : got;
    }
    step = next_payload(x, bytes, &payload);
    if (step < 0)
        return step;
    if (payload.len > 0)
        memcpy(data, payload.data, payload.len);
    x->wire->release_body(x, bytes);
    return (ssize_t)payload.len;
}

ssize_t weir_request_read_now(weir_request *req, void *data, size_t bytes)
{
    struct weir__exchange *x = weir__checked_request(req, __func__);
    weir_bytes payload;
    size_t got = 0;
    int step = WEIR__HTTP_BODY_DATA;

    while (got < bytes && step == WEIR__HTTP_BODY_DATA && req->body_err == 0 && !req->body.ended) {
        step = x->wire->take_body(x, bytes - got, &payload);
        if (step < 0)
            return fail(req, step);
        if (payload.len > 0)
            memcpy((char *)data + got, payload.data, payload.len);
        got += payload.len;
    }
    if (got > 0) {
        (void)came(req, step);
        x->wire->release_body(x, 0);
        return (ssize_t)got;
    }
    if (req->body_err < 0)
        return req->body_err;
    return step == WEIR__HTTP_BODY_MORE ? -EAGAIN : 0;
}

int weir_request_read_body(weir_request *req, weir_bytes *body, size_t max_bytes)
{
    struct weir__exchange *x = weir__checked_request(req, __func__);
    uint64_t max = req->body.max < max_bytes ? req->body.max : max_bytes;

    *body = (weir_bytes){0};
    weir_buffer_free(&x->body);
    weir_buffer_init(&x->body, (size_t)max);
    if (req->body.taken + req->body.left > max)
        return -WEIR_ETOOLARGE;
    for (;;) {
        weir_bytes payload;
        int step = next_payload(x, SIZE_MAX, &payload);
        int err = step < 0 ? step : weir_buffer_append(&x->body, payload.data, payload.len);

        if (err < 0)
            return err;
        x->wire->release_body(x, 0);
        if (step == WEIR__HTTP_BODY_END)
            break;
    }
    *body = weir_buffer_bytes(&x->body);
    return 0;
}

bool weir_request_awaits_continue(const weir_request *req)
{
    (void)weir__checked_request(req, __func__);
    return req->continue_due;
}

void weir_request_leave_continue(weir_request *req)
{
    (void)weir__checked_request(req, __func__);
    req->continue_left = true;
}

int weir__request_discard_body(weir_request *req, uint64_t most)
{
    struct weir__exchange *x = weir__exchange_of_request(req);
    uint64_t from = req->body.taken;

    /* The client was not told to send the body, and may or may not send it: what comes next is unknown. */
    if (req->continue_due && !req->body.ended)
        return -WEIR_EPROTOCOL;
    while (!req->body.ended) {
        weir_bytes payload;
        int step;

        if (req->body.taken + req->body.left - from > most)
            return -WEIR_ETOOLARGE;
        step = next_payload(x, SIZE_MAX, &payload);
        if (step < 0)
            return step;
    }
    return 0;
}
