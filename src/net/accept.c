/* SPDX-License-Identifier: MIT */
/* Accepting connections: by a task, or for a server without one. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <weir/time.h>

#include "core/wait.h"
#include "net/listener.h"
#include "net/network.h"
#include "net/public_stream.h"
#include "net/transport_wait.h"
#include "net/wait_address.h"

enum { ACCEPTS_IN_A_TURN = 16, RETRY_MS = 50 };

/* Whether an error is of a connection that broke before it was accepted, not of the listener: see accept(2).
 */
static bool is_passing(int err)
{
    switch (-err) {
    case ECONNABORTED:
    case EPROTO:
    case EINTR:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
        return true;
    default:
        return false;
    }
}

static bool describe_accepting(const struct weir__look *look, const struct weir__task *task,
                               struct weir__wait_words *out)
{
    char own[WEIR_ADDRESS_BYTES];

    if (!weir__transport_wait_address(look, task, false, own))
        return false;
    (void)snprintf(out->text, sizeof out->text, "a connection to %s", own);
    return true;
}

static const struct weir__wait_class accepting = {"accepting a connection", describe_accepting,
                                                  .charge = WEIR_CHARGE_OTHER};

/* Makes a stream of what was accepted. Owns: fd in any case. */
static int adopt(int fd, struct weir__layers layers, weir_stream **out)
{
    int err = weir__stream_adopt(fd, WEIR__PUBLIC_STREAM_BYTES, out);

    if (err < 0)
        return err;
    err = weir__layers_put_on(layers, *out, NULL);
    if (err < 0)
        weir__stream_close_detached(*out, NULL);
    return err;
}

int weir_accept(weir_listener *l, weir_stream **out)
{
    const struct weir__network *network = weir__network_here();
    struct weir__transport_wait w;
    struct weir__layers layers;
    bool closed, delay;
    int64_t idle_ns;
    int got;

    weir__check_loop(l->handle.loop, __func__, "a listener");
    if (l->pending || l->serving)
        return -WEIR_EBUSY;
    l->pending = true;
    l->users++;
    memset(&w, 0, sizeof w);
    w.op.type = WEIR__IO_ACCEPT;
    w.transport = l->queue;
    do
        got = weir__transport_wait(&w, &accepting);
    while (is_passing(got));
    l->pending = false;
    closed = l->closing;
    delay = l->delay;
    idle_ns = l->idle_ns;
    layers = l->layers; /* which hold on, unless it is closed */
    weir__listener_leave(l);
    if (closed && got >= 0)
        network->close_fd(network, got);
    else if (got >= 0)
        got = adopt(got, layers, out);
    if (closed)
        return -WEIR_ECLOSED;
    if (got < 0)
        return got;
    (void)weir__public_stream_open(*out, __builtin_return_address(0));
    weir__public_stream(*out)->idle_ns = idle_ns;
    if (delay) /* the one option that a socket does not inherit from its listener */
        (void)(*out)->transport->type->tune((*out)->transport, &(struct weir__io_tuning){.delay = true});
    return 0;
}

/* --- for a server --- */

static void retry_in(weir_listener *l, int64_t ms)
{
    weir__timeout_set(l->loop, &l->retry, weir_after_ms(ms).ns);
}

/* Hands on what an accept has given. Returns: whether to go on accepting. */
static bool take(weir_listener *l, int result)
{
    if (result == -ECANCELED || is_passing(result))
        return l->serving;
    if (result == -EINVAL) { /* the listener of another loop has stopped the queue */
        l->serving = false;
        return false;
    }
    if (result < 0 && l->serving)
        retry_in(l, RETRY_MS); /* accepted() may shorten it */
    l->accepted(l, l->arg, result);
    return result >= 0 && l->serving;
}

static void accept_more(weir_listener *l)
{
    for (int i = 0; i < ACCEPTS_IN_A_TURN; i++) {
        l->pending = true;
        if (!l->queue->type->submit(l->queue, &l->accept))
            return;
        l->pending = false;
        if (!take(l, l->accept.result))
            return;
    }
    retry_in(l, 0);
}

static void accept_ended(struct weir__io_op *op)
{
    weir_listener *l = weir__container_of(op, weir_listener, accept);

    l->pending = false;
    if (l->closing) {
        if (op->result >= 0)
            l->accepted(l, l->arg, op->result);
        return;
    }
    l->users++; /* accepted() may close it */
    if (take(l, op->result))
        accept_more(l);
    weir__listener_leave(l);
}

static void try_again(struct weir__timeout *timeout)
{
    weir_listener *l = weir__container_of(timeout, weir_listener, retry);

    if (!l->serving || l->pending)
        return;
    l->users++;
    accept_more(l);
    weir__listener_leave(l);
}

void weir__listener_serve(weir_listener *l, void (*accepted)(weir_listener *l, void *arg, int fd), void *arg)
{
    assert(!l->pending && !l->serving && !l->closing);
    l->accepted = accepted;
    l->arg = arg;
    l->accept.type = WEIR__IO_ACCEPT;
    l->accept.done = accept_ended;
    l->retry.fire = try_again;
    weir__listener_resume(l);
}

void weir__listener_pause(weir_listener *l)
{
    l->serving = false;
    weir__timeout_cancel(l->loop, &l->retry);
    if (l->pending)
        l->queue->type->cancel(l->queue, &l->accept);
}

void weir__listener_resume(weir_listener *l)
{
    if (l->serving || l->closing || l->accepted == NULL)
        return;
    l->serving = true;
    /* From the next turn: this may be called from inside accepted(). */
    retry_in(l, 0);
}

void weir__listener_retry(weir_listener *l)
{
    if (weir__timer_is_set(&l->retry.timer))
        retry_in(l, 0);
}

bool weir__listener_take(weir_listener *l, int most)
{
    int fd = -EAGAIN;

    l->users++; /* accepted() may close it */
    for (int i = 0; i < most && !l->closing; i++) {
        fd = l->queue->type->queue->accept_now(l->queue);
        if (fd >= 0)
            l->accepted(l, l->arg, fd);
        else if (!is_passing(fd))
            break;
    }
    weir__listener_leave(l);
    return fd >= 0 || is_passing(fd);
}
