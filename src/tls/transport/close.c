/* SPDX-License-Identifier: MIT */
/* Closing: what is pending ends, then close_notify goes out, then the lower transport is closed.
 *
 * close_notify is sent if the lower transport takes it at once; its peer's is not waited for (RFC 8446, 6.1).
 * It is not sent after a part of what was to be sent alone: then the peer shall see that it was cut off.
 */
#include <assert.h>
#include <errno.h>

#include <openssl/err.h>

#include "tls/transport/inside.h"

static void say_goodbye(struct weir__tls *t)
{
    if (t->ssl == NULL || t->resets)
        return;
    if (t->agreed && t->error == 0 && t->send_error == 0 && !t->cut_off && !t->notified) {
        t->notified = true;
        ERR_clear_error();
        (void)SSL_shutdown(t->ssl);
    }
}

/* The operations below have ended, but for a receive and polls, which the lower transport cancels. Returns:
 * whether it is closed at once; then t may be freed. */
static bool close_lower(struct weir__tls *t)
{
    struct weir__io_op *closer = t->closer;

    t->closer = NULL;
    weir__list_remove(&t->due);
    say_goodbye(t);
    if (!t->resets)
        weir__tls_send_last(t);
    weir__tls_release(t);
    SSL_free(t->ssl);
    t->ssl = NULL;
    return t->lower->type->close(t->lower, closer);
}

/* Ends sending. Returns: whether nothing is being sent any more. */
static bool end_sending(struct weir__tls *t)
{
    if (t->sent == NULL)
        return true;
    if (t->sent->is_pending)
        t->lower->type->cancel(t->lower, &t->sent->op);
    return false;
}

void weir__tls_close_on(struct weir__tls *t)
{
    struct weir__io_op *closer = t->closer;

    if (closer == NULL || t->delivering > 0 || !end_sending(t))
        return;
    if (close_lower(t)) {
        closer->result = 0;
        closer->done(closer);
    }
}

bool weir__tls_close(struct weir__transport *transport, struct weir__io_op *op)
{
    struct weir__tls *t = weir__tls_of(transport);
    bool is_later;

    assert(!t->closing);
    t->closing = true;
    t->closer = op;
    t->cut_off = t->sending != NULL && t->sending->type == WEIR__IO_SEND;
    if (t->receiving != NULL)
        weir__tls_finish(&t->receiving, t, -ECANCELED);
    if (t->sending != NULL)
        weir__tls_finish(&t->sending, t, -ECANCELED);
    t->taken = 0;
    weir__list_remove(&t->due);
    if (!t->agreed && t->error == 0)
        weir__tls_count_failure(t, WEIR_TLS_FAILED_TIME);
    if (t->slow != NULL)
        weir__tls_slow_step_leave(t);
    if (t->look != NULL)
        weir__tls_first_look_leave(t);
    is_later = !weir__tls_is_on_own_stack() || t->delivering > 0 || !weir__list_is_empty(&t->finished);
    if (is_later) {
        weir__tls_wake(t);
        return false;
    }
    return end_sending(t) && close_lower(t);
}
