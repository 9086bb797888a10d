/* SPDX-License-Identifier: MIT */
/* Pumping bodies. What is here goes first; then, of a body that is large, the kernel moves what comes from
 * socket to socket; else the next piece is waited for. Nothing is held back: a round moves what is there. */
#include <errno.h>
#include <string.h>

#include "base/reserved.h"
#include "core/task.h"
#include "http/pump/pump_parts.h"
#include "http/server/filter.h"
#include "http/server/handler_check.h"
#include "http/server/response_send.h"

enum { READ_BYTES = 64 << 10 }; /* a body of no more needs no pipe */

struct pump {
    struct weir__pump_source source;
    struct weir__pump_sink sink;
    struct weir__splice splice;
    uint64_t left; /* may still be taken */
    weir_body_pumped *pumped;
};

static void turn_to(struct pump *p, enum weir_body_side side)
{
    p->pumped->waits_for = side;
    p->pumped->since = weir_now();
}

/* Notes at which side it failed. */
static int failed_at(struct pump *p, enum weir_body_side side, int err)
{
    if (err < 0 && err != weir_cancelled() && err != -EINVAL && err != -ENOMEM)
        p->pumped->failed = side;
    return err;
}

static uint64_t bytes_of(const struct iovec *runs, int count)
{
    uint64_t bytes = 0;

    for (int i = 0; i < count; i++)
        bytes += runs[i].iov_len;
    return bytes;
}

/* --- reading and writing --- */

/* Before the last bytes are sent: the trailers that follow them. */
static int add_trailers(struct pump *p)
{
    return p->sink.ends ? weir__pump_source_trailers(&p->source, p->sink.is.response) : 0;
}

/* Sends what is here of the body. Returns: 1 some was; 0 nothing is here; 2 the sink needs no more; < 0. */
static int pass_on(struct pump *p)
{
    struct iovec runs[WEIR__PUMP_RUNS_MAX];
    int count = weir__pump_source_take(&p->source, runs, WEIR__PUMP_RUNS_MAX, p->left), err = 0;
    uint64_t bytes = count > 0 ? bytes_of(runs, count) : 0;
    bool last;

    if (count <= 0)
        return failed_at(p, WEIR_BODY_SOURCE, count);
    last = weir__pump_source_ended(&p->source);
    if (last)
        err = add_trailers(p);
    turn_to(p, WEIR_BODY_SINK);
    if (err == 0)
        err = failed_at(p, WEIR_BODY_SINK, weir__pump_sink_write(&p->sink, runs, (size_t)count, last));
    if (err != 0)
        return err < 0 ? err : 2;
    p->left -= bytes;
    p->pumped->bytes += bytes;
    weir__pump_source_used(&p->source, p->pumped->bytes >= READ_BYTES);
    return 1;
}

/* --- moving by a pipe, or much at once through memory --- */

/* A file may fail while it is sent. */
static enum weir_body_side side_of(const struct pump *p, int err)
{
    bool of_file = p->source.is.file != NULL && (err == -WEIR_ETRUNCATED || err == -EIO);

    return of_file ? WEIR_BODY_SOURCE : WEIR_BODY_SINK;
}

static int move_on(struct pump *p)
{
    return p->splice.copies ? weir__pump_sink_write(&p->sink, &p->splice.copy, 1, false)
                            : weir__pump_sink_splice(&p->sink, &p->splice);
}

