/* SPDX-License-Identifier: MIT */
/* What the tests of TLS share: contexts, and a connection with TLS at both ends. */
#ifndef WEIR_TESTS_TLS_TLS_RIG_H
#define WEIR_TESTS_TLS_TLS_RIG_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <weir.h>

#include "net/stream.h"
#include "support/certificates.h"
#include "support/memory.h"
#include "support/run.h"

#define RIG_HOST "db.internal"

struct contexts {
    weir_tls *server, *client;
};

static inline void contexts_open_with(struct contexts *c, const weir_tls_server_options *server,
                                      const weir_tls_client_options *client)
{
    const char *why;
    int err = weir_tls_server_open(server, &why, &c->server);

    if (err < 0)
        fail_msg("server: %d %s", err, why);
    err = weir_tls_client_open(client, &why, &c->client);
    if (err < 0)
        fail_msg("client: %d %s", err, why);
}

static inline void contexts_open(struct contexts *c)
{
    const weir_tls_certificate certificate = {certificate_file(certificate_of_server()),
                                              certificate_key_file(certificate_of_server())};
    const weir_tls_server_options server = {.certificates = &certificate, .certificate_count = 1};
    const weir_tls_client_options client = {.ca = certificate_file(certificate_of_authority())};

    contexts_open_with(c, &server, &client);
}

static inline void contexts_close(struct contexts *c)
{
    weir_tls_close(c->server);
    weir_tls_close(c->client);
}

/* A connection without TLS. */
struct ends {
    weir_stream *server, *client;
};

static inline void ends_open(struct ends *e)
{
    weir_listener *l;

    assert_int_equal(weir_listen("127.0.0.1:0", &l), 0);
    assert_int_equal(weir_connect(weir_listener_address(l), &e->client), 0);
    assert_int_equal(weir_accept(l, &e->server), 0);
    weir_listener_close(l);
}

static inline void ends_close(struct ends *e)
{
    weir_stream_close(e->client);
    weir_stream_close(e->server);
}

/* One side of a handshake as a task. */
struct side {
    weir_stream *stream;
    weir_tls *context;
    int result;
};

static inline int side_shake(void *arg)
{
    struct side *s = arg;

    s->result = weir_stream_start_tls(s->stream, s->context, RIG_HOST);
    return 0;
}

/* Both sides at once. Returns: whether both succeeded. */
static inline bool ends_shake(struct ends *e, const struct contexts *c, struct side sides[2])
{
    weir_scope scope;

    sides[0] = (struct side){.stream = e->server, .context = c->server};
    sides[1] = (struct side){.stream = e->client, .context = c->client};
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "server", side_shake, &sides[0]), 0);
    assert_int_equal(weir_spawn(&scope, "client", side_shake, &sides[1]), 0);
    assert_int_equal(weir_scope_close(&scope), 0);
    return sides[0].result == 0 && sides[1].result == 0;
}

static inline void ends_secure(struct ends *e, const struct contexts *c)
{
    struct side sides[2];

    ends_open(e);
    if (!ends_shake(e, c, sides))
        fail_msg("server %d %s, client %d %s", sides[0].result, weir_stream_tls_why(e->server),
                 sides[1].result, weir_stream_tls_why(e->client));
}

static inline char rig_byte(size_t at)
{
    return (char)(at * 7 + at / 251);
}

static inline void rig_fill(char *data, size_t from, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        data[i] = rig_byte(from + i);
}

static inline void rig_check(const char *data, size_t from, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (data[i] != rig_byte(from + i))
            fail_msg("byte %zu is wrong", from + i);
}

#endif
