/* SPDX-License-Identifier: MIT */
/* Bytes on their way to the lower transport: one SEND at a time, of all that was written meanwhile. */
#include <errno.h>
#include <stdlib.h>

#include "tls/transport/inside.h"

/* Whether the buffer is worth keeping for the next long write of the loop. */
static bool is_long(const struct weir__tls_output *out)
{
    return out->capacity >= WEIR__TLS_RECORD_BYTES;
}

static void free_output(struct weir__tls_output *out)
{
    struct weir__tls_turn *turn = weir__loop_current()->tls;

    if (out == NULL || !is_long(out) || turn->spare != NULL) {
        free(out);
        return;
    }
    out->bytes = 0;
    turn->spare = out;
}

/* Takes the result of a SEND. */
static void take_result(struct weir__tls *t, int32_t result)
{
    struct weir__tls_output *out = t->sent;

    if (result < 0) {
        t->send_error = result;
    } else {
        out->rest.iov_base = (char *)out->rest.iov_base + result;
        out->rest.iov_len -= (size_t)result;
    }
    if (t->send_error == 0 && out->rest.iov_len > 0) {
        if (!t->closing)
            return;
        t->send_error = -ECANCELED;
    }
    t->sent = NULL;
    free_output(out);
    if (t->taken > 0 && t->sending != NULL)
        weir__tls_finish(&t->sending, t, t->send_error != 0 ? t->send_error : (int32_t)t->taken);
    t->taken = 0;
}

static void ended(struct weir__io_op *op)
{
    struct weir__tls_output *out = weir__container_of(op, struct weir__tls_output, op);
    struct weir__tls *t = out->connection;

    out->is_pending = false;
    take_result(t, op->result);
    weir__tls_go_on(t);
}

/* Begins to send what was written. */
static void begin(struct weir__tls *t)
{
    struct weir__tls_output *out = t->bytes.out;

    t->bytes.out = NULL;
    t->sent = out;
    out->connection = t;
    out->rest = (struct iovec){out->data, out->bytes};
    out->msg = (struct msghdr){.msg_iov = &out->rest, .msg_iovlen = 1};
    out->op = (struct weir__io_op){.type = WEIR__IO_SEND, .done = ended, .msg = &out->msg};
}

bool weir__tls_send(struct weir__tls *t)
{
    if (t->send_error != 0 || (t->bytes.out != NULL && t->bytes.out->bytes == 0)) {
        free_output(t->bytes.out);
        t->bytes.out = NULL;
    }
    if (t->sent == NULL && t->bytes.out != NULL)
        begin(t);
    if (t->sent == NULL || t->sent->is_pending)
        return false;
    while (t->sent != NULL) {
        struct weir__tls_output *out = t->sent;

        out->is_pending = !t->lower->type->submit(t->lower, &out->op);
        if (out->is_pending)
            return false;
        take_result(t, out->op.result);
    }
    return true;
}

void weir__tls_send_last(struct weir__tls *t)
{
    struct weir__tls_output *out = t->bytes.out;

    t->bytes.out = NULL;
    if (out != NULL && t->sent == NULL && t->send_error == 0)
        (void)t->lower->type->send_now(t->lower, out->data, out->bytes);
    free_output(out);
}
