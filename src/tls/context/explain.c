/* SPDX-License-Identifier: MIT */
/* Why a handshake or a connection failed, in words. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/sslerr.h>

#include "tls/context/connection_record.h"

enum {
    ALERT_REASONS = 1000, /* added to an alert of the peer */
    ALERT_LAST = 255,
    HELLO_VERSION_AT = 9, /* in the first record of a peer, of a hello of either side */
    SHOWN_MAX = 24,
};

struct failing {
    const SSL *ssl;
    const char *first;
    size_t bytes;
    char *why;
};

__attribute__((format(printf, 3, 4))) static enum weir_tls_failure say(const struct failing *f,
                                                                       enum weir_tls_failure failure,
                                                                       const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(f->why, WEIR__TLS_WHY_BYTES, format, args);
    va_end(args);
    return failure;
}

/* Whether the handshake was over before it failed. After a failure OpenSSL says it is not. */
static bool was_over(const SSL *ssl)
{
    char byte;

    return SSL_get_finished(ssl, &byte, 1) > 0 && SSL_get_peer_finished(ssl, &byte, 1) > 0;
}

/* --- a peer that does not speak TLS --- */

static bool begins_with(const struct failing *f, const char *text)
{
    size_t len = strlen(text);

    return f->bytes >= len && memcmp(f->first, text, len) == 0;
}

static bool is_http(const struct failing *f)
{
    static const char *const begins[] = {"HTTP/",    "GET ",   "POST ",    "HEAD ",  "PUT ",      "DELETE ",
                                         "OPTIONS ", "PATCH ", "CONNECT ", "TRACE ", "PRI * HTTP"};

    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++)
        if (begins_with(f, begins[i]))
            return true;
    return false;
}

/* Shows the first line of what the peer has sent. */
static enum weir_tls_failure say_not_tls(const struct failing *f)
{
    char shown[SHOWN_MAX + 1];
    size_t len = 0;

    if (begins_with(f, "PROXY ") || begins_with(f, "\r\n\r\n\0\r\nQUIT\n"))
        return say(f, WEIR_TLS_FAILED_GARBAGE,
                   "peer sends a header of the PROXY protocol, which is not expected here");
    while (len < f->bytes && len < SHOWN_MAX && isprint((unsigned char)f->first[len])) {
        shown[len] = f->first[len];
        len++;
    }
    shown[len] = '\0';
    if (len == 0)
        return say(f, WEIR_TLS_FAILED_GARBAGE, "peer does not speak TLS");
    return say(f, WEIR_TLS_FAILED_GARBAGE, "peer does not speak TLS: it sends \"%s\"", shown);
}

/* Whether the first bytes are a record of TLS. */
static bool is_tls(const struct failing *f)
{
    return f->bytes < 2 || (f->first[0] >= SSL3_RT_CHANGE_CIPHER_SPEC &&
                            f->first[0] <= SSL3_RT_APPLICATION_DATA && f->first[1] == SSL3_VERSION_MAJOR);
}

/* --- versions --- */

static const char *version_name(int version)
{
    switch (version) {
    case SSL3_VERSION:
        return "SSL 3.0";
    case TLS1_VERSION:
        return "TLS 1.0";
    case TLS1_1_VERSION:
        return "TLS 1.1";
    case TLS1_2_VERSION:
        return "TLS 1.2";
    default:
        return NULL;
    }
}

static enum weir_tls_failure say_version(const struct failing *f)
{
    int version = 0;

    if (f->bytes > HELLO_VERSION_AT + 1 && f->first[0] == SSL3_RT_HANDSHAKE)
        version =
            (unsigned char)f->first[HELLO_VERSION_AT] << 8 | (unsigned char)f->first[HELLO_VERSION_AT + 1];
    else if (SSL_is_server(f->ssl))
        version = SSL_client_version(f->ssl);
    if (version_name(version) == NULL)
        return say(f, WEIR_TLS_FAILED_VERSION, "no TLS version in common");
    return say(f, WEIR_TLS_FAILED_VERSION, "no TLS version in common: the peer offers %s at most",
               version_name(version));
}

/* --- alerts of the peer --- */

static enum weir_tls_failure say_alert(const struct failing *f, int alert)
{
    const char *words = SSL_alert_desc_string_long(alert);

