/* SPDX-License-Identifier: MIT */
/* TLS 1.2 and 1.3 (RFC 8446, RFC 5246): contexts, and what is known of a connection.
 *
 *     weir_tls_server_options options = {.certificates = &(weir_tls_certificate){"shop.pem", "shop.key"},
 *                                        .certificate_count = 1};
 *
 *     err = weir_tls_server_open(&options, &tls, &why);       // why: which file is wrong, and how
 *     err = weir_listener_open(&(weir_listener_options){.address = "0.0.0.0:443", .tls = tls}, &listener);
 *
 * A context holds certificates, keys, authorities and sessions. Listeners, clients, backends and
 * weir_stream_start_tls() use it. What a stream does is the same with TLS and without: see <weir/stream.h>.
 * The handshake is part of the first read or write of a stream; weir_stream_handshake() waits for it alone.
 *
 * Peers are verified: a client checks the server's certificate against the authorities of the system, or
 * those it was given, its time, and the name it asked for (RFC 9525). Versions and ciphers are those of
 * Mozilla's "intermediate" configuration. Early data (0-RTT), compression and renegotiation are off.
 *
 * An end of the connection without the peer's close_notify is -WEIR_ETRUNCATED, not an end: somebody may have
 * cut it off (RFC 8446, 6.1).
 *
 * Threading: a context may be used by all loops and threads of the runtime at the same time. Each function
 * says from where it may be called.
 */
#ifndef WEIR_TLS_H
#define WEIR_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>
#include <weir/stream.h>
#include <weir/time.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_tls weir_tls;

enum weir_tls_version {
    WEIR_TLS_1_2 = 12,
    WEIR_TLS_1_3 = 13,
};

/* A certificate with its chain, the certificate first, and its private key: files in PEM format. */
typedef struct weir_tls_certificate {
    const char *cert, *key;
} weir_tls_certificate;

/* A zero field means its default, given in brackets. Texts are copied. */
typedef struct weir_tls_server_options {
    /* At least one. A client gets the certificate for the name it asks for (SNI): one that has exactly that
     * name, otherwise one with a wildcard for it ("*.example.com" for one label), otherwise the first. Of two
     * that fit equally, of RSA and ECDSA keys, the client gets the one that it supports, ECDSA before RSA */
    const weir_tls_certificate *certificates;
    size_t certificate_count; /* at most 1000 */
    const char *client_ca; /* a file of authorities in PEM format: a client must have a certificate of one of
                              them [clients are not asked for certificates] */
    enum weir_tls_version min; /* [TLS 1.2] */
    const char *const *alpn; /* protocols, the preferred first (RFC 7301); a client that names others alone is
                                refused [none is negotiated] */
    size_t alpn_count;
    weir_duration recheck; /* how often files are looked at: when they have changed, and what they hold is
                              valid, new connections get it; otherwise the old content stays, and a line of
                              the log says why. Only while connections come in [10 s] */
    unsigned char reserved[64]; /* for later versions; zero */
} weir_tls_server_options;

/* A zero field means its default, given in brackets. Texts are copied. */
typedef struct weir_tls_client_options {
    const char *ca;            /* a file of authorities in PEM format [those of the system] */
    const char *cert, *key;    /* files in PEM format, for servers that ask for a certificate [none] */
    const char *server_name;   /* that is asked for and checked [the host that is connected to] */
    enum weir_tls_version min; /* [TLS 1.2] */
    const char *const *alpn;   /* [none is negotiated] */
    size_t alpn_count;
    weir_duration recheck; /* as of a server; of cert, key and ca [10 s] */
    bool unverified;       /* accepts any certificate: anybody on the way can read and change everything */
    unsigned char reserved[64]; /* for later versions; zero */
} weir_tls_client_options;

/* Makes a context for the server's side. Files are read on the blocking pool; a certificate that has expired
 * is accepted, with a line in the log.
 * Owns:    options are lent until the function returns. The caller owns *out and closes it. *why, unless why
 *          is NULL, is set in any case: to NULL, or after a failure to a sentence that names the file and
 * what is wrong, valid until weir_run() returns.
 * Returns: 0; -EINVAL no certificate, or an option is out of range; -WEIR_ECONFIG a file cannot be used: it
 * is not PEM, the key does not fit the certificate, a key is too weak …; -ENOENT, -EACCES … of a file;
 *          -WEIR_EBUSY the blocking pool is full; -ENOMEM.
 * Cancel:  ends the wait; nothing is left.
 * Where:   task. Waits.
 */
int weir_tls_server_open(const weir_tls_server_options *options, const char **why,
                         weir_tls **out) WEIR_CHECKED;

/* Makes a context for the client's side. options NULL: all defaults. The authorities of the system are read
 * once for all contexts of the runtime.
 * Owns:    as weir_tls_server_open().
 * Returns: as weir_tls_server_open(); -WEIR_ECONFIG also if there are no authorities.
 * Cancel:  as weir_tls_server_open().
 * Where:   task. Waits.
 */
int weir_tls_client_open(const weir_tls_client_options *options, const char **why,
                         weir_tls **out) WEIR_CHECKED;

/* Takes a further hold on a context, which a further weir_tls_close() ends.
 * Returns: tls.
 * Where:   any thread.
 */
weir_tls *weir_tls_hold(weir_tls *tls);

/* Ends a hold. The last one frees the context; connections and listeners that use it hold it, too. NULL does
 * nothing.
 * Where:   any thread of the runtime.
 */
void weir_tls_close(weir_tls *tls);

/* --- connections --- */

