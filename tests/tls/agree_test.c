/* SPDX-License-Identifier: MIT */
/* What two contexts agree on, and what is said when they do not: versions, protocols, ciphers; and a peer
 * that does not speak TLS. */
#include "tls/pair.h"

static weir_tls *server_with(enum weir_tls_version min, const char *const *alpn, size_t count)
{
    weir_tls_certificate own = {certificate_file(certificate_of_server()),
                                certificate_key_file(certificate_of_server())};

    return server_open(&(weir_tls_server_options){
        .certificates = &own, .certificate_count = 1, .min = min, .alpn = alpn, .alpn_count = count});
}

static weir_tls *client_with(enum weir_tls_version min, const char *const *alpn, size_t count)
{
    return client_open(&(weir_tls_client_options){
        .ca = certificate_file(certificate_of_authority()), .min = min, .alpn = alpn, .alpn_count = count});
}

/* --- versions --- */

/* A peer of another version than ours: at most `max`, which our own sides never have. */
struct versions {
    enum weir_tls_version server_min, client_min;
    int server_max, client_max; /* 0: 1.3 */
    int agreed;                 /* 0: none */
    const char *server_words, *client_words;
};

static void try_versions(const struct versions *v)
{
    weir_tls *server = server_with(v->server_min, NULL, 0), *client = client_with(v->client_min, NULL, 0);
    struct pair p;

    side_open(&p.server, server, NULL, NULL);
    side_open(&p.client, client, "db.internal", NULL);
    if (v->server_max > 0) {
        SSL_set_security_level(p.server.ssl, 0);
        assert_int_equal(SSL_set_cipher_list(p.server.ssl, "ALL"), 1);
        assert_int_equal(SSL_set_min_proto_version(p.server.ssl, TLS1_VERSION), 1);
        assert_int_equal(SSL_set_max_proto_version(p.server.ssl, v->server_max), 1);
    }
    if (v->client_max > 0) {
        SSL_set_security_level(p.client.ssl, 0);
        assert_int_equal(SSL_set_cipher_list(p.client.ssl, "ALL"), 1);
        assert_int_equal(SSL_set_min_proto_version(p.client.ssl, TLS1_VERSION), 1);
        assert_int_equal(SSL_set_max_proto_version(p.client.ssl, v->client_max), 1);
    }
    pair_run(&p);
    if (v->agreed != 0) {
        assert_agreed(&p);
        assert_int_equal(SSL_version(p.client.ssl), v->agreed);
    } else {
        assert_failed(&p.server, WEIR_TLS_FAILED_VERSION, v->server_words);
        assert_failed(&p.client, WEIR_TLS_FAILED_VERSION, v->client_words);
    }
    pair_close(&p);
    weir_tls_close(server);
    weir_tls_close(client);
}

static int versions(void *arg)
{
    static const char refused[] = "no TLS version in common: alert protocol version of the peer";
    static const struct versions cases[] = {
        {0, 0, 0, 0, TLS1_3_VERSION, NULL, NULL},
        {0, 0, TLS1_2_VERSION, 0, TLS1_2_VERSION, NULL, NULL},
        {0, 0, 0, TLS1_2_VERSION, TLS1_2_VERSION, NULL, NULL},
        {WEIR_TLS_1_3, WEIR_TLS_1_3, 0, 0, TLS1_3_VERSION, NULL, NULL},
        {WEIR_TLS_1_3, 0, 0, TLS1_2_VERSION, 0, "no TLS version in common: the peer offers TLS 1.2 at most",
         refused},
        {0, 0, 0, TLS1_1_VERSION, 0, "no TLS version in common: the peer offers TLS 1.1 at most", refused},
        {0, 0, 0, TLS1_VERSION, 0, "no TLS version in common: the peer offers TLS 1.0 at most", refused},
        {0, WEIR_TLS_1_3, TLS1_2_VERSION, 0, 0, "no TLS version in common", "no TLS version in common"},
        {0, 0, TLS1_1_VERSION, 0, 0, "no TLS version in common", "no TLS version in common"},
    };

    (void)arg;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        try_versions(&cases[i]);
    return 0;
}

