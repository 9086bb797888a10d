/* SPDX-License-Identifier: MIT */
/* Contexts: opening, holding and closing, and what is agreed between two of them. */
#include "support/certificates.h"
#include "support/run.h"
#include "support/torture.h"
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

/* --- left open --- */

static char said[1024];

static void hear(void *arg, enum weir_log_level level, const char *line, size_t length)
{
    (void)arg, (void)level, (void)length;
    (void)strncat(said, line, sizeof said - strlen(said) - 1);
}

static int leave_open(void *arg)
{
    (void)arg;
    (void)weir_tls_hold(server_of(certificate_of_server()));
    return 0;
}

static void a_context_left_open_is_told_and_freed(void **state)
{
    (void)state;
    assert_int_equal(weir_run(&(weir_options){.log_sink = hear}, leave_open, NULL), 0);
    assert_non_null(strstr(said, "TLS context left open at the end of weir_run()"));
}

/* --- cancels --- */

static int open_cancelled(void *arg)
{
    weir_tls *tls = NULL;
    int err = weir_tls_client_open(&(weir_tls_client_options){.ca = arg}, NULL, &tls);

    weir_tls_close(tls);
    return err;
}

static int open_world(struct torture *t)
{
    return torture_victim(t, open_cancelled, t->arg);
}

static void opening_can_be_cancelled(void **state)
{
    (void)state;
    (void)torture(open_world, (void *)(uintptr_t)certificate_file(certificate_of_authority()));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_contexts_agree),
        cmocka_unit_test(a_context_left_open_is_told_and_freed),
        cmocka_unit_test(opening_can_be_cancelled),
    };

    return cmocka_run_group_tests(tests, certificates_begin, certificates_end);
}
