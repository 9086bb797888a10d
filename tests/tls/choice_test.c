/* SPDX-License-Identifier: MIT */
/* The choice of a server's certificate by name, and by what the client supports. */
#include "tls/pair.h"

enum { CERTIFICATES = 6 };

static struct certificate *make(const char *cn, const char *names, enum certificate_key key)
{
    return certificate_make(&(struct certificate_options){
        .cn = cn, .names = names, .issuer = certificate_of_authority(), .key = key});
}

static weir_tls *open_many(struct certificate *const *list, size_t count)
{
    weir_tls_certificate own[CERTIFICATES];

    for (size_t i = 0; i < count; i++)
        own[i] = (weir_tls_certificate){certificate_file(list[i]), certificate_key_file(list[i])};
    return server_open(&(weir_tls_server_options){.certificates = own, .certificate_count = count});
}

/* What a client gets that asks for a name, NULL: for none, as the server is told it. */
static void gets(weir_tls *server, const char *name, const char *cn)
{
    weir_tls *client = client_open(&(weir_tls_client_options){.unverified = true});
    struct pair p;

    side_open(&p.server, server, NULL, NULL);
    side_open(&p.client, client, name != NULL ? "placeholder.test" : "127.0.0.1", NULL);
    if (name != NULL)
        assert_int_equal(SSL_set_tlsext_host_name(p.client.ssl, name), 1);
    pair_run(&p);
    assert_agreed(&p);
    assert_got(&p, cn);
    pair_close(&p);
    weir_tls_close(client);
}

static int by_name(void *arg)
{
    struct certificate *list[] = {
        make("first", "first.test", CERTIFICATE_ECDSA),
        make("wild", "*.shop.test, *.Other.test", CERTIFICATE_ECDSA),
        make("exact", "a.shop.test", CERTIFICATE_ECDSA),
        make("apex", "shop.test, 10.0.0.1", CERTIFICATE_ECDSA),
        make("partial", "p*.part.test, *", CERTIFICATE_ECDSA),
        make("cn.only.test", NULL, CERTIFICATE_ECDSA),
    };
    weir_tls *server = open_many(list, CERTIFICATES);

    (void)arg;
    gets(server, NULL, "first");
    gets(server, "unknown.test", "first");
    gets(server, "first.test", "first");
    gets(server, "a.shop.test", "exact"); /* before the wildcard, though behind it in the list */
    gets(server, "A.SHOP.TEST", "exact");
    gets(server, "b.shop.test", "wild");
    gets(server, "b.shop.test.", "wild");
    gets(server, "c.b.shop.test", "first"); /* one label, no more */
    gets(server, ".shop.test", "first");    /* and no less */
    gets(server, "*.shop.test", "first");   /* is no name */
    gets(server, "x.OTHER.test", "wild");
    gets(server, "shop.test", "apex");
    gets(server, "10.0.0.1", "apex"); /* against the rules, but it fits */
    gets(server, "part.part.test", "first");
    gets(server, "localhost", "first");
    gets(server, "cn.only.test", "cn.only.test");
    weir_tls_close(server);
    return 0;
}

/* A client of some signature algorithms, or of TLS 1.2 with some ciphers. */
static void supports(weir_tls *server, const char *name, const char *algorithms, const char *ciphers,
                     const char *cn)
{
    weir_tls *client = client_open(&(weir_tls_client_options){.unverified = true});
    struct pair p;

    side_open(&p.server, server, NULL, NULL);
    side_open(&p.client, client, name, NULL);
    if (algorithms != NULL)
        assert_int_equal(SSL_set1_sigalgs_list(p.client.ssl, algorithms), 1);
    if (ciphers != NULL) {
        assert_int_equal(SSL_set_cipher_list(p.client.ssl, ciphers), 1);
        assert_int_equal(SSL_set_max_proto_version(p.client.ssl, TLS1_2_VERSION), 1);
    }
    pair_run(&p);
    if (cn == NULL)
        assert_failed(&p.server, WEIR_TLS_FAILED_CIPHER, "in common");
    else {
        assert_agreed(&p);
        assert_got(&p, cn);
    }
    pair_close(&p);
    weir_tls_close(client);
}

