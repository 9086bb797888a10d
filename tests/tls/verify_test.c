/* SPDX-License-Identifier: MIT */
/* The verification of peers, and the words about what fails. */
#include <time.h>

#include "tls/pair.h"

enum { DAY_S = 86400 };

/* A client that believes the authority asks for a host, of a server that has this certificate. */
static void fails(const struct certificate *c, const char *host, enum weir_tls_failure failure,
                  const char *words)
{
    weir_tls *server = server_of(c), *client = client_of(certificate_of_authority());
    weir_tls_stats stats;
    struct pair p;

    pair_open(&p, server, client, host);
    assert_failed(&p.client, failure, words);
    assert_failed(&p.server, WEIR_TLS_FAILED_REFUSED, "the peer refused");
    weir_tls_stats_get(client, &stats);
    assert_int_equal(stats.handshakes, 0);
    assert_int_equal(stats.failures[failure], 1);
    assert_int_equal(stats.in_progress, 0);
    pair_close(&p);
    weir_tls_close(server);
    weir_tls_close(client);
}

static void succeeds(const struct certificate *c, const struct certificate *ca, const char *host)
{
    weir_tls *server = server_of(c), *client = client_of(ca);
    struct pair p;

    pair_open(&p, server, client, host);
    assert_agreed(&p);
    pair_close(&p);
    weir_tls_close(server);
    weir_tls_close(client);
}

static struct certificate *make(const char *names, struct certificate *issuer, int64_t from_s,
                                int64_t until_s)
{
    return certificate_make(&(struct certificate_options){
        .cn = "db", .names = names, .issuer = issuer, .from_s = from_s, .until_s = until_s});
}

static const char *date(int64_t from_now_s, char out[16])
{
    time_t t = time(NULL) + from_now_s;
    struct tm parts;

    strftime(out, 16, "%Y-%m-%d", gmtime_r(&t, &parts));
    return out;
}

static int times(void *arg)
{
    struct certificate *ca = certificate_of_authority();
    char words[128], day[16];

    (void)arg;
    (void)snprintf(words, sizeof words, "certificate of db.internal expired %s", date(-2 * DAY_S, day));
    fails(make("db.internal", ca, -9 * DAY_S, -2 * DAY_S), "db.internal", WEIR_TLS_FAILED_EXPIRED, words);
    (void)snprintf(words, sizeof words, "certificate of db.internal is not valid before %s",
                   date(3 * DAY_S, day));
    fails(make("db.internal", ca, 3 * DAY_S, 9 * DAY_S), "db.internal", WEIR_TLS_FAILED_EXPIRED, words);
    return 0;
}

static int names(void *arg)
{
    struct certificate *ca = certificate_of_authority();
    struct certificate *two = make("a.example, b.example", ca, 0, 0), *wild = make("*.b.example", ca, 0, 0);
    struct certificate *cn =
        certificate_make(&(struct certificate_options){.cn = "db.internal", .issuer = ca});
    const char *server = "certificate is for localhost, db.internal, 127.0.0.1, ::1, not for ";

    (void)arg;
    fails(two, "db.internal", WEIR_TLS_FAILED_NAME,
          "certificate is for a.example, b.example, not for db.internal");
    fails(certificate_of_server(), "127.0.0.2", WEIR_TLS_FAILED_NAME, server);
    fails(certificate_of_server(), "::2", WEIR_TLS_FAILED_NAME, server);
    fails(make("127.0.0.1.example", ca, 0, 0), "127.0.0.1", WEIR_TLS_FAILED_NAME, "not for 127.0.0.1");
    fails(wild, "b.example", WEIR_TLS_FAILED_NAME, "certificate is for *.b.example, not for b.example");
    fails(wild, "x.y.b.example", WEIR_TLS_FAILED_NAME, "not for x.y.b.example");
    fails(make("d*.internal.example", ca, 0, 0), "db.internal.example", WEIR_TLS_FAILED_NAME, "not for db");
    fails(cn, "db.internal", WEIR_TLS_FAILED_NAME, "names no host: it has no subjectAltName");
    succeeds(two, ca, "b.example");
    succeeds(two, ca, "B.Example.");
    succeeds(wild, ca, "x.b.example");
    succeeds(certificate_of_server(), ca, "127.0.0.1");
    succeeds(certificate_of_server(), ca, "::1");
    succeeds(certificate_of_server(), ca, "[::1]");
    return 0;
}

static int authorities(void *arg)
{
    struct certificate *ca = certificate_of_authority();
    struct certificate *other =
        certificate_make(&(struct certificate_options){.cn = "Other CA", .is_authority = true});
    struct certificate *between =
        certificate_make(&(struct certificate_options){.cn = "Between", .issuer = ca, .is_authority = true});
    struct certificate *below = make("db.internal", between, 0, 0);
    struct certificate *strange = make("db.internal", other, 0, 0);
    struct certificate *plain = certificate_make(&(struct certificate_options){.cn = "plain", .issuer = ca});
    struct certificate *by_plain = make("db.internal", plain, 0, 0);
    struct certificate *own = make("db.internal", NULL, 0, 0);
    const char *cut = certificates_path("cut.pem");
    struct certificate *clients = certificate_make(&(struct certificate_options){
        .cn = "c", .names = "db.internal", .issuer = ca, .usage = "clientAuth"});

    (void)arg;
    fails(own, "db.internal", WEIR_TLS_FAILED_AUTHORITY, "certificate of db.internal is signed by itself");
    fails(strange, "db.internal", WEIR_TLS_FAILED_AUTHORITY,
          "certificate of db.internal is signed by an unknown authority CN=Other CA");
    fails(by_plain, "db.internal", WEIR_TLS_FAILED_AUTHORITY,
          "issuer CN=plain of certificate of db.internal is no authority");
    fails(clients, "db.internal", WEIR_TLS_FAILED_OTHER, "certificate of db.internal is not for servers");
    succeeds(below, ca, "db.internal");
    succeeds(below, between, "db.internal"); /* an authority that another one has signed is enough */
    succeeds(own, own, "db.internal");
    certificate_put_alone(below, cut);
    {
        weir_tls_certificate files = {cut, certificate_key_file(below)};
        weir_tls *server =
            server_open(&(weir_tls_server_options){.certificates = &files, .certificate_count = 1});
        weir_tls *client = client_of(ca);
        struct pair p;

        pair_open(&p, server, client, "db.internal");
        assert_failed(&p.client, WEIR_TLS_FAILED_AUTHORITY,
                      "signed by an unknown authority CN=Between, of which the peer sends no certificate");
        assert_failed(&p.server, WEIR_TLS_FAILED_REFUSED,
                      "the peer refused our certificate: alert unknown CA");
        pair_close(&p);
        weir_tls_close(server);
        weir_tls_close(client);
    }
    return 0;
}

