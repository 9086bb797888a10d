/* SPDX-License-Identifier: MIT */
/* Reading and writing once the handshake is over. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "tls/transport/inside.h"

enum {
    OUT_WAITING_MAX = 8192, /* bytes that reading has written, behind others that are being sent */
    RECORD_OVERHEAD = 256,
    PULLED_MIN_ROOM = 2 * WEIR__TLS_RECORD_BYTES +
                      RECORD_OVERHEAD, /* for what is pulled, and a part of a record before it */
};

/* --- reading --- */

/* Reads what there is, as long as it fits. Returns: the bytes. t->ended or t->error say what came behind. */
static size_t read_into(struct weir__tls *t, char *data, size_t room)
{
    bool more = t->bytes.in_bytes > 0 || SSL_has_pending(t->ssl) == 1;
    size_t got = 0, n;

    while (more && got < room) {
        ERR_clear_error();
        if (SSL_read_ex(t->ssl, data + got, room - got, &n) == 1) {
            got += n;
            more = t->bytes.in_bytes > 0 || SSL_has_pending(t->ssl) == 1;
            continue;
        }
        more = false;
        switch (SSL_get_error(t->ssl, 0)) {
        case SSL_ERROR_WANT_READ:
            break;
        case SSL_ERROR_ZERO_RETURN:
            t->ended = true;
            weir__tls_release(t);
            break;
        default:
            weir__tls_fail(t);
        }
    }
    weir__tls_release_read(t);
    return got;
}

/* Receives further bytes of the lower transport, which lie in memory that all connections of the loop use:
 * they must be read at once. Returns: false: none are there. */
static bool pull(struct weir__tls *t)
{
    struct weir__tls_turn *turn = weir__loop_current()->tls;
    ssize_t got;

    if (t->lower->type->receive_now == NULL || t->asked || t->bytes.in_bytes > 0 || t->receive_error != 0 ||
        t->ended || t->error != 0)
        return false;
    got = t->lower->type->receive_now(t->lower, turn->record, sizeof turn->record);
    if (got == 0 || (got < 0 && got != -EAGAIN))
        t->receive_error = got == 0 ? -WEIR_ETRUNCATED : (int)got;
    t->bytes.in = turn->record;
    t->bytes.in_bytes = got > 0 ? (size_t)got : 0;
    return got > 0;
}

/* As read_into(), with as much as is there. What is pulled fits, since it is no longer than its records.
 * It ends with records that hold nothing for the reader: a peer may send KeyUpdates without end. */
static size_t read_much(struct weir__tls *t, char *data, size_t room)
{
    size_t more, got = read_into(t, data, room);

    while (room - got >= PULLED_MIN_ROOM && pull(t) && (more = read_into(t, data + got, room - got)) > 0)
        got += more;
    return got;
}

static int32_t receive_error(const struct weir__tls *t)
{
    return t->error != 0 ? t->error : t->ended ? 0 : t->receive_error;
}

/* Reads into a buffer that is lent to the layer above. */
static size_t read_lent(struct weir__tls *t, struct weir__io_op *op)
{
    char *buffer;
    size_t got;

    if (t->bytes.in_bytes == 0 && SSL_has_pending(t->ssl) == 0)
        return 0;
    buffer = malloc(WEIR__IO_BUFFERS_BYTES);
    if (buffer == NULL) {
        weir__tls_finish(&t->receiving, t, -ENOMEM);
        return 0;
    }
    got = read_into(t, buffer, WEIR__IO_BUFFERS_BYTES);
    if (got > 0)
        op->data = buffer;
    else
        free(buffer);
    return got;
}

void weir__tls_read(struct weir__tls *t)
{
    struct weir__io_op *op = t->receiving;
    size_t got;

    if (op == NULL || (t->sent != NULL && t->bytes.out != NULL && t->bytes.out->bytes > OUT_WAITING_MAX))
        return; /* when they have been sent, it is called again */
    got = t->ended ? 0 : op->type == WEIR__IO_RECV_LENT ? read_lent(t, op) : read_much(t, op->data, op->len);
    if (t->receiving == NULL) /* there was no memory for the buffer */
        return;
    if (got > 0)
        weir__tls_finish(&t->receiving, t, (int32_t)got);
    else if (t->ended || t->error != 0 || (t->receive_error != 0 && t->bytes.in_bytes == 0))
        weir__tls_finish(&t->receiving, t, receive_error(t));
}