/* --- protocols --- */

static void try_protocols(const char *const *ours, size_t our_count, const char *const *theirs,
                          size_t their_count, const char *agreed)
{
    weir_tls *server = server_with(0, ours, our_count), *client = client_with(0, theirs, their_count);
    const unsigned char *got;
    struct pair p;
    unsigned len;

    pair_open(&p, server, client, "db.internal");
    if (agreed == NULL) {
        assert_failed(&p.server, WEIR_TLS_FAILED_ALPN,
                      "no protocol in common: the client offers smtp, we have h2, http/1.1");
        assert_failed(&p.client, WEIR_TLS_FAILED_ALPN, "no protocol in common");
    } else {
        assert_agreed(&p);
        SSL_get0_alpn_selected(p.client.ssl, &got, &len);
        assert_int_equal(len, strlen(agreed));
        assert_true(len == 0 || memcmp(got, agreed, len) == 0);
    }
    pair_close(&p);
    weir_tls_close(server);
    weir_tls_close(client);
}

static int protocols(void *arg)
{
    static const char *const both[] = {"h2", "http/1.1"}, *const turned[] = {"http/1.1", "h2"},
                             *const other[] = {"smtp"}, *const longer[] = {"h2c", "http/1.1"};

    (void)arg;
    try_protocols(both, 2, both, 2, "h2");
    try_protocols(both, 2, turned, 2, "h2"); /* the server's order */
    try_protocols(both, 2, longer, 2, "http/1.1");
    try_protocols(both, 2, both + 1, 1, "http/1.1");
    try_protocols(both, 2, other, 1, NULL);
    try_protocols(both, 2, NULL, 0, "");
    try_protocols(NULL, 0, both, 2, "");
    return 0;
}

/* --- ciphers and groups --- */

static void try_cipher(const char *ciphers, const char *groups, const char *words)
{
    weir_tls *server = server_with(0, NULL, 0), *client = client_with(0, NULL, 0);
    struct pair p;

    side_open(&p.server, server, NULL, NULL);
    side_open(&p.client, client, "db.internal", NULL);
    SSL_set_security_level(p.client.ssl, 0);
    if (ciphers != NULL) {
        assert_int_equal(SSL_set_cipher_list(p.client.ssl, ciphers), 1);
        assert_int_equal(SSL_set_max_proto_version(p.client.ssl, TLS1_2_VERSION), 1);
    }
    if (groups != NULL)
        assert_int_equal(SSL_set1_groups_list(p.client.ssl, groups), 1);
    pair_run(&p);
    if (words == NULL)
        assert_agreed(&p);
    else {
        assert_failed(&p.server, WEIR_TLS_FAILED_CIPHER, words);
        assert_failed(&p.client, WEIR_TLS_FAILED_REFUSED, "alert handshake failure");
    }
    pair_close(&p);
    weir_tls_close(server);
    weir_tls_close(client);
}

static int ciphers(void *arg)
{
    (void)arg;
    try_cipher("ECDHE-ECDSA-AES256-GCM-SHA384", NULL, NULL);
    try_cipher("ECDHE-ECDSA-CHACHA20-POLY1305", NULL, NULL);
    try_cipher("ECDHE-ECDSA-AES128-SHA", NULL, "no cipher in common"); /* CBC */
    try_cipher("ECDHE-ECDSA-AES128-SHA256", NULL, "no cipher in common");
    try_cipher("AES128-GCM-SHA256", NULL, "no cipher in common");           /* no forward secrecy */
    try_cipher("ECDHE-RSA-AES128-GCM-SHA256", NULL, "no cipher in common"); /* the key is ECDSA */
    try_cipher(NULL, "P-384", NULL);
    try_cipher(NULL, "P-521", "in common");
    return 0;
}

/* --- peers without TLS --- */