static int unverified(void *arg)
{
    weir_tls *server = server_of(make("x.example", NULL, -9 * DAY_S, -2 * DAY_S));
    weir_tls *client = client_open(&(weir_tls_client_options){.unverified = true});
    struct pair p;

    (void)arg;
    pair_open(&p, server, client, "db.internal");
    assert_agreed(&p);
    pair_close(&p);
    weir_tls_close(client);
    client = client_open(&(weir_tls_client_options){.ca = certificate_file(certificate_of_authority()),
                                                    .server_name = "db.internal"});
    weir_tls_close(server);
    server = server_of(certificate_of_server());
    pair_open(&p, server, client, "elsewhere.example");
    assert_agreed(&p);
    assert_string_equal(SSL_get_servername(p.server.ssl, TLSEXT_NAMETYPE_host_name), "db.internal");
    pair_close(&p);
    weir_tls_close(client);
    client = client_of(certificate_of_authority());
    assert_int_equal(weir__tls_connection(client, NULL, NULL, &p.client.ssl), -EINVAL);
    assert_int_equal(weir__tls_connection(client, "a b", NULL, &p.client.ssl), -EINVAL);
    weir_tls_close(client);
    weir_tls_close(server);
    return 0;
}

struct client_case {
    const struct certificate *c; /* NULL: none */
    enum weir_tls_failure failure;
    const char *words, *client_words; /* NULL: none fails */
};

static int of_clients(void *arg)
{
    struct certificate *other =
        certificate_make(&(struct certificate_options){.cn = "Other CA", .is_authority = true});
    struct certificate *stranger =
        certificate_make(&(struct certificate_options){.cn = "stranger", .issuer = other});
    struct certificate *old = certificate_make(&(struct certificate_options){
        .cn = "old", .issuer = certificate_of_authority(), .from_s = -9 * DAY_S, .until_s = -2 * DAY_S});
    weir_tls_certificate own = {certificate_file(certificate_of_server()),
                                certificate_key_file(certificate_of_server())};
    const char *ca = certificate_file(certificate_of_authority());
    const struct client_case cases[] = {
        {certificate_of_client(), WEIR_TLS_FAILURES, NULL, NULL},
        {NULL, WEIR_TLS_FAILED_NONE, "the client has no certificate, and must have one",
         "the peer wants a certificate"},
        {stranger, WEIR_TLS_FAILED_AUTHORITY,
         "client's certificate CN=stranger is signed by an unknown authority CN=Other CA",
         "the peer refused our certificate: alert unknown CA"},
        {old, WEIR_TLS_FAILED_EXPIRED, "client's certificate CN=old expired ",
         "the peer refused our certificate: alert certificate expired"},
    };

    (void)arg;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int max = TLS1_2_VERSION; max <= TLS1_3_VERSION; max++) {
            weir_tls *server = server_open(
                &(weir_tls_server_options){.certificates = &own, .certificate_count = 1, .client_ca = ca});
            weir_tls *client = client_open(&(weir_tls_client_options){
                .ca = ca,
                .cert = cases[i].c != NULL ? certificate_file(cases[i].c) : NULL,
                .key = cases[i].c != NULL ? certificate_key_file(cases[i].c) : NULL});
            struct pair p;

            side_open(&p.server, server, NULL, NULL);
            side_open(&p.client, client, "db.internal", NULL);
            (void)SSL_set_max_proto_version(p.client.ssl, max);
            pair_run(&p);
            if (cases[i].words == NULL)
                assert_agreed(&p);
            else {
                assert_failed(&p.server, cases[i].failure, cases[i].words);
                assert_failed(&p.client, WEIR_TLS_FAILED_REFUSED,
                              cases[i].c == NULL && max == TLS1_2_VERSION ? "the peer refused the handshake"
                                                                          : cases[i].client_words);
            }
            pair_close(&p);
            weir_tls_close(server);
            weir_tls_close(client);
        }
    return 0;
}

TEST(times_are_verified, times)
TEST(names_are_verified, names)
TEST(authorities_are_verified, authorities)
TEST(verification_can_be_off_or_of_another_name, unverified)
TEST(clients_are_verified, of_clients)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_verified),
        cmocka_unit_test(names_are_verified),
        cmocka_unit_test(authorities_are_verified),
        cmocka_unit_test(verification_can_be_off_or_of_another_name),
        cmocka_unit_test(clients_are_verified),
    };

    return cmocka_run_group_tests(tests, certificates_begin, certificates_end);
}
