/* SPDX-License-Identifier: MIT */
/* A handshake between two contexts within one thread, without a transport: what one side writes, the other
 * reads. To be included by one file of a test.
 *
 * Threading: any thread of the runtime.
 */
#ifndef TESTS_TLS_PAIR_H
#define TESTS_TLS_PAIR_H

#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "support/run.h"
#include "tls/context.h"

/* A side, and how its handshake ended. */
struct side {
    weir_tls *tls;
    SSL *ssl;
    char first[64]; /* bytes that came */
    size_t first_bytes;
    bool is_done, has_failed;
    enum weir_tls_failure failure;
    char why[WEIR__TLS_WHY_BYTES];
};

struct pair {
    struct side server, client;
};

static void side_fails(struct side *s)
{
    s->has_failed = true;
    s->failure = weir__tls_explain(s->ssl, s->first, s->first_bytes, s->why);
    weir__tls_failed(s->tls, s->failure, !s->is_done);
}

/* Moves bytes. Returns: whether there were any. */
static bool side_move(struct side *from, struct side *to)
{
    char bytes[16384];
    int got = BIO_read(SSL_get_wbio(from->ssl), bytes, sizeof bytes);

    if (got <= 0)
        return false;
    if (to->first_bytes == 0) {
        to->first_bytes = (size_t)got < sizeof to->first ? (size_t)got : sizeof to->first;
        memcpy(to->first, bytes, to->first_bytes);
    }
    assert_int_equal(BIO_write(SSL_get_rbio(to->ssl), bytes, got), got);
    return true;
}

static void side_step(struct side *s)
{
    char byte;
    int done;

    if (s->has_failed)
        return;
    ERR_clear_error();
    done = s->is_done ? SSL_read(s->ssl, &byte, 1) : SSL_do_handshake(s->ssl);
    if (done == 1 && !s->is_done) {
        s->is_done = true;
        weir__tls_succeeded(s->tls, s->ssl);
    } else if (done <= 0 && SSL_get_error(s->ssl, done) == SSL_ERROR_SSL)
        side_fails(s);
}

static void side_open(struct side *s, weir_tls *tls, const char *host, const char *key)
{
    *s = (struct side){.tls = tls};
    assert_int_equal(weir__tls_connection(tls, host, key, &s->ssl), 0);
    SSL_set_bio(s->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    BIO_set_mem_eof_return(SSL_get_rbio(s->ssl), -1);
    weir__tls_began(tls);
}

/* Lets both go on until neither has anything to say. */
static void pair_run(struct pair *p)
{
    bool more = true;

    while (more) {
        side_step(&p->client);
        more = side_move(&p->client, &p->server);
        side_step(&p->server);
        more = side_move(&p->server, &p->client) || more;
    }
}

/* Makes both and runs the handshake, alerts and tickets included. */
static void pair_open(struct pair *p, weir_tls *server, weir_tls *client, const char *host)
{
    side_open(&p->server, server, NULL, NULL);
    side_open(&p->client, client, host, NULL);
    pair_run(p);
}

static void pair_close(struct pair *p)
{
    SSL_free(p->server.ssl);
    SSL_free(p->client.ssl);
}

static void assert_agreed(const struct pair *p)
{
    if (p->server.has_failed || p->client.has_failed)
        fail_msg("server: %s; client: %s", p->server.why, p->client.why);
    assert_true(p->server.is_done && p->client.is_done);
}

#endif
