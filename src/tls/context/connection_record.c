/* SPDX-License-Identifier: MIT */
#include "tls/context/connection_record.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The number that OpenSSL has given us for the record, one in the process. */
static int record_at = -1;

static void free_record(void *parent, void *value, CRYPTO_EX_DATA *data, int at, long number, void *arg)
{
    struct weir__tls_connection *c = value;

    (void)parent, (void)data, (void)at, (void)number, (void)arg;
    if (c == NULL)
        return;
    c->end(c);
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

int weir__tls_connection_attach(SSL *ssl, const char *host, const char *session_key,
                                void (*end)(struct weir__tls_connection *c),
                                struct weir__tls_connection **out)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    size_t host_bytes = host != NULL ? strlen(host) + 1 : 0,
           key_bytes = session_key != NULL ? strlen(session_key) + 1 : 0;
    struct weir__tls_connection *c = calloc(1, sizeof *c + host_bytes + key_bytes);

    if (c == NULL)
        return -ENOMEM;
    if (host != NULL)
        c->host = memcpy(c->texts, host, host_bytes);
    if (session_key != NULL)
        c->session_key = memcpy(c->texts + host_bytes, session_key, key_bytes);
    c->end = end;
    (void)pthread_once(&once, register_record);
    if (record_at < 0 || SSL_set_ex_data(ssl, record_at, c) != 1) {
        free(c);
        return -ENOMEM;
    }
    *out = c;
    return 0;
}
