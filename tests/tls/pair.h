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
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "support/certificates.h"
#include "support/run.h"
#include "tls/context/context.h"

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

static inline void side_fails(struct side *s)
{
    s->has_failed = true;
    s->failure = weir__tls_explain(s->ssl, s->first, s->first_bytes, s->why);
    weir__tls_failed(s->tls, s->failure, !s->is_done);
}

/* Moves bytes. Returns: whether there were any. */
static inline bool side_move(struct side *from, struct side *to)
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

static inline void side_step(struct side *s)
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

static inline void side_open(struct side *s, weir_tls *tls, const char *host, const char *key)
{
    *s = (struct side){.tls = tls};
    assert_int_equal(weir__tls_connection(tls, host, key, &s->ssl), 0);
    SSL_set_bio(s->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    BIO_set_mem_eof_return(SSL_get_rbio(s->ssl), -1);
    weir__tls_began(tls);
}

/* Lets both go on until neither has anything to say. */
static inline void pair_run(struct pair *p)
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
static inline void pair_open(struct pair *p, weir_tls *server, weir_tls *client, const char *host)
{
    side_open(&p->server, server, NULL, NULL);
    side_open(&p->client, client, host, NULL);
    pair_run(p);
}

/* Closes both, as after close_notify: OpenSSL resumes no session of a connection that was just broken off. */
static inline void pair_close(struct pair *p)
{
    SSL_set_shutdown(p->server.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_set_shutdown(p->client.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(p->server.ssl);
    SSL_free(p->client.ssl);
}

/* --- contexts --- */

static inline weir_tls *server_open(const weir_tls_server_options *options)
{
    const char *why;
    weir_tls *tls;

    if (weir_tls_server_open(options, &why, &tls) < 0)
        fail_msg("%s", why);
    assert_null(why);
    return tls;
}

/* With one certificate. */
static inline weir_tls *server_of(const struct certificate *c)
{
    weir_tls_certificate own = {certificate_file(c), certificate_key_file(c)};

    return server_open(&(weir_tls_server_options){.certificates = &own, .certificate_count = 1});
}

static inline weir_tls *client_open(const weir_tls_client_options *options)
{
    const char *why;
    weir_tls *tls;

    if (weir_tls_client_open(options, &why, &tls) < 0)
        fail_msg("%s", why);
    assert_null(why);
    return tls;
}

/* That believes one authority. */
static inline weir_tls *client_of(const struct certificate *ca)
{
    return client_open(&(weir_tls_client_options){.ca = certificate_file(ca)});
}

/* --- what came of it --- */

/* Either side failed, with this reason and with this in its words. */
static inline void assert_failed(const struct side *s, enum weir_tls_failure failure, const char *words)
{
    if (!s->has_failed)
        fail_msg("it has not failed; expected: %s", words);
    if (strstr(s->why, words) == NULL || s->failure != failure)
        fail_msg("%s: \"%s\" instead of %s: \"%s\"", weir_tls_failure_name(s->failure), s->why,
                 weir_tls_failure_name(failure), words);
}

/* The certificate that a client got, by its common name. */
static inline void assert_got(const struct pair *p, const char *cn)
{
    X509 *x509 = SSL_get1_peer_certificate(p->client.ssl);
    char got[128] = "";

    assert_non_null(x509);
    (void)X509_NAME_get_text_by_NID(X509_get_subject_name(x509), NID_commonName, got, sizeof got);
    X509_free(x509);
    assert_string_equal(got, cn);
}

static inline void assert_agreed(const struct pair *p)
{
    if (p->server.has_failed || p->client.has_failed)
        fail_msg("server: %s; client: %s", p->server.why, p->client.why);
    assert_true(p->server.is_done && p->client.is_done);
}

/* --- tests --- */

/* Makes a test of a task, under simulation. */
#define TEST(name, fn)                                                                                       \
    static void name(void **state)                                                                           \
    {                                                                                                        \
        (void)state;                                                                                         \
        run_simulated(1, fn, NULL);                                                                          \
    }

#endif