    switch (alert) {
    case SSL_AD_PROTOCOL_VERSION:
        return say(f, WEIR_TLS_FAILED_VERSION, "no TLS version in common: alert %s of the peer", words);
    case SSL_AD_NO_APPLICATION_PROTOCOL:
        return say(f, WEIR_TLS_FAILED_ALPN, "no protocol in common: alert %s of the peer", words);
    case SSL_AD_NO_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REQUIRED:
        return say(f, WEIR_TLS_FAILED_REFUSED, "the peer wants a certificate: alert certificate required");
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
        return say(f, WEIR_TLS_FAILED_REFUSED, "the peer refused our certificate: alert %s", words);
    case SSL_AD_UNRECOGNIZED_NAME:
        return say(f, WEIR_TLS_FAILED_REFUSED, "the peer does not know the name that was asked for: alert %s",
                   words);
    case SSL_AD_HANDSHAKE_FAILURE:
    case SSL_AD_INSUFFICIENT_SECURITY:
        return say(f, WEIR_TLS_FAILED_REFUSED,
                   "the peer refused the handshake: alert %s (it may want a certificate, or other ciphers)",
                   words);
    default:
        return say(f, WEIR_TLS_FAILED_REFUSED, "the peer refused: alert %s", words);
    }
}

/* --- the rest --- */

static enum weir_tls_failure say_reason(const struct failing *f, unsigned long err)
{
    const char *words = ERR_reason_error_string(err);

    switch (ERR_GET_REASON(err)) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_UNKNOWN_PROTOCOL:
        return say_version(f);
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
        return say(f, WEIR_TLS_FAILED_PLAIN, "peer speaks HTTP without TLS");
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_CIPHERS_SPECIFIED:
        return say(f, WEIR_TLS_FAILED_CIPHER, "no cipher in common");
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_GROUPS:
    case SSL_R_WRONG_CURVE:
        return say(f, WEIR_TLS_FAILED_CIPHER, "no group in common");
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_WRONG_SIGNATURE_TYPE:
        return say(f, WEIR_TLS_FAILED_CIPHER, "no signature algorithm in common");
    case SSL_R_NO_APPLICATION_PROTOCOL:
        return say(f, WEIR_TLS_FAILED_ALPN, "no protocol in common");
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        return say(f, WEIR_TLS_FAILED_NONE, "the client has no certificate, and must have one");
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
        return say(f, WEIR_TLS_FAILED_LEFT,
                   was_over(f->ssl) ? "the peer left without closing TLS"
                                    : "the peer left in the middle of the handshake");
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
        return say(f, WEIR_TLS_FAILED_OTHER, "the peer's certificate cannot be verified: %s",
                   X509_verify_cert_error_string(SSL_get_verify_result(f->ssl)));
    default:
        return say(f, WEIR_TLS_FAILED_GARBAGE, "the peer violated the protocol: %s",
                   words != NULL ? words : "unknown error");
    }
}

/* Takes the errors of this thread. Returns: the first of SSL itself, which caused the others; otherwise the
 * first. */
static unsigned long take_errors(bool *no_memory)
{
    unsigned long err, first = 0;

    *no_memory = false;
    while ((err = ERR_get_error()) != 0) {
        if (ERR_GET_REASON(err) == ERR_R_MALLOC_FAILURE)
            *no_memory = true;
        if (first == 0 || (ERR_GET_LIB(err) == ERR_LIB_SSL && ERR_GET_LIB(first) != ERR_LIB_SSL))
            first = err;
    }
    return first;
}

enum weir_tls_failure weir__tls_explain(const SSL *ssl, const char *first, size_t bytes,
                                        char why[static WEIR__TLS_WHY_BYTES])
{
    const struct weir__tls_connection *c = weir__tls_connection_of(ssl);
    struct failing f = {.ssl = ssl, .first = first, .bytes = first != NULL ? bytes : 0, .why = why};
    bool no_memory;
    unsigned long err = take_errors(&no_memory);
    int reason = ERR_GET_REASON(err);

    if (c->why != NULL)
        return say(&f, c->failure, "%s", c->why);
    if (no_memory)
        return say(&f, WEIR_TLS_FAILED_OTHER, "no memory");
    if (ERR_GET_LIB(err) != ERR_LIB_SSL)
        return say(&f, WEIR_TLS_FAILED_OTHER, "TLS failed: %s",
                   err != 0 ? ERR_reason_error_string(err) : "unknown error");
    if (reason >= ALERT_REASONS && reason <= ALERT_REASONS + ALERT_LAST)
        return say_alert(&f, reason - ALERT_REASONS);
    if (!was_over(ssl) && is_http(&f))
        return say(&f, WEIR_TLS_FAILED_PLAIN, "peer speaks HTTP without TLS");
    if (!was_over(ssl) && !is_tls(&f))
        return say_not_tls(&f);
    return say_reason(&f, err);
}
