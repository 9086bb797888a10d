/* SPDX-License-Identifier: MIT */
/* Making the SSL of a connection. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <weir/address.h>

#include "tls/context/connection_record.h"
#include "tls/context/content.h"
#include "tls/context/recheck.h"
#include "tls/context/verify.h"

enum { HOST_BYTES = 256, KEY_BYTES = 512 };

static void end_record(struct weir__tls_connection *c)
{
    weir__tls_content_drop(c->content);
    weir_tls_close(c->tls);
}

/* Makes the record of an SSL. host, session_key: NULL for servers. Returns: 0; -ENOMEM. */
static int attach(SSL *ssl, weir_tls *tls, struct weir__tls_content *content, const char *host,
                  const char *session_key)
{
    struct weir__tls_connection *c;
    int err = weir__tls_connection_attach(ssl, host, session_key, end_record, &c);

    if (err < 0)
        return err;
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
    struct weir__tls_content *content;
    SSL *ssl;
    int err = -ENOMEM;

    weir__tls_recheck(tls);
    content = weir__tls_content_share(tls);
    ERR_clear_error();
    ssl = SSL_new(content->ctx);
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
