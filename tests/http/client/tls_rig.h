/* SPDX-License-Identifier: MIT */
/* What the tests of https share: contexts, and backends that speak TLS. */
#ifndef TEST_HTTP_CLIENT_TLS_RIG_H
#define TEST_HTTP_CLIENT_TLS_RIG_H

#include "client_rig.h"

#include <weir/tls.h>

#include "support/certificates.h"

/* The context of a server that has one certificate. client_ca: NULL: clients need none. */
static inline weir_tls *tls_of(const struct certificate *c, const char *client_ca)
{
    const weir_tls_certificate pair = {certificate_file(c), certificate_key_file(c)};
    const char *why;
    weir_tls *tls;

    if (weir_tls_server_open(
            &(weir_tls_server_options){.certificates = &pair, .certificate_count = 1, .client_ca = client_ca},
            &why, &tls) < 0)
        fail_msg("no context of a server: %s", why != NULL ? why : "?");
    return tls;
}

/* The context of a client that trusts the authority of the tests alone. */
static inline weir_tls *tls_that_trusts(void)
{
    static const char *const http[] = {"http/1.1"};
    const char *why;
    weir_tls *tls;

    if (weir_tls_client_open(&(weir_tls_client_options){.ca = certificate_file(certificate_of_authority()),
                                                        .alpn = http,
                                                        .alpn_count = 1},
                             &why, &tls) < 0)
        fail_msg("no context of a client: %s", why != NULL ? why : "?");
    return tls;
}

/* A server by TLS, a client that trusts it, and what a test opens beside them. */
struct world {
    struct backend backend;
    weir_tls *server_tls, *client_tls;
    int (*serve)(struct backend *, weir_stream *, int);
    void *arg;
    weir_client *client;
};

static inline int serve_tls(struct backend *b, weir_stream *s, int number)
{
    struct world *w = b->arg;

    return weir_stream_start_tls(s, w->server_tls, NULL) == 0 ? w->serve(b, s, number) : 0;
}

/* serve is run on each connection, once its handshake is over. */
static inline void world_open(struct world *w, const struct certificate *c,
                              int (*serve)(struct backend *, weir_stream *, int),
                              const weir_client_options *options)
{
    weir_client_options filled = options != NULL ? *options : (weir_client_options){0};

    *w = (struct world){.serve = serve};
    w->server_tls = tls_of(c, NULL);
    w->client_tls = filled.tls = tls_that_trusts();
    w->client = client_open(&filled);
    backend_open(&w->backend, serve_tls, w);
    (void)snprintf(w->backend.url, sizeof w->backend.url, "https://%s/",
                   weir_listener_address(w->backend.listener));
}

static inline void world_close(struct world *w)
{
    weir_client_close(w->client);
    backend_close(&w->backend);
    weir_tls_close(w->client_tls);
    weir_tls_close(w->server_tls);
}

/* --- what is reported --- */

struct origin_wanted {
    const char *begins; /* of its name */
    int found;
    weir_origin_stats stats;
};

static inline void note_origin(void *arg, const weir_origin_stats *stats)
{
    struct origin_wanted *wanted = arg;

    if (strncmp(stats->origin, wanted->begins, strlen(wanted->begins)) != 0)
        return;
    wanted->found++;
    wanted->stats = *stats;
}

/* The statistics of the one origin whose name begins so. */
static inline weir_origin_stats origin_stats(const char *begins)
{
    struct origin_wanted wanted = {.begins = begins};

    weir_origin_each(weir_runtime_here(), note_origin, &wanted);
    assert_int_equal(wanted.found, 1);
    return wanted.stats;
}

static inline weir_tls_stats stats_of(const weir_tls *tls)
{
    weir_tls_stats stats;

    weir_tls_stats_get(tls, &stats);
    return stats;
}

#endif