static void sends(bool is_server, const char *bytes, size_t len, enum weir_tls_failure failure,
                  const char *words)
{
    weir_tls *tls = is_server ? server_with(0, NULL, 0) : client_with(0, NULL, 0);
    weir_tls_stats stats;
    struct side s;

    side_open(&s, tls, is_server ? NULL : "db.internal", NULL);
    side_step(&s);
    s.first_bytes = len < sizeof s.first ? len : sizeof s.first;
    memcpy(s.first, bytes, s.first_bytes);
    assert_int_equal(BIO_write(SSL_get_rbio(s.ssl), bytes, (int)len), (int)len);
    BIO_set_mem_eof_return(SSL_get_rbio(s.ssl), 0);
    side_step(&s);
    assert_failed(&s, failure, words);
    weir_tls_stats_get(tls, &stats);
    assert_int_equal(stats.failures[failure], 1);
    assert_int_equal(stats.in_progress, 0);
    SSL_free(s.ssl);
    weir_tls_close(tls);
}

static int strangers(void *arg)
{
    static const char http[] = "peer speaks HTTP without TLS";
    static const char get[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                      patch[] = "PATCH / HTTP/1.1\r\nHost: a\r\n\r\n",
                      answer[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
                      ssh[] = "SSH-2.0-OpenSSH_9.2\r\n", proxy[] = "PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n",
                      zeros[32] = "", hello[] = "\x16\x03\x01\x00\x08\x01\x00\x00\x04zzzz";

    (void)arg;
    sends(true, get, sizeof get - 1, WEIR_TLS_FAILED_PLAIN, http);
    sends(true, patch, sizeof patch - 1, WEIR_TLS_FAILED_PLAIN, http);
    sends(false, answer, sizeof answer - 1, WEIR_TLS_FAILED_PLAIN, http);
    sends(false, ssh, sizeof ssh - 1, WEIR_TLS_FAILED_GARBAGE,
          "does not speak TLS: it sends \"SSH-2.0-OpenSSH_9.2\"");
    sends(true, proxy, sizeof proxy - 1, WEIR_TLS_FAILED_GARBAGE, "PROXY protocol");
    sends(true, zeros, sizeof zeros, WEIR_TLS_FAILED_GARBAGE, "peer does not speak TLS");
    sends(true, hello, sizeof hello - 1, WEIR_TLS_FAILED_GARBAGE, "the peer violated the protocol: ");
    sends(true, hello, 3, WEIR_TLS_FAILED_LEFT, "the peer left in the middle of the handshake");
    return 0;
}

/* --- after the handshake --- */

static int breaks(void *arg)
{
    weir_tls *server = server_with(0, NULL, 0), *client = client_with(0, NULL, 0);
    char byte;
    struct pair p;

    (void)arg;
    pair_open(&p, server, client, "db.internal");
    assert_agreed(&p);
    assert_int_equal(BIO_write(SSL_get_rbio(p.server.ssl), "\x17\x03\x03\x00\x14garbagegarbagegarbag", 25),
                     25);
    side_step(&p.server);
    assert_failed(&p.server, WEIR_TLS_FAILED_GARBAGE, "the peer violated the protocol: ");
    BIO_set_mem_eof_return(SSL_get_rbio(p.client.ssl), 0);
    while (SSL_read(p.client.ssl, &byte, 1) > 0)
        ;
    p.client.failure = weir__tls_explain(p.client.ssl, p.client.first, p.client.first_bytes, p.client.why);
    p.client.has_failed = true;
    assert_failed(&p.client, WEIR_TLS_FAILED_LEFT, "the peer left without closing TLS");
    pair_close(&p);
    weir_tls_close(server);
    weir_tls_close(client);
    return 0;
}

TEST(versions_are_agreed_on, versions)
TEST(protocols_are_agreed_on, protocols)
TEST(ciphers_are_agreed_on, ciphers)
TEST(peers_without_tls_are_recognised, strangers)
TEST(connections_break, breaks)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_are_agreed_on), cmocka_unit_test(protocols_are_agreed_on),
        cmocka_unit_test(ciphers_are_agreed_on),  cmocka_unit_test(peers_without_tls_are_recognised),
        cmocka_unit_test(connections_break),
    };

    return cmocka_run_group_tests(tests, certificates_begin, certificates_end);
}
