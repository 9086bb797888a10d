/* SPDX-License-Identifier: MIT */
#include "net/idle_limit.h"

/* What a write sends next: it moves on with each part that the kernel takes. */
static const void *next_of(const struct weir__idle_limit *limit)
{
    const struct weir__io_op *op = &limit->wait->op;

    return op->type == WEIR__IO_SEND && op->msg->msg_iovlen > 0 ? op->msg->msg_iov->iov_base : NULL;
}

static void begin_again(struct weir__idle_limit *limit)
{
    struct weir__loop *loop = weir__loop_current();

    limit->next = next_of(limit);
    limit->acknowledged =
        limit->wait->op.type == WEIR__IO_SEND ? weir__stream_acknowledged(limit->stream) : 0;
    weir__timeout_set(loop, &limit->timeout, weir__loop_now_ns(loop) + limit->idle_ns);
}

/* An operation under way does not say how much of it was sent: the peer's acknowledgements do. */
static void idle(struct weir__timeout *timeout)
{
    struct weir__idle_limit *limit = weir__container_of(timeout, struct weir__idle_limit, timeout);

    if (limit->wait->op.type == WEIR__IO_SEND &&
        (limit->next != next_of(limit) || limit->acknowledged != weir__stream_acknowledged(limit->stream))) {
        begin_again(limit);
        return;
    }
    limit->expired = true;
    weir__transport_wait_stop(limit->wait);
}

void weir__idle_limit_begin(struct weir__idle_limit *limit, weir_stream *s, struct weir__transport_wait *wait,
                            int64_t idle_ns)
{
    *limit = (struct weir__idle_limit){.wait = wait, .stream = s, .idle_ns = idle_ns};
    weir__stream_enter(s);
    weir__timeout_init(&limit->timeout, idle);
    begin_again(limit);
}

ssize_t weir__idle_limit_end(struct weir__idle_limit *limit, ssize_t result)
{
    bool closing = limit->stream->closing;

    weir__timeout_cancel(weir__loop_current(), &limit->timeout);
    weir__stream_leave(limit->stream);
    return limit->expired && !closing && result == -WEIR_ECLOSED ? -WEIR_EIDLE : result;
}
