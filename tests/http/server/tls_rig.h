/* SPDX-License-Identifier: MIT */
/* A server by TLS and its clients, on top of server_rig.h. */
#ifndef TEST_HTTP_SERVER_TLS_RIG_H
#define TEST_HTTP_SERVER_TLS_RIG_H

#include "http/server/server_rig.h"
#include "net/stream.h"
#include "support/certificates.h"

#include <weir/tls.h>

/* What a test wants beside the usual; rig->data. */
struct secure {
    bool asks_for_certificates;        /* of clients */
    void *arg;                         /* of the test */
    weir_tls *server, *client, *known; /* known: a client with a certificate */
};

static inline weir_tls *secure_client(const struct certificate *own)
{
    const char *why = NULL;
    weir_tls *tls = NULL;
    int err = weir_tls_client_open(
        &(weir_tls_client_options){.ca = certificate_file(certificate_of_authority()),
                                   .cert = own != NULL ? certificate_file(own) : NULL,
                                   .key = own != NULL ? certificate_key_file(own) : NULL},
        &why, &tls);

    if (err < 0)
        fail_msg("a client's context: %d %s", err, why != NULL ? why : "?");
    return tls;
}

static inline void secure_prepare(struct rig *rig)
{
    struct secure *s = rig->data;
    const struct certificate *server = certificate_of_server();
    const weir_tls_certificate files = {certificate_file(server), certificate_key_file(server)};
    const char *why = NULL;
    int err = weir_tls_server_open(
        &(weir_tls_server_options){
            .certificates = &files,
            .certificate_count = 1,
            .client_ca = s->asks_for_certificates ? certificate_file(certificate_of_authority()) : NULL},
        &why, &s->server);

    if (err < 0)
        fail_msg("the server's context: %d %s", err, why != NULL ? why : "?");
    s->client = secure_client(NULL);
    s->known = secure_client(certificate_of_client());
    rig->listener.tls = s->server;
}

static inline void secure_finish(struct rig *rig)
{
    struct secure *s = rig->data;

    weir_tls_close(s->server);
    weir_tls_close(s->client);
    weir_tls_close(s->known);
}

static inline weir_tls_stats secure_stats(const struct rig *rig)
{
    weir_tls_stats stats;

    weir_tls_stats_get(((struct secure *)rig->data)->server, &stats);
    return stats;
}

/* Begins TLS on a connection. */
static inline weir_stream *secure_over(struct rig *rig, weir_stream *s)
{
    int err = weir_stream_start_tls(s, ((struct secure *)rig->data)->client, "localhost");

    if (err < 0)
        fail_msg("no TLS: %d %s", err, weir_stream_tls_why(s) != NULL ? weir_stream_tls_why(s) : "?");
    return s;
}

static inline weir_stream *secure_connect(struct rig *rig)
{
    return secure_over(rig, rig_connect(rig));
}

/* Ends the connection below TLS, without a close_notify, as whoever cuts it off would. */
static inline void secure_cut(weir_stream *s)
{
    struct weir__transport *lower = *weir__transport_lower(s->transport);

    assert_int_equal(lower->type->shutdown(lower), 0);
}

#endif
