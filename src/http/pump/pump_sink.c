/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "http/client/fetch_stream_pump.h"
#include "http/pump/pump_parts.h"
#include "http/server/body_pump.h"
#include "http/server/filter.h"
#include "http/server/handler_check.h"
#include "http/server/response_send.h"
#include "net/idle_limit.h"
#include "net/public_stream.h"

_Static_assert((int)WEIR__PUMP_RUNS_MAX <= (int)WEIR__FETCH_RUNS_MAX, "a request takes them in one write");
_Static_assert((int)WEIR__PUMP_RUNS_MAX <= (int)WEIR__WIRE_PIECES_MAX, "a response takes them in one send");

int weir__pump_sink_open(struct weir__pump_sink *k, const weir_body_sink *to, int64_t idle_ns,
                         const char *function)
{
    *k = (struct weir__pump_sink){.is = *to, .idle_ns = idle_ns};
    if ((to->response != NULL) + (to->fetch != NULL) + (to->stream != NULL) != 1)
        return -EINVAL;
    if (to->response != NULL)
        (void)weir__checked_response(to->response, function);
    else if (to->fetch != NULL)
        weir__fetch_stream_check_writer(to->fetch, function);
    else
        (void)weir__public_stream_check(to->stream, function);
    return 0;
}

/* --- responses --- */

static uint64_t bytes_of(const struct iovec *runs, size_t count)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < count; i++)
        bytes += runs[i].iov_len;
    return bytes;
}

static int write_filtered(struct weir__exchange *x, const struct iovec *runs, size_t count)
{
    int err = 0;

    for (size_t i = 0; i < count && err == 0; i++) {
        if (x->response.left != UINT64_MAX)
            x->response.left -= runs[i].iov_len;
        err = weir__filter_body(x, runs[i].iov_base, runs[i].iov_len);
    }
    return err;
}

static int write_response(struct weir__pump_sink *k, const struct iovec *runs, size_t count, bool last)
{
    struct weir__exchange *x = weir__exchange_of_response(k->is.response);

    if (!x->response.began || x->response.ended || bytes_of(runs, count) > x->response.left)
        return -EINVAL;
    if (x->response.filtered)
        return write_filtered(x, runs, count);
    return weir__response_send_more(x, runs, count, last && k->ends);
}

/* --- streams --- */

static int64_t stream_idle_ns(const struct weir__pump_sink *k)
{
    int64_t own_ns = weir__public_stream(k->is.stream)->idle_ns;

    return k->idle_ns == 0 || (own_ns > 0 && own_ns < k->idle_ns) ? own_ns : k->idle_ns;
}

static int write_stream(struct weir__pump_sink *k, const struct iovec *runs, size_t count)
{
    int64_t idle_ns = stream_idle_ns(k);
    struct iovec pieces[WEIR__PUMP_RUNS_MAX];
    struct weir__stream_write write;
    struct weir__idle_limit limit;
    int err;

    memset(&write, 0, sizeof write);
    memcpy(pieces, runs, count * sizeof *runs);
    if (idle_ns == 0)
        return weir__stream_write_pieces(k->is.stream, pieces, count, &write);
    weir__idle_limit_begin(&limit, k->is.stream, &write.wait, idle_ns);
    err = weir__stream_write_pieces(k->is.stream, pieces, count, &write);
    return (int)weir__idle_limit_end(&limit, err);
}

static int splice_stream(struct weir__pump_sink *k, struct weir__splice *splice)
{
    struct weir__stream_write write;

    memset(&write, 0, sizeof write);
    return weir__stream_splice_out(k->is.stream, splice, weir__splice_bytes(splice), stream_idle_ns(k),
                                   &write);
}

/* --- any sink --- */

int weir__pump_sink_write(struct weir__pump_sink *k, const struct iovec *runs, size_t count, bool last)
{
    if (k->is.response != NULL)
        return write_response(k, runs, count, last);
    if (k->is.fetch != NULL)
        return weir__fetch_stream_write_runs(k->is.fetch, runs, count, k->idle_ns);
    return write_stream(k, runs, count);
}

bool weir__pump_sink_can_splice(const struct weir__pump_sink *k)
{
    if (k->is.response != NULL)
        return weir__response_can_splice(weir__exchange_of_response(k->is.response));
    if (k->is.fetch != NULL)
        return weir__fetch_stream_can_splice(k->is.fetch);
    return weir__stream_can_splice(k->is.stream);
}

int weir__pump_sink_splice(struct weir__pump_sink *k, struct weir__splice *splice)
{
    if (k->is.response != NULL)
        return weir__response_splice(weir__exchange_of_response(k->is.response), splice);
    if (k->is.fetch != NULL)
        return weir__fetch_stream_splice_out(k->is.fetch, splice, k->idle_ns);
    return splice_stream(k, splice);
}