/* Returns: 1 some was moved; 0 the source has ended; 2; -EAGAIN it is read and written instead; < 0. */
static int move(struct pump *p)
{
    ssize_t got;
    size_t kept;
    int err;

    if (p->pumped->bytes < READ_BYTES && p->source.is.file == NULL)
        return -EAGAIN;
    turn_to(p, WEIR_BODY_SOURCE);
    p->splice.copies = !weir__pump_sink_can_splice(&p->sink);
    got = weir__pump_source_splice(&p->source, &p->splice, p->left);
    if (got == -EAGAIN && !p->splice.copies) {
        p->splice.copies = true;
        got = weir__pump_source_splice(&p->source, &p->splice, p->left);
    }
    if (got == -EAGAIN)
        return -EAGAIN;
    if (got <= 0)
        return failed_at(p, WEIR_BODY_SOURCE, (int)got);
    p->left -= (uint64_t)got;
    turn_to(p, WEIR_BODY_SINK);
    err = move_on(p);
    err = failed_at(p, side_of(p, err), err);
    kept = p->splice.copies && err == 0 ? 0 : weir__splice_bytes(&p->splice);
    weir__splice_end(&p->splice);
    p->pumped->bytes += (uint64_t)got - kept;
    return err < 0 ? err : err > 0 ? 2 : 1;
}

/* --- the pump --- */

/* Returns: 1 it goes on; 0 the source has ended, or all was pumped; 2; < 0. */
static int step(struct pump *p)
{
    int result = p->source.is.file != NULL ? move(p) : -EAGAIN; /* all of a file is here */

    if (result == -EAGAIN)
        result = pass_on(p);
    if (result != 0)
        return result;
    if (p->left == 0 || weir__pump_source_ended(&p->source))
        return 0;
    result = move(p);
    if (result != -EAGAIN)
        return result;
    turn_to(p, WEIR_BODY_SOURCE);
    result = weir__pump_source_await(&p->source);
    return result < 0 ? failed_at(p, WEIR_BODY_SOURCE, result) : 1;
}

static int run(struct pump *p)
{
    int result = 1;

    while (result == 1)
        result = step(p);
    return result == 2 ? 1 : result;
}

/* What a caller has given. */
struct given {
    const weir_body_source *from;
    const weir_body_sink *to;
    const weir_body_pump_options *options;
    const char *function;
};

static int open_pump(struct pump *p, const struct given *g, weir_body_pumped *pumped)
{
    const weir_body_pump_options *options = g->options;
    int64_t idle_ns = options != NULL ? options->idle_timeout.ns : 0;
    int err;

    *p = (struct pump){.left = UINT64_MAX, .pumped = pumped};
    *pumped = (weir_body_pumped){0};
    if (options != NULL &&
        (idle_ns < 0 || !weir__reserved_is_zero(options->reserved, sizeof options->reserved)))
        return -EINVAL;
    err = weir__pump_source_open(&p->source, g->from, idle_ns, g->function);
    if (options != NULL) {
        p->source.passes_trailer = options->passes_trailer;
        p->source.arg = options->arg;
    }
    return err < 0 ? err : weir__pump_sink_open(&p->sink, g->to, idle_ns, g->function);
}

static int close_pump(struct pump *p, int err)
{
    int kept = weir__pump_source_close(&p->source);

    return err == 0 ? kept : err;
}

int weir_body_pump(const weir_body_source *from, const weir_body_sink *to,
                   const weir_body_pump_options *options, weir_body_pumped *pumped)
{
    weir_body_pumped unread;
    struct pump p;
    int err;

    (void)weir__calling_task(__func__);
    err = open_pump(&p, &(struct given){from, to, options, __func__}, pumped != NULL ? pumped : &unread);
    if (err == 0 && options != NULL && options->bytes_max > 0)
        p.left = options->bytes_max;
    return close_pump(&p, err < 0 ? err : run(&p));
}

/* --- an answer --- */

/* What is here of the body as one text: a filter is given a whole body in one piece. */
static int join(struct weir__exchange *x, const struct iovec *runs, int count, weir_bytes *out)
{
    size_t at = 0;
    char *all;

    *out = count > 0 ? (weir_bytes){runs[0].iov_base, runs[0].iov_len} : (weir_bytes){"", 0};
    if (count <= 1)
        return 0;
    all = weir__arena_alloc(&x->memory, (size_t)bytes_of(runs, count));
    if (all == NULL)
        return -ENOMEM;
    for (int i = 0; i < count; i++) {
        memcpy(all + at, runs[i].iov_base, runs[i].iov_len);
        at += runs[i].iov_len;
    }
    *out = (weir_bytes){all, at};
    return 0;
}

