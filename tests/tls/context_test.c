/* SPDX-License-Identifier: MIT */
/* Contexts: opening, holding and closing, and what is agreed between two of them. */
#include "support/certificates.h"
#include "support/run.h"
#include "tls/pair.h"

static int agree(void *arg)
{
    weir_tls_certificate own = {certificate_file(certificate_of_server()),
                                certificate_key_file(certificate_of_server())};
    weir_tls_server_options server = {.certificates = &own, .certificate_count = 1};
    weir_tls_client_options client = {.ca = certificate_file(certificate_of_authority())};
    const char *why;
    weir_tls *s, *c;
    struct pair p;

    (void)arg;
    assert_int_equal(weir_tls_server_open(&server, &why, &s), 0);
    assert_null(why);
    assert_int_equal(weir_tls_client_open(&client, &why, &c), 0);
    assert_null(why);
    pair_open(&p, s, c, "db.internal");
    assert_agreed(&p);
    assert_int_equal(SSL_version(p.client.ssl), TLS1_3_VERSION);
    assert_string_equal(SSL_get_cipher(p.client.ssl), "TLS_AES_128_GCM_SHA256");
    pair_close(&p);
    weir_tls_close(s);
    weir_tls_close(c);
    return 0;
}

static void two_contexts_agree(void **state)
{
    (void)state;
    run_everywhere(agree, NULL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(two_contexts_agree)};

    return cmocka_run_group_tests(tests, certificates_begin, certificates_end);
}