static int by_support(void *arg)
{
    static const char ecdsa[] = "ECDSA+SHA256", rsa[] = "RSA-PSS+SHA256:RSA+SHA256",
                      rsa_first[] = "RSA-PSS+SHA256:RSA+SHA256:ECDSA+SHA256";
    struct certificate *list[] = {
        make("rsa", "both.test, rsa.test", CERTIFICATE_RSA),
        make("ecdsa", "both.test", CERTIFICATE_ECDSA),
        make("ed", "ed.test", CERTIFICATE_ED25519),
        make("p384", "big.test", CERTIFICATE_ECDSA_384),
    };
    weir_tls *server = open_many(list, 4);

    (void)arg;
    supports(server, "both.test", NULL, NULL, "ecdsa");
    supports(server, "both.test", ecdsa, NULL, "ecdsa");
    supports(server, "both.test", rsa, NULL, "rsa");
    supports(server, "both.test", rsa_first, NULL, "ecdsa"); /* the server prefers it */
    supports(server, "both.test", NULL, "ECDHE-RSA-AES128-GCM-SHA256", "rsa");
    supports(server, "both.test", NULL, "ECDHE-ECDSA-AES128-GCM-SHA256", "ecdsa");
    supports(server, "127.0.0.1", ecdsa, NULL, "ecdsa"); /* for the same name as the first */
    supports(server, "rsa.test", ecdsa, NULL, NULL);
    supports(server, "big.test", ecdsa, NULL, NULL);
    supports(server, "big.test", "ECDSA+SHA384", NULL, "p384");
    supports(server, "ed.test", "ed25519", NULL, "ed");
    weir_tls_close(server);
    return 0;
}

static void certificates_are_chosen_by_name(void **state)
{
    (void)state;
    run_simulated(1, by_name, NULL);
}

/* The chain has a signature by ECDSA, whatever the key of the certificate. */
static int by_key(void *arg)
{
    struct certificate *authority = certificate_make(
        &(struct certificate_options){.cn = "ECDSA CA", .is_authority = true, .key = CERTIFICATE_ECDSA});
    weir_tls_certificate files[2];
    weir_tls *server;

    (void)arg;
    for (int i = 0; i < 2; i++) {
        struct certificate *c = certificate_make(
            &(struct certificate_options){.cn = i == 0 ? "ecdsa" : "rsa",
                                          .names = "both.test",
                                          .issuer = authority,
                                          .key = i == 0 ? CERTIFICATE_ECDSA : CERTIFICATE_RSA});
        files[i] = (weir_tls_certificate){certificate_file(c), certificate_key_file(c)};
    }
    server = server_open(&(weir_tls_server_options){.certificates = files, .certificate_count = 2});
    supports(server, "both.test", "RSA+SHA256:RSA-PSS+SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "rsa");
    supports(server, "both.test", "RSA-PSS+SHA256", NULL, "rsa");
    supports(server, "both.test", NULL, NULL, "ecdsa");
    weir_tls_close(server);
    return 0;
}

static void certificates_are_chosen_by_key_when_no_chain_is_supported(void **state)
{
    (void)state;
    run_simulated(1, by_key, NULL);
}

static void certificates_are_chosen_by_support(void **state)
{
    (void)state;
    run_simulated(1, by_support, NULL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates_are_chosen_by_name),
        cmocka_unit_test(certificates_are_chosen_by_support),
        cmocka_unit_test(certificates_are_chosen_by_key_when_no_chain_is_supported),
    };

    return cmocka_run_group_tests(tests, certificates_begin, certificates_end);
}
