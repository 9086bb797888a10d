/* SPDX-License-Identifier: MIT */
/* Without memory, at each allocation: opening a context and making a connection fail with -ENOMEM, or
 * succeed, and what was made before is freed properly. */
#include "support/starve.h"

#include "tls/context/open.h"
#include "tls/context/recheck.h"
#include "tls/pair.h"

enum { STEP = 23 }; /* of some thousand allocations */

static weir_tls_certificate own;
static const char *ca;

static weir_runtime *runtime;
static weir_tls *server, *client;
static struct weir__tls_fault fault;

static int open_both(void)
{
    weir_tls_server_options of_server = {.certificates = &own, .certificate_count = 1, .client_ca = ca};
    weir_tls_client_options of_client = {
        .ca = ca, .server_name = "db.internal", .cert = own.cert, .key = own.key};
    int err = weir__tls_server_make(runtime, &of_server, NULL, &server, &fault);

    return err < 0 ? err : weir__tls_client_make(runtime, &of_client, NULL, &client, &fault);
}

static void close_both(void)
{
    weir_tls_close(server);
    weir_tls_close(client);
    server = client = NULL;
}

/* Once with memory, so that what OpenSSL keeps for ever is there. */
static void warm_up(void)
{
    SSL *ssl;

    assert_int_equal(open_both(), 0);
    assert_int_equal(weir__tls_connection(client, NULL, NULL, &ssl), 0);
    SSL_free(ssl);
}

static int opening(weir_job *job, void *arg)
{
    bool failed = true;

    (void)job, (void)arg;
    warm_up();
    close_both();
    for (long n = 0; failed; n += n < 50 ? 1 : STEP) {
        int err;

        starve_after(n);
        err = open_both();
        failed = starve_end();
        if (err != 0 && err != -ENOMEM)
            fail_msg("at allocation %ld: %s", n, fault.text);
        assert_true(failed || err == 0);
        close_both();
    }
    return 0;
}

static int connecting(weir_job *job, void *arg)
{
    bool failed = true;

    (void)job, (void)arg;
    warm_up();
    for (long n = 0; failed; n++)
        for (int side = 0; side < 2; side++) {
            SSL *ssl = NULL;
            int err;

            starve_after(n);
            err = weir__tls_connection(side == 0 ? server : client, NULL, NULL, &ssl);
            failed = starve_end();
            if (err != 0)
                assert_int_equal(err, -ENOMEM);
            assert_true(failed || err == 0);
            if (err == 0)
                SSL_free(ssl);
        }
    close_both();
    return 0;
}

/* A change of files that there was no memory for is made by the next look. */
static int renewing(weir_job *job, void *arg)
{
    struct certificate *made[2];
    bool failed = true;

    (void)arg;
    for (int i = 0; i < 2; i++)
        made[i] = certificate_make(
            &(struct certificate_options){.cn = "other", .issuer = certificate_of_authority()});
    warm_up();
    for (long n = 0; failed; n += n < 50 ? 1 : STEP) {
        certificate_put(made[n % 2], own.cert);
        certificate_put_key(made[n % 2], own.key);
        starve_after(n);
        (void)weir__tls_look_again(job, server);
        failed = starve_end();
        (void)weir__tls_look_again(job, server);
        assert_int_equal(X509_cmp(server->content->certificates[0]->leaf, made[n % 2]->x509), 0);
    }
    close_both();
    return 0;
}

/* Under simulation a job runs on the thread that starves; and only there, since the simulation needs memory
 * itself. */
static int in_job(void *arg)
{
    int (**fn)(weir_job * job, void *arg) = arg;

    runtime = weir_runtime_here();
    return weir_offload(weir_pool_blocking(), "starve", *fn, NULL);
}

static void starve(int (*fn)(weir_job *job, void *arg))
{
    if (STARVE_WORKS)
        run_simulated(1, in_job, &fn);
}

static void contexts_open_without_memory(void **state)
{
    (void)state;
    starve(opening);
}

static void connections_are_made_without_memory(void **state)
{
    (void)state;
    starve(connecting);
}

static void files_change_without_memory(void **state)
{
    (void)state;
    starve(renewing);
}

static int make_files(void **state)
{
    int err = certificates_begin(state);

    own = (weir_tls_certificate){certificate_file(certificate_of_server()),
                                 certificate_key_file(certificate_of_server())};
    ca = certificate_file(certificate_of_authority());
    return err;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(contexts_open_without_memory),
        cmocka_unit_test(connections_are_made_without_memory),
        cmocka_unit_test(files_change_without_memory),
    };

    return cmocka_run_group_tests(tests, make_files, certificates_end);
}
