/* SPDX-License-Identifier: MIT */
#include "tls/context/alpn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tls/context/connection_record.h"

enum { PROTOCOL_MAX = 255, WIRE_MAX = 65535, WORDS_BYTES = 96 };

int weir__alpn_init(struct weir__alpn *alpn, const char *const *protocols, size_t count)
{
    size_t bytes = 0;
    unsigned char *at;

    *alpn = (struct weir__alpn){0};
    if (count > 0 && protocols == NULL)
        return -EINVAL;
    for (size_t i = 0; i < count; i++) {
        size_t len = protocols[i] != NULL ? strlen(protocols[i]) : 0;

        bytes += 1 + len;
        if (len == 0 || len > PROTOCOL_MAX || bytes > WIRE_MAX)
            return -EINVAL;
    }
    if (count == 0)
        return 0;
    at = alpn->wire = malloc(bytes);
    if (at == NULL)
        return -ENOMEM;
    alpn->bytes = (unsigned)bytes;
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(protocols[i]);

        *at++ = (unsigned char)len;
        memcpy(at, protocols[i], len);
        at += len;
    }
    return 0;
}

void weir__alpn_free(struct weir__alpn *alpn)
{
    free(alpn->wire);
}

/* Writes the protocols of a list of the wire, "h2, http/1.1", what is not printable as '?'. */
static void write_words(const unsigned char *wire, unsigned bytes, char out[WORDS_BYTES])
{
    size_t used = 0;

    for (unsigned at = 0; at < bytes && used < WORDS_BYTES - 3; at += 1u + wire[at]) {
        if (used > 0)
            used += (size_t)snprintf(out + used, WORDS_BYTES - used, ", ");
        for (unsigned i = 1; i <= wire[at] && at + i < bytes && used < WORDS_BYTES - 1; i++)
            out[used++] = (char)(wire[at + i] > ' ' && wire[at + i] < 0x7f ? wire[at + i] : '?');
    }
    out[used] = '\0';
}

/* The first of ours that the client has, too. */
static int on_protocols(SSL *ssl, const unsigned char **out, unsigned char *len, const unsigned char *in,
                        unsigned in_bytes, void *arg)
{
    const struct weir__alpn *ours = arg;
    char theirs_words[WORDS_BYTES], our_words[WORDS_BYTES];

    for (unsigned at = 0; at < ours->bytes; at += 1u + ours->wire[at])
        for (unsigned theirs = 0; theirs < in_bytes; theirs += 1u + in[theirs])
            if (in[theirs] == ours->wire[at] && theirs + in[theirs] < in_bytes &&
                memcmp(in + theirs + 1, ours->wire + at + 1, in[theirs]) == 0) {
                *out = in + theirs + 1;
                *len = in[theirs];
                return SSL_TLSEXT_ERR_OK;
            }
    write_words(in, in_bytes, theirs_words);
    write_words(ours->wire, ours->bytes, our_words);
    weir__tls_connection_note(weir__tls_connection_of(ssl), WEIR_TLS_FAILED_ALPN,
                              "no protocol in common: the client offers %s, we have %s", theirs_words,
                              our_words);
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

int weir__alpn_install(SSL_CTX *ctx, struct weir__alpn *alpn, bool is_server)
{
    if (alpn->bytes == 0)
        return 0;
    if (!is_server)
        return SSL_CTX_set_alpn_protos(ctx, alpn->wire, alpn->bytes) == 0 ? 0 : -ENOMEM;
    SSL_CTX_set_alpn_select_cb(ctx, on_protocols, alpn);
    return 0;
}
