/* SPDX-License-Identifier: MIT */
#include "tls/transport/bio.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BIO_TYPE = 127 | BIO_TYPE_SOURCE_SINK, OUTPUT_BYTES_MIN = 512 };

bool weir__tls_bytes_reserve(struct weir__tls_bytes *bytes, size_t room)
{
    struct weir__tls_output *out = bytes->out;
    size_t used = out != NULL ? out->bytes : 0, capacity = out != NULL ? 2 * out->capacity : OUTPUT_BYTES_MIN;

    if (out != NULL && out->capacity - used >= room)
        return true;
    if (capacity < used + room)
        capacity = used + room;
    out = realloc(out, sizeof *out + capacity);
    if (out == NULL)
        return false;
    if (bytes->out == NULL)
        memset(out, 0, sizeof *out);
    out->capacity = capacity;
    bytes->out = out;
    return true;
}

static int write_bytes(BIO *bio, const char *data, size_t bytes, size_t *written)
{
    struct weir__tls_bytes *b = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    if (bytes == 0 || !weir__tls_bytes_reserve(b, bytes)) {
        b->starved |= bytes > 0;
        return 0;
    }
    memcpy(b->out->data + b->out->bytes, data, bytes);
    b->out->bytes += bytes;
    *written = bytes;
    return 1;
}

static int read_bytes(BIO *bio, char *data, size_t room, size_t *got)
{
    struct weir__tls_bytes *b = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    *got = room < b->in_bytes ? room : b->in_bytes;
    if (*got == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(data, b->in, *got);
    b->in += *got;
    b->in_bytes -= *got;
    return 1;
}

static long control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static int create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

BIO_METHOD *weir__tls_bio_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE, "bytes of a connection");

    if (method == NULL)
        return NULL;
    (void)BIO_meth_set_write_ex(method, write_bytes);
    (void)BIO_meth_set_read_ex(method, read_bytes);
    (void)BIO_meth_set_ctrl(method, control);
    (void)BIO_meth_set_create(method, create);
    return method;
}

int weir__tls_bio_attach(SSL *ssl, BIO_METHOD *method, struct weir__tls_bytes *bytes)
{
    BIO *bio = BIO_new(method);

    if (bio == NULL)
        return -ENOMEM;
    BIO_set_data(bio, bytes);
    SSL_set_bio(ssl, bio, bio);
    return 0;
}

void weir__tls_bio_move(SSL *ssl, struct weir__tls_bytes *bytes)
{
    BIO_set_data(SSL_get_rbio(ssl), bytes);
}