/* Begins TLS on a stream that has none, as the side that the context is for, and waits for the handshake.
 * Bytes that were read before, and were not TLS, are the caller's matter: nothing may have been read of the
 * handshake.
 * host: what a client asks for and checks [options.server_name]: a name, or an address as text; NULL for
 * servers.
 * Owns:    host is lent until the function returns; the stream holds tls.
 * Returns: 0; -WEIR_ETLS the handshake failed: weir_stream_tls_why() says why; -EINVAL a client without a
 *          host, or bytes that came with an upgrade are still to be read; -EALREADY the stream has TLS;
 *          -WEIR_EBUSY another task reads or writes; -WEIR_ETRUNCATED, -ECONNRESET … the peer left;
 *          -WEIR_EIDLE; -ENOMEM. After a failure that is not -EINVAL, -EALREADY or -WEIR_EBUSY the stream
 *          can only be closed.
 * Cancel:  ends the wait; the stream can only be closed.
 * Where:   task of its loop. Waits.
 */
int weir_stream_start_tls(weir_stream *s, weir_tls *tls, const char *host) WEIR_CHECKED;

/* Waits for the handshake of a stream that a listener with TLS has accepted. Without it, the first read or
 * write waits.
 * Returns: 0, also when the handshake is over or the stream has no TLS; as weir_stream_start_tls().
 * Cancel:  ends the wait; the handshake can go on.
 * Where:   task of its loop. Waits.
 */
int weir_stream_handshake(weir_stream *s) WEIR_CHECKED;

/* What was agreed in a handshake. Texts are valid until the stream is closed. */
typedef struct weir_tls_info {
    enum weir_tls_version version;
    const char *cipher;      /* "TLS_AES_128_GCM_SHA256" */
    const char *alpn;        /* the protocol; "": none */
    const char *server_name; /* that the client asked for; "": none */
    const char *peer; /* the subject of the peer's certificate: "CN=billing,O=Example"; "": it has none */
    bool resumed;     /* by a session of before, without certificates */
} weir_tls_info;

/* Tells what was agreed.
 * Returns: 0; -ENOTCONN the stream has no TLS, or its handshake is not over.
 * Where:   task of its loop. Does not wait.
 */
int weir_stream_tls_info(weir_stream *s, weir_tls_info *info) WEIR_CHECKED;

/* Says in a sentence why TLS failed on a stream: "certificate of db.internal expired 2026-11-02", "peer
 * speaks HTTP without TLS".
 * Owns:    valid until the stream is closed.
 * Returns: NULL if TLS has not failed.
 * Where:   task of its loop. Does not wait.
 */
const char *weir_stream_tls_why(const weir_stream *s);

/* --- statistics --- */

/* Reasons why a handshake, or a connection after it, failed. A client that leaves, or is closed, before it
 * has sent anything began no handshake, and is not counted. */
enum weir_tls_failure {
    WEIR_TLS_FAILED_VERSION,   /* no version in common */
    WEIR_TLS_FAILED_CIPHER,    /* no cipher, group or signature algorithm in common */
    WEIR_TLS_FAILED_ALPN,      /* no protocol in common */
    WEIR_TLS_FAILED_EXPIRED,   /* the peer's certificate has expired, or is not valid yet */
    WEIR_TLS_FAILED_NAME,      /* the peer's certificate is for other names */
    WEIR_TLS_FAILED_AUTHORITY, /* the peer's certificate is of an unknown authority, or signed by itself */
    WEIR_TLS_FAILED_NONE,      /* the peer has no certificate, and must have one */
    WEIR_TLS_FAILED_REFUSED,   /* the peer refused our certificate, or the handshake, by an alert */
    WEIR_TLS_FAILED_PLAIN,     /* the peer does not speak TLS but HTTP */
    WEIR_TLS_FAILED_GARBAGE,   /* the peer violated the protocol */
    WEIR_TLS_FAILED_LEFT,      /* the peer left in the middle of the handshake */
    WEIR_TLS_FAILED_TIME,      /* the handshake took too long, or was cancelled */
    WEIR_TLS_FAILED_OTHER,     /* no memory; another fault of a certificate */
    WEIR_TLS_FAILURES
};

/* A context since it was opened. */
typedef struct weir_tls_stats {
    uint64_t handshakes; /* that succeeded */
    uint64_t resumed;    /* of those, by a session of before */
    uint64_t failures[WEIR_TLS_FAILURES];
    int in_progress; /* handshakes */
} weir_tls_stats;

/* Tells the statistics of a context.
 * Where:   any thread. Does not wait.
 */
void weir_tls_stats_get(const weir_tls *tls, weir_tls_stats *stats);

/* Names a reason, as a label: "version", "cipher", "alpn", "expired", "name", "authority", "none", "refused",
 * "plain", "garbage", "left", "time", "other".
 * Returns: never NULL.
 * Where:   any thread.
 */
const char *weir_tls_failure_name(enum weir_tls_failure failure);

/* A certificate of a context, as it is used now. */
typedef struct weir_tls_certificate_info {
    const char *cert;                  /* the file */
    const char *names;                 /* that it is for: "shop.example.com, *.shop.example.com" */
    const char *key;                   /* "ECDSA P-256", "RSA 2048" */
    int64_t not_before_s, not_after_s; /* since the epoch */
    const char *failed;                /* why the file as it is now is not used; NULL: it is used */
} weir_tls_certificate_info;

/* Calls fn for each certificate of a context, of a client its own one.
 * Owns:    info is lent to fn, which must not wait.
 * Where:   any thread. Takes a lock for a moment.
 */
void weir_tls_certificates_each(const weir_tls *tls,
                                void (*fn)(void *arg, const weir_tls_certificate_info *info), void *arg);

#ifdef __cplusplus
}
#endif
#endif
