/* SPDX-License-Identifier: MIT */
/* What a connection does next: an operation of the layer above, or of the lower transport. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tls/transport/inside.h"

/* In one turn, of a peer whose bytes are always there: a record takes up to three. */
enum { ROUNDS_MAX = 4 };

/* --- ending operations --- */

/* Calls the done() of what has ended, and goes on closing. t may be gone afterwards. */
static void deliver(struct weir__tls *t)
{
    struct weir__list *node;

    t->delivering++;
    while ((node = weir__list_pop_front(&t->finished)) != NULL) {
        struct weir__io_op *op = weir__container_of(node, struct weir__io_op, node);
        op->done(op);
    }
    t->delivering--;
    if (t->is_off && t->delivering == 0)
        weir__tls_free_transport(t);
    else if (t->closing)
        weir__tls_close_on(t);
}

/* Whether bytes of the peer are waited for. */
static bool wants_bytes(const struct weir__tls *t)
{
    if (t->error != 0 || t->receive_error != 0 || t->bytes.in_bytes > 0 || weir__tls_is_held_up(t))
        return false;
    if (!t->agreed)
        return t->started && weir__tls_is_shaking(t);
    return t->receiving != NULL && !t->receive_cancelled;
}

/* Ends operations that can't succeed any more, or are cancelled. What is encrypted can't be taken back: it
 * goes out, and counts as sent. */
static void settle(struct weir__tls *t)
{
    bool lets_go, has_told;

    if (!t->agreed && t->error == 0 && t->receive_error != 0 && !weir__tls_is_held_up(t) &&
        t->bytes.in_bytes == 0)
        weir__tls_failed_by(t, t->receive_error, WEIR_TLS_FAILED_LEFT, NULL);
    has_told =
        t->agreed || (t->sent == NULL && t->bytes.out == NULL); /* of a handshake that failed, by an alert */
    if (t->receiving != NULL && t->error != 0 && has_told)
        weir__tls_finish(&t->receiving, t, t->error);
    if (t->sending != NULL && t->error != 0 && has_told) {
        weir__tls_finish(&t->sending, t, t->error);
        t->taken = 0;
    }
    lets_go = !t->asked || wants_bytes(t); /* else it is being cancelled */
    if (t->receiving != NULL && t->receive_cancelled && lets_go)
        weir__tls_finish(&t->receiving, t, -ECANCELED);
    if (t->sending != NULL && t->send_cancelled && (t->agreed || lets_go)) {
        weir__tls_finish(&t->sending, t, t->taken > 0 ? (int32_t)t->taken : -ECANCELED);
        t->taken = 0;
    }
    weir__tls_polls_look(t);
}

/* --- receiving from the lower transport --- */

static void keep_first(struct weir__tls *t, const char *data, size_t bytes)
{
    size_t room = sizeof t->first - t->first_bytes, n = bytes < room ? bytes : room;

    memcpy(t->first + t->first_bytes, data, n);
    t->first_bytes = (uint8_t)(t->first_bytes + n);
}

static void take_received(struct weir__tls *t)
{
    int32_t result = t->receive.result;

    if (result > 0) {
        t->lent = t->receive.data;
        t->bytes.in = t->lent;
        t->bytes.in_bytes = (size_t)result;
        keep_first(t, t->lent, (size_t)result);
    } else if (result != -ECANCELED) {
        t->receive_error = result == 0 ? -WEIR_ETRUNCATED : result;
    }
}

static void received(struct weir__io_op *op)
{
    struct weir__tls *t = weir__container_of(op, struct weir__tls, receive);

    t->asked = false;
    take_received(t);
    if (t->closing)
        weir__tls_release(t);
    weir__tls_go_on(t);
}

/* Receives from the lower transport, if need be. Returns: true: bytes were there at once. */
static bool receive(struct weir__tls *t)
{
    bool wants = wants_bytes(t);

    if (t->asked) {
        if (!wants) /* an operation above ends when this one has */
            t->lower->type->cancel(t->lower, &t->receive);
        return false;
    }
    if (!wants)
        return false;
    t->receive = (struct weir__io_op){.type = WEIR__IO_RECV_LENT, .done = received};
    t->asked = !t->lower->type->submit(t->lower, &t->receive);
    if (t->asked)
        return false;
    take_received(t);
    return true;
}

void weir__tls_advance(struct weir__tls *t)
{
    int rounds = 0;
    bool more;

    do {
        if (t->agreed && t->error == 0) {
            weir__tls_write(t);
            weir__tls_read(t);
            weir__tls_notify(t);
        } else {
            weir__tls_shake(t);
        }
        settle(t);
        more = weir__tls_send(t);
        more |= receive(t);
    } while (more && ++rounds < ROUNDS_MAX);
    if (more)
        weir__tls_wake(t);
    settle(t);
}

/* Goes on with a connection after something has happened. t may be gone afterwards. */
static void go_on(struct weir__tls *t)
{
    if (!t->closing)
        weir__tls_advance(t);
    deliver(t);
}

const struct weir__tls_driver weir__tls_driver = {go_on, weir__tls_step};
