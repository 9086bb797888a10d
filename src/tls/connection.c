/* SPDX-License-Identifier: MIT */
#include "tls/connection.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <weir/address.h>

#include "tls/content.h"
#include "tls/recheck.h"
#include "tls/verify.h"

enum { HOST_BYTES = 256, KEY_BYTES = 512 };

/* --- the record, kept by the SSL --- */

/* The number that OpenSSL has given us for it, one in the process. */
static int record_at = -1;

static void free_record(void *parent, void *value, CRYPTO_EX_DATA *data, int at, long number, void *arg)
{
    struct weir__tls_connection *c = value;

    (void)parent, (void)data, (void)at, (void)number, (void)arg;
    if (c == NULL)
        return;
    weir__tls_content_drop(c->content);
    weir_tls_close(c->tls);
    free(c->why);
    free(c);
}

static void register_record(void)
{
    record_at = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_record);
}

struct weir__tls_connection *weir__tls_connection_of(const SSL *ssl)
{
    return SSL_get_ex_data(ssl, record_at);
}

void weir__tls_connection_note(struct weir__tls_connection *c, enum weir_tls_failure failure,
                               const char *format, ...)
{
    char why[WEIR__TLS_WHY_BYTES];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(why, sizeof why, format, args);
    va_end(args);
    if (c->why == NULL)
        c->why = strdup(why);
    c->failure = failure;
}

/* Makes the record of an SSL. host, session_key: NULL for servers. Returns: 0; -ENOMEM. */
static int attach(SSL *ssl, weir_tls *tls, struct weir__tls_content *content, const char *host,
                  const char *session_key)
{
    size_t host_bytes = host != NULL ? strlen(host) + 1 : 0,
           key_bytes = session_key != NULL ? strlen(session_key) + 1 : 0;
    struct weir__tls_connection *c = calloc(1, sizeof *c + host_bytes + key_bytes);

    if (c == NULL)
        return -ENOMEM;
    if (host != NULL)
        c->host = memcpy(c->texts, host, host_bytes);
    if (session_key != NULL)
        c->session_key = memcpy(c->texts + host_bytes, session_key, key_bytes);
    if (SSL_set_ex_data(ssl, record_at, c) != 1) {
        free(c);
        return -ENOMEM;
    }
    c->tls = weir_tls_hold(tls);
    c->content = content;
    (void)atomic_fetch_add_explicit(&content->users, 1, memory_order_relaxed);
    return 0;
}

/* --- a client's side --- */

/* What is asked for and checked: without brackets, a zone, or a dot at its end. Returns: 0; -EINVAL. */
static int find_host(const weir_tls *tls, const char *given, char out[HOST_BYTES])
{
    const char *text = tls->server_name != NULL ? tls->server_name : given;
    weir_bytes host = {text, text != NULL ? strlen(text) : 0};

    if (host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']')
        host = (weir_bytes){host.data + 1, host.len - 2};
    if (host.len > 0 && memchr(host.data, ':', host.len) != NULL && memchr(host.data, '%', host.len) != NULL)
        host.len = (size_t)((const char *)memchr(host.data, '%', host.len) - host.data);
    host = weir_host_without_dot(host);
    if (host.len == 0 || host.len >= HOST_BYTES || weir_host_type_of(host) == WEIR_HOST_INVALID)
        return -EINVAL;
    memcpy(out, host.data, host.len);
    out[host.len] = '\0';
    return 0;
}

/* Asks for a host. Of an address the server is told nothing (RFC 6066, 3). */
static int ask_for(SSL *ssl, const weir_tls *tls, const char *host)
{
    if (weir_host_type_of((weir_bytes){host, strlen(host)}) == WEIR_HOST_NAME &&
        SSL_set_tlsext_host_name(ssl, host) != 1)
        return -ENOMEM;
    return tls->is_unverified ? 0 : weir__tls_verify_host(ssl, host);
}

/* Resumes a session if there is one; otherwise the handshake is a full one. */
static void resume(SSL *ssl, struct weir__tls_content *content, const char *session_key)
{
    SSL_SESSION *session = weir__sessions_take(&content->sessions, session_key);

    if (session == NULL)
        return;
    (void)SSL_set_session(ssl, session);
    SSL_SESSION_free(session);
}

static int prepare_client(SSL *ssl, weir_tls *tls, struct weir__tls_content *content, const char *given,
                          const char *session_key)
{
    char host[HOST_BYTES], key[KEY_BYTES];
    int err = find_host(tls, given, host), len;

    if (err < 0)
        return err;
    /* The certificate of a session was checked for the host. A key that does not fit has no sessions. */
    len = snprintf(key, sizeof key, "%s %s", session_key != NULL ? session_key : "", host);
    err = attach(ssl, tls, content, host, len < KEY_BYTES ? key : NULL);
    if (err == 0)
        err = ask_for(ssl, tls, host);
    if (err < 0)
        return err;
    SSL_set_connect_state(ssl);
    if (len < KEY_BYTES)
        resume(ssl, content, key);
    return 0;
}

static int prepare_server(SSL *ssl, weir_tls *tls, struct weir__tls_content *content)
{
    int err = attach(ssl, tls, content, NULL, NULL);

    SSL_set_accept_state(ssl);
    return err;
}

/* --- both --- */

int weir__tls_connection(weir_tls *tls, const char *host, const char *session_key, SSL **out)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct weir__tls_content *content;
    SSL *ssl;
    int err = -ENOMEM;

    (void)pthread_once(&once, register_record);
    weir__tls_recheck(tls);
    content = weir__tls_content_share(tls);
    ERR_clear_error();
    ssl = record_at >= 0 ? SSL_new(content->ctx) : NULL;
    if (ssl != NULL)
        err = tls->is_server ? prepare_server(ssl, tls, content)
                             : prepare_client(ssl, tls, content, host, session_key);
    weir__tls_content_drop(content);
    ERR_clear_error();
    if (err < 0)
        SSL_free(ssl);
    else
        *out = ssl;
    return err;
}
