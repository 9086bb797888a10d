/* SPDX-License-Identifier: MIT */
#include "http/server/body_pump.h"

#include <errno.h>

#include <weir/task.h>

#include "http/server/request.h"

/* --- a request as a source --- */

int weir__request_take_runs(weir_request *req, struct iovec *runs, size_t count, uint64_t most)
{
    struct weir__exchange *x = weir__exchange_of_request(req);
    size_t n = 0;

    while (n < count && most > 0 && req->body_err == 0) {
        weir_bytes payload;
        int step = x->wire->take_body(x, most < SIZE_MAX ? (size_t)most : SIZE_MAX, &payload);

        if (step < 0)
            req->body_err = step;
        if (step != WEIR__HTTP_BODY_DATA)
            break;
        runs[n++] = (struct iovec){(void *)(uintptr_t)payload.data, payload.len};
        most -= payload.len;
    }
    if (n > 0 && req->continue_left) /* the client has not waited */
        req->continue_due = false;
    return n > 0 ? (int)n : req->body_err;
}

void weir__request_runs_used(weir_request *req, bool splices)
{
    struct weir__exchange *x = weir__exchange_of_request(req);

    x->wire->release_body(x, splices ? SIZE_MAX : 0);
}

/* Keeps an error, but for a cancel. */
static ssize_t keep(weir_request *req, ssize_t result)
{
    if (result < 0 && result != weir_cancelled())
        req->body_err = (int)result;
    return result;
}

int weir__request_await_runs(weir_request *req)
{
    return (int)keep(req, weir__request_await(req));
}

ssize_t weir__request_splice(weir_request *req, struct weir__splice *splice, uint64_t most)
{
    struct weir__exchange *x = weir__exchange_of_request(req);
    ssize_t got;

    if (x->wire->splice_body == NULL || req->body_err < 0)
        return -EAGAIN;
    got = x->wire->splice_body(x, splice, most);
    return got == -EAGAIN ? got : keep(req, got);
}

/* --- a response as a sink --- */

bool weir__response_can_splice(struct weir__exchange *x)
{
    const weir_response *res = &x->response;

    return res->began && !res->ended && !res->filtered && !res->no_body && x->wire->can_splice != NULL &&
           x->wire->can_splice(x);
}

int weir__response_splice(struct weir__exchange *x, struct weir__splice *splice)
{
    weir_response *res = &x->response;
    size_t bytes = weir__splice_bytes(splice);
    int err;

    if (bytes > res->left)
        return -EINVAL;
    if (res->left != UINT64_MAX)
        res->left -= bytes; /* before the wait: other tasks may write meanwhile */
    err = x->wire->splice(x, splice);
    if (err == 0)
        res->sent += bytes;
    return err;
}
