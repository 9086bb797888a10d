/* SPDX-License-Identifier: MIT */
/* The functions of net/transport.h. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "net/transport_below.h"
#include "tls/transport/inside.h"

/* --- making --- */

static int begin(struct weir__tls *t, weir_tls *context, const char *host, const char *session_key)
{
    struct weir__tls_turn *turn = weir__tls_turn_here(&weir__tls_driver);
    int err;

    if (turn == NULL)
        return -ENOMEM;
    err = weir__tls_connection(context, host, session_key, &t->ssl);
    if (err < 0)
        return err;
    err = weir__tls_bio_attach(t->ssl, turn->method, &t->bytes);
    if (err < 0) {
        SSL_free(t->ssl);
        return err;
    }
    (void)SSL_set_mode(t->ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                   SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_set_read_ahead(t->ssl, 1);
    return 0;
}

int weir__tls_put_on(weir_tls *context, struct weir__transport *lower, const char *host,
                     const char *session_key, struct weir__transport **out)
{
    struct weir__tls *t = calloc(1, sizeof *t);
    int err;

    if (t == NULL)
        return -ENOMEM;
    err = begin(t, context, host, session_key);
    if (err < 0) {
        free(t);
        return err;
    }
    t->transport.type = &weir__tls_type;
    t->lower = lower;
    t->context = context;
    t->is_server = t->started = weir__tls_is_server(context);
    weir__list_init(&t->due);
    weir__list_init(&t->finished);
    weir__list_init(&t->polls);
    weir__tls_began(context);
    *out = &t->transport;
    return 0;
}

/* --- operations --- */

static bool submit(struct weir__transport *transport, struct weir__io_op *op)
{
    struct weir__tls *t = weir__tls_of(transport);
    struct weir__io_op **slot;
    bool ended;

    if (t->closing) {
        op->result = -ECANCELED;
        if (op->type == WEIR__IO_RECV_LENT)
            op->data = NULL;
        return true;
    }
    if (op->type == WEIR__IO_POLL)
        return weir__tls_poll_submit(t, op);
    if (op->type == WEIR__IO_SEND || op->type == WEIR__IO_CONNECT) {
        slot = &t->sending;
        t->send_cancelled = false;
        t->taken = 0;
    } else {
        slot = &t->receiving;
        t->receive_cancelled = false;
    }
    assert(*slot == NULL);
    *slot = op;
    if (!weir__tls_is_on_own_stack()) {
        weir__tls_wake(t);
        return false;
    }
    weir__tls_advance(t);
    ended = *slot != op;
    if (ended)
        weir__list_remove(&op->node);
    if (!weir__list_is_empty(&t->finished))
        weir__tls_wake(t);
    return ended;
}

static void cancel(struct weir__transport *transport, struct weir__io_op *op)
{
    struct weir__tls *t = weir__tls_of(transport);

    if (op->type == WEIR__IO_POLL) {
        weir__tls_poll_cancel(t, op);
        return;
    }
    if (op == t->receiving)
        t->receive_cancelled = true;
    else if (op == t->sending)
        t->send_cancelled = true;
    else
        return;
    weir__tls_wake(t);
}

static void give_back(struct weir__transport *transport, char *data)
{
    (void)transport;
    free(data);
}

static ssize_t send_now(struct weir__transport *transport, const void *data, size_t bytes)
{
    struct weir__tls *t = weir__tls_of(transport);
    ssize_t sent;

    assert(t->sending == NULL);
    if (t->closing)
        return -EBADF;
    if (t->error != 0 || t->send_error != 0)
        return t->error != 0 ? t->error : t->send_error;
    if (t->shut)
        return -EPIPE;
    if (!t->agreed || t->sent != NULL || !weir__tls_is_on_own_stack())
        return -EAGAIN;
    sent = weir__tls_encrypt(t, data, bytes < WEIR__TLS_RECORD_BYTES ? bytes : WEIR__TLS_RECORD_BYTES);
    (void)weir__tls_send(t);
    if (t->error != 0 || !weir__list_is_empty(&t->finished))
        weir__tls_wake(t);
    return sent;
}

static int shut_down(struct weir__transport *transport)
{
    struct weir__tls *t = weir__tls_of(transport);

    assert(t->sending == NULL);
    if (t->closing)
        return -EBADF;
    if (t->error != 0 || t->send_error != 0)
        return -ENOTCONN;
    t->shut = true;
    weir__tls_wake(t);
    return 0;
}

static void reset_on_close(struct weir__transport *transport)
{
    struct weir__tls *t = weir__tls_of(transport);

    t->resets = true;
    t->lower->type->reset_on_close(t->lower);
}

static void free_closed(struct weir__transport *transport)
{
    struct weir__tls *t = weir__tls_of(transport);

    t->lower->type->free(t->lower);
    weir__tls_free_transport(t);
}

static int release(struct weir__transport *transport)
{
    (void)transport;
    return -EOPNOTSUPP;
}

/* --- what is known --- */

static const char *alpn(const struct weir__transport *transport)
{
    const struct weir__tls *t = weir__container_of(transport, struct weir__tls, transport);

    return t->texts != NULL ? t->texts : "";
}

static bool has_input(struct weir__transport *transport)
{
    struct weir__tls *t = weir__tls_of(transport);

    if (t->error != 0 || t->receive_error != 0 || t->ended || t->bytes.in_bytes > 0)
        return true;
    return (t->agreed && SSL_has_pending(t->ssl) == 1) || t->lower->type->has_input(t->lower);
}

const struct weir__transport_type weir__tls_type = {
    .lower_at = offsetof(struct weir__tls, lower),
    .submit = submit,
    .cancel = cancel,
    .give_back = give_back,
    .send_now = send_now,
    .shutdown = shut_down,
    .reset_on_close = reset_on_close,
    .close = weir__tls_close,
    .free = free_closed,
    .release = release,
    .counts_acknowledged = weir__below_counts_acknowledged,
    .acknowledged = weir__below_acknowledged,
    .tune = weir__below_tune,
    .address = weir__below_address,
    .alpn = alpn,
    .has_input = has_input,
};
