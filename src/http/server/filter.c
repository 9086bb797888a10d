/* SPDX-License-Identifier: MIT */
/* The filters of a response, from the handler to the client. A response that all of them leave as it is goes
 * out as if there were none. One that a filter changes has no length, unless all of it came out of the filter
 * at once: then the next filter sees it as a whole response, too. */
#include "http/server/filter.h"

#include <errno.h>

#include "core/misuse.h"
#include "http/server/handler_check.h"
#include "http/server/response_headers.h"
#include "http/server/response_send.h"

struct weir__filter {
    const weir_response_filter *given;
    void *arg;
    struct weir__filter *outer; /* the next towards the client */
    bool changes;               /* the body goes through it */
};

int weir_response_filter_add(weir_response *res, const weir_response_filter *filter, void *arg)
{
    struct weir__exchange *x = weir__checked_response(res, __func__);
    struct weir__filter *f;
    int count = 0;

    if (res->began || res->unasked != res->filters)
        return -WEIR_EBUSY;
    if (filter->head == NULL)
        return -EINVAL;
    for (f = res->filters; f != NULL; f = f->outer)
        count++;
    if (count >= WEIR_RESPONSE_FILTERS_MAX)
        return -EINVAL;
    f = weir__arena_alloc(&x->memory, sizeof *f);
    if (f == NULL)
        return -ENOMEM;
    *f = (struct weir__filter){.given = filter, .arg = arg, .outer = res->filters};
    res->filters = res->unasked = f;
    return 0;
}

/* --- the head --- */

/* Shows the head to the next filter. Returns: 1 the body goes through it; 0 it does not; < 0. */
static int ask_next(struct weir__exchange *x, struct weir__filter **asked, weir_response_head *head)
{
    weir_response *res = &x->response;
    struct weir__filter *f = res->unasked;
    const char *type = weir_response_header(res, "content-type");
    int changed;

    res->unasked = f->outer;
    *asked = f;
    if (type != NULL)
        head->type = type;
    head->bodiless = weir__response_has_no_body(x, head->status);
    changed = f->given->head(f->arg, res, head);
    f->changes = changed > 0;
    if (f->changes && f->given->piece == NULL)
        weir__misuse("weir_response_filter_add", "with a filter that changes bodies and has no piece()",
                     "return 0 from head(), or give it a piece()");
    return changed;
}

/* --- the body --- */

static int pump(struct weir__exchange *x, struct weir__filter *f, weir_bytes in, bool last);

/* Gives what came out of a filter to the filters around it, and what comes out of them to the client. */
static int pass_on(struct weir__exchange *x, struct weir__filter *f, weir_bytes in, bool last)
{
    while (f != NULL && !f->changes)
        f = f->outer;
    if (f != NULL)
        return in.len > 0 || last ? pump(x, f, in, last) : x->response.err;
    return weir__response_send_body(x, in.data, in.len);
}

/* Gives input to a filter, until it wants more. */
static int pump(struct weir__exchange *x, struct weir__filter *f, weir_bytes in, bool last)
{
    int err = 0, more = 1;

    while (err == 0 && more > 0) {
        weir_bytes out = {0};

        more = f->given->piece(f->arg, in, last, &out);
        in = (weir_bytes){0};
        err = more < 0 ? more : pass_on(x, f->outer, out, last && more == 0);
    }
    return err;
}

/* --- a whole response --- */

/* A whole response on its way. Once it comes out of a filter in parts it is a stream. */
struct whole {
    weir_response_head head;
    bool changed;
    struct weir__filter *from; /* the filter it comes out of in parts; NULL: it is whole */
    weir_bytes first;          /* the first part */
};

/* Takes the response through the filter that is next. Returns: 0; < 0. */
static int go_through(struct weir__exchange *x, struct whole *w)
{
    struct weir__filter *f;
    weir_bytes out = {0};
    int changed = ask_next(x, &f, &w->head), more;

    if (changed <= 0)
        return changed;
    w->changed = true;
    if (w->head.bodiless || w->from != NULL) {
        w->head.length = -1;
        return 0;
    }
    more = f->given->piece(f->arg, w->head.body, true, &out);
    if (more < 0) {
        x->response.headers.len = 0; /* they describe a body that does not come */
        return more;
    }
    w->head.length = more == 0 ? (int64_t)out.len : -1;
    w->head.body = more == 0 ? out : (weir_bytes){0};
    w->head.whole = more == 0;
    w->from = more == 0 ? NULL : f;
    w->first = out;
    return 0;
}

static int send_parts(struct weir__exchange *x, const struct whole *w, const char *type)
{
    weir_response *res = &x->response;
    int err = weir__response_send_head(x, w->head.status, type, -1);

    if (err == 0)
        err = pass_on(x, w->from->outer, w->first, false);
    if (err == 0)
        err = pump(x, w->from, (weir_bytes){0}, true);
    res->left = err == 0 ? 0 : 1; /* the handler writes no more; a body that broke off has not ended */
    return err;
}

int weir__filter_whole(struct weir__exchange *x, int status, const char *type, const void *data, size_t bytes)
{
    struct whole w = {
        .head = {
            .status = status, .type = type, .length = (int64_t)bytes, .whole = true, .body = {data, bytes}}};
    int err = 0;

    while (err == 0 && x->response.unasked != NULL)
        err = go_through(x, &w);
    if (err < 0)
        return err;
    if (w.from != NULL)
        return send_parts(x, &w, type);
    if (!w.changed || !w.head.bodiless)
        return weir__response_send_whole(x, status, type, w.head.body.data, w.head.body.len);
    err = weir__response_send_head(x, status, type, -1);
    x->response.left = 0;
    return err;
}

/* --- a streamed response --- */

int weir__filter_head(struct weir__exchange *x, int status, const char *type, int64_t length)
{
    weir_response *res = &x->response;
    weir_response_head head = {.status = status, .type = type, .length = length};
    bool changed = false;
    int err;

    while (res->unasked != NULL) {
        struct weir__filter *f;

        err = ask_next(x, &f, &head);
        if (err < 0)
            return err;
        if (err > 0) {
            head.length = -1;
            res->names_chunks = false; /* of a body that is small, GET may know the length */
        }
        changed = changed || err > 0;
    }
    err = weir__response_send_head(x, status, type, head.length);
    res->filtered = changed && !head.bodiless;
    if (changed && res->began && length >= 0)
        res->left = (uint64_t)length;
    return err;
}

/* The functions of a filter may wait, and are not made for two tasks at a time. */
static int pass_in_turn(struct weir__exchange *x, weir_bytes in, bool last)
{
    weir_response *res = &x->response;
    struct weir__output_writer writer;
    int err = weir__output_wait(&res->filter_turn, &writer);

    if (err < 0)
        return err;
    err = pass_on(x, res->filters, in, last);
    weir__output_leave(&res->filter_turn, &writer);
    return err;
}

int weir__filter_body(struct weir__exchange *x, const void *data, size_t bytes)
{
    return bytes == 0 ? x->response.err : pass_in_turn(x, (weir_bytes){data, bytes}, false);
}

int weir__filter_finish(struct weir__exchange *x)
{
    return pass_in_turn(x, (weir_bytes){0}, true);
}

void weir__filter_end(struct weir__exchange *x)
{
    for (const struct weir__filter *f = x->response.filters; f != NULL; f = f->outer)
        if (f->given->end != NULL)
            f->given->end(f->arg);
}
