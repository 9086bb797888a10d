/* SPDX-License-Identifier: MIT */
/* What several files do to a connection: end an operation, give a buffer back, note a failure, free it. */
#include <stdlib.h>
#include <string.h>

#include <errno.h>

#include "tls/transport/inside.h"

void weir__tls_finish(struct weir__io_op **slot, struct weir__tls *t, int32_t result)
{
    struct weir__io_op *op = *slot;

    *slot = NULL;
    op->result = result;
    if (op->type == WEIR__IO_RECV_LENT && result <= 0)
        op->data = NULL;
    weir__list_push_back(&t->finished, &op->node);
}

/* --- the buffer of the lower transport --- */

void weir__tls_release(struct weir__tls *t)
{
    if (t->lent != NULL)
        t->lower->type->give_back(t->lower, t->lent);
    t->lent = NULL;
    t->bytes.in_bytes = 0;
}

void weir__tls_release_read(struct weir__tls *t)
{
    if (t->bytes.in_bytes == 0)
        weir__tls_release(t);
}

/* --- failures --- */

/* A client that has sent nothing did not begin a handshake: health checks only connect, and a connection
 * without its header of the PROXY protocol does not get as far as TLS. */
static bool is_not_begun(const struct weir__tls *t, enum weir_tls_failure failure)
{
    return t->is_server && t->first_bytes == 0 &&
           (failure == WEIR_TLS_FAILED_LEFT || failure == WEIR_TLS_FAILED_TIME);
}

void weir__tls_count_failure(struct weir__tls *t, enum weir_tls_failure failure)
{
    if (!t->counted && is_not_begun(t, failure))
        weir__tls_not_begun(t->context);
    else if (!t->counted)
        weir__tls_failed(t->context, failure, true);
    t->counted = true;
}

void weir__tls_failed_by(struct weir__tls *t, int error, enum weir_tls_failure failure, const char *why)
{
    if (t->error != 0)
        return;
    t->error = error;
    if (why != NULL && *why != '\0')
        t->why = strdup(why);
    t->is_plain = failure == WEIR_TLS_FAILED_PLAIN && !t->agreed;
    if (t->agreed)
        weir__tls_failed(t->context, failure, false);
    else
        weir__tls_count_failure(t, failure);
    weir__tls_release(t);
    if (!t->agreed) {
        SSL_free(t->ssl);
        t->ssl = NULL;
    }
}

void weir__tls_fail(struct weir__tls *t)
{
    char why[WEIR__TLS_WHY_BYTES] = "";
    enum weir_tls_failure failure = weir__tls_explain(t->ssl, t->first, t->first_bytes, why);

    if (t->bytes.starved)
        weir__tls_failed_by(t, -ENOMEM, WEIR_TLS_FAILED_OTHER, NULL);
    else
        weir__tls_failed_by(t, -WEIR_ETLS, failure, why);
}

/* --- the end --- */

void weir__tls_free_transport(struct weir__tls *t)
{
    free(t->texts);
    free(t->why);
    free(t->sent);
    free(t->bytes.out);
    free(t);
}