/* --- writing --- */

ssize_t weir__tls_encrypt(struct weir__tls *t, const void *data, size_t bytes)
{
    size_t written;

    ERR_clear_error();
    if (SSL_write_ex(t->ssl, data, bytes, &written) == 1)
        return (ssize_t)written;
    weir__tls_fail(t); /* also if it wants to read first: nothing is negotiated again */
    return t->error;
}

/* The next bytes of a message from a place on, at most a record of them: in one piece, gathered if need be.
 */
static size_t next_record(const struct msghdr *msg, size_t *index, size_t *at, const char **data)
{
    char *record = weir__loop_current()->tls->record;
    size_t bytes = 0;

    for (; *index < msg->msg_iovlen && bytes < WEIR__TLS_RECORD_BYTES; ++*index, *at = 0) {
        const struct iovec *piece = &msg->msg_iov[*index];
        size_t left = piece->iov_len - *at, room = WEIR__TLS_RECORD_BYTES - bytes;
        size_t n = left < room ? left : room;
        bool is_alone = bytes == 0 && (n == room || *index + 1 == msg->msg_iovlen);
        if (n == 0)
            continue;
        if (is_alone)
            *data = (const char *)piece->iov_base + *at;
        else
            memcpy(record + bytes, (const char *)piece->iov_base + *at, n);
        if (!is_alone)
            *data = record;
        bytes += n;
        if (n < left) {
            *at += n;
            return bytes;
        }
    }
    return bytes;
}

static size_t bytes_of(const struct msghdr *msg)
{
    size_t bytes = 0;

    for (size_t i = 0; i < msg->msg_iovlen; i++)
        bytes += msg->msg_iov[i].iov_len;
    return bytes;
}

/* Makes room for the records, so that the buffer need not grow while they are written. */
static bool reserve(struct weir__tls *t, size_t bytes)
{
    const size_t most = (size_t)WEIR__TLS_RECORDS_MAX * WEIR__TLS_RECORD_BYTES;
    struct weir__tls_turn *turn = weir__loop_current()->tls;

    bytes = bytes < most ? bytes : most;
    if (t->bytes.out == NULL && bytes >= WEIR__TLS_RECORD_BYTES && turn->spare != NULL) {
        t->bytes.out = turn->spare;
        turn->spare = NULL;
    }
    return weir__tls_bytes_reserve(&t->bytes, bytes + (bytes / WEIR__TLS_RECORD_BYTES + 1) * RECORD_OVERHEAD);
}

static void encrypt_message(struct weir__tls *t, const struct msghdr *msg)
{
    size_t index = 0, at = 0, bytes;
    const char *data = NULL;

    if (!reserve(t, bytes_of(msg))) {
        weir__tls_finish(&t->sending, t, -ENOMEM);
        return;
    }
    for (int i = 0; i < WEIR__TLS_RECORDS_MAX; i++) {
        bytes = next_record(msg, &index, &at, &data);
        if (bytes == 0 || weir__tls_encrypt(t, data, bytes) != (ssize_t)bytes)
            break;
        t->taken += bytes;
    }
}

void weir__tls_write(struct weir__tls *t)
{
    const struct weir__io_op *op = t->sending;

    if (op == NULL || t->taken > 0 || t->send_cancelled)
        return;
    if (op->type == WEIR__IO_CONNECT)
        weir__tls_finish(&t->sending, t, 0);
    else if (t->send_error != 0)
        weir__tls_finish(&t->sending, t, t->send_error);
    else if (t->shut)
        weir__tls_finish(&t->sending, t, -EPIPE);
    else if (t->sent == NULL)
        encrypt_message(t, op->msg);
}

/* --- our end --- */

void weir__tls_notify(struct weir__tls *t)
{
    if (t->shut && !t->notified && t->error == 0 && t->send_error == 0 && t->taken == 0) {
        t->notified = true;
        ERR_clear_error();
        if (SSL_shutdown(t->ssl) < 0)
            weir__tls_fail(t);
    }
    if (t->notified && !t->lower_shut && !t->closing && t->sent == NULL && t->bytes.out == NULL) {
        t->lower_shut = true;
        (void)t->lower->type->shutdown(t->lower);
    }
}