/* Sends the head through the filters, with a body that is whole. */
static int begin_filtered(struct pump *p, struct weir__exchange *x, int status, const char *type,
                          int64_t length, const struct iovec *runs, int count)
{
    weir_bytes body;
    int err;

    if (weir__pump_source_ended(&p->source) && !weir__pump_source_has_trailers(&p->source)) {
        err = join(x, runs, count, &body);
        return err < 0 ? err : weir__filter_whole(x, status, type, body.data, body.len);
    }
    err = weir__filter_head(x, status, type, length);
    if (err < 0)
        return err;
    p->sink.ends = !x->response.filtered;
    return weir__pump_sink_write(&p->sink, runs, (size_t)count, false);
}

/* Begins the answer with what is here. length: of the body. */
static int begin(struct pump *p, struct weir__exchange *x, int status, const char *type, int64_t length,
                 const struct iovec *runs, int count)
{
    bool whole = weir__pump_source_ended(&p->source);
    int err;

    if (x->response.unasked != NULL)
        return begin_filtered(p, x, status, type, length, runs, count);
    p->sink.ends = true;
    err = whole ? add_trailers(p) : 0;
    if (err == 0)
        err = weir__response_send_first(x, status, type, length, runs, (size_t)count, whole);
    return err;
}

/* Answers without a body: the source is not read. */
static int send_bodiless(struct pump *p, struct weir__exchange *x, int status, const char *type)
{
    int64_t length = weir__pump_source_length(&p->source);

    x->response.names_chunks = length < 0 && weir__pump_source_is_chunked(&p->source);
    return x->response.unasked != NULL ? weir__filter_head(x, status, type, length)
                                       : weir__response_send_head(x, status, type, length);
}

/* Takes what is here. Of a file the first piece is waited for: it may be unreadable, and it is small. */
static int take_first(struct pump *p, struct iovec *runs)
{
    int count = weir__pump_source_take(&p->source, runs, WEIR__PUMP_RUNS_MAX, UINT64_MAX), err;

    if (count != 0 || p->source.is.file == NULL || weir__pump_source_ended(&p->source))
        return count;
    turn_to(p, WEIR_BODY_SOURCE);
    err = weir__pump_source_await(&p->source);
    return err < 0 ? err : weir__pump_source_take(&p->source, runs, WEIR__PUMP_RUNS_MAX, UINT64_MAX);
}

static int respond(struct pump *p, struct weir__exchange *x, int status, const char *type)
{
    struct iovec runs[WEIR__PUMP_RUNS_MAX];
    int64_t length = weir__pump_source_length(&p->source);
    int count, err = weir__response_begin(x, status, false);

    if (err < 0)
        return err;
    if (weir__response_has_no_body(x, status))
        return send_bodiless(p, x, status, type);
    count = take_first(p, runs);
    if (count < 0)
        return failed_at(p, WEIR_BODY_SOURCE, count);
    err = failed_at(p, WEIR_BODY_SINK, begin(p, x, status, type, length, runs, count));
    if (err < 0)
        return err;
    p->pumped->bytes = bytes_of(runs, count);
    if (count > 0)
        weir__pump_source_used(&p->source, p->pumped->bytes >= READ_BYTES);
    if (x->response.ended)
        return 0;
    err = run(p);
    return err == 0 && !x->response.ended ? weir__pump_source_trailers(&p->source, &x->response) : err;
}

int weir_respond_pump(weir_response *res, int status, const char *type, const weir_body_source *from,
                      const weir_body_pump_options *options, weir_body_pumped *pumped)
{
    struct weir__exchange *x = weir__checked_response(res, __func__);
    const weir_body_sink to = {.response = res};
    weir_body_pumped unread;
    struct pump p;
    int err;

    (void)weir__calling_task(__func__);
    err = open_pump(&p, &(struct given){from, &to, options, __func__}, pumped != NULL ? pumped : &unread);
    return close_pump(&p, err < 0 ? err : respond(&p, x, status, type));
}
