/* SPDX-License-Identifier: MIT */
/* What an SSL reads from and writes to: bytes that lie in memory already, and a buffer that grows.
 *
 * Threading: as the SSL.
 */
#ifndef WEIR__TLS_BIO_H
#define WEIR__TLS_BIO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <openssl/ssl.h>

#include <weir/error.h>

#include "io/io.h"

/* Bytes on their way to the lower transport. There is one only while there are bytes. */
struct weir__tls_output {
    struct weir__io_op op; /* of the lower transport */
    struct msghdr msg;
    struct iovec rest; /* what has not been sent */
    struct weir__tls *connection;
    size_t bytes, capacity;
    bool is_pending; /* op is */
    char data[];
};

/* The two sides of an SSL. */
struct weir__tls_bytes {
    const char *in; /* not read yet */
    size_t in_bytes;
    struct weir__tls_output *out; /* written; NULL: nothing */
    bool starved;                 /* there was no memory for out */
};

/* Makes the BIO_METHOD of a loop. Returns: NULL: no memory. */
BIO_METHOD *weir__tls_bio_method(void);

/* Has an SSL that has no BIO read and write these bytes. Returns: 0; -ENOMEM. */
int weir__tls_bio_attach(SSL *ssl, BIO_METHOD *method, struct weir__tls_bytes *bytes) WEIR_CHECKED;

/* Has it go on with others. */
void weir__tls_bio_move(SSL *ssl, struct weir__tls_bytes *bytes);

/* Makes room for at least so many further bytes. Returns: false: no memory. */
bool weir__tls_bytes_reserve(struct weir__tls_bytes *bytes, size_t room) WEIR_CHECKED;

#endif
