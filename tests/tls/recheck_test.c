/* SPDX-License-Identifier: MIT */
/* Files that change under an open context: what is valid is used by new connections, what is not is not. */
#include <stdlib.h>
#include <unistd.h>

#include "tls/context/context_record.h"
#include "tls/pair.h"

static char said[4096];

static void hear(void *arg, enum weir_log_level level, const char *line, size_t length)
{
    (void)arg, (void)level, (void)length;
    (void)strncat(said, line, sizeof said - strlen(said) - 1);
}

static int times_said(const char *words)
{
    int count = 0;

    for (const char *at = said; (at = strstr(at, words)) != NULL; at++)
        count++;
    return count;
}

/* The common name that a server shows. */
static void shows(weir_tls *server, const char *cn)
{
    weir_tls *client = client_open(&(weir_tls_client_options){.unverified = true});
    struct pair p;

    pair_open(&p, server, client, "db.internal");
    assert_agreed(&p);
    assert_got(&p, cn);
    pair_close(&p);
    weir_tls_close(client);
}

/* As after some seconds in which a connection came. */
static void look_again(weir_tls *server)
{
    SSL *ssl;

    assert_int_equal(weir_sleep(weir_seconds(11)), 0);
    assert_int_equal(weir__tls_connection(server, NULL, NULL, &ssl), 0);
    SSL_free(ssl);
    assert_int_equal(weir_sleep(weir_seconds(1)), 0);
}

static struct certificate *named(const char *cn)
{
    return certificate_make(&(struct certificate_options){
        .cn = cn, .names = "db.internal", .issuer = certificate_of_authority()});
}

static void note_failed(void *arg, const weir_tls_certificate_info *info)
{
    (void)snprintf(arg, 256, "%s", info->failed != NULL ? info->failed : "");
}

static const char *failed_of(weir_tls *tls)
{
    static char failed[256];

    weir_tls_certificates_each(tls, note_failed, failed);
    return failed;
}

static int renewals(void *arg)
{
    struct certificate *one = named("one"), *two = named("two"), *three = named("three");
    weir_tls_certificate own = {certificate_file(one), certificate_key_file(one)};
    weir_tls *server = server_open(&(weir_tls_server_options){.certificates = &own, .certificate_count = 1});
    weir_tls *client;
    struct pair p;
    SSL *before;

    (void)arg;
    said[0] = '\0';
    shows(server, "one");
    assert_int_equal(weir__tls_connection(server, NULL, NULL, &before), 0);
    certificate_put(two, own.cert); /* the key is still that of the other */
    shows(server, "one");           /* nothing was looked at yet */
    look_again(server);
    shows(server, "one");
    assert_non_null(strstr(failed_of(server), "does not fit the certificate"));
    look_again(server);
    assert_int_equal(times_said("does not fit the certificate"), 1); /* once for the change */
    certificate_put_key(two, own.key);
    look_again(server);
    shows(server, "two");
    assert_string_equal(failed_of(server), "");
    certificates_put_text(own.cert, "garbage");
    look_again(server);
    shows(server, "two");
    assert_non_null(strstr(failed_of(server), "holds no certificate"));
    (void)unlink(own.cert);
    look_again(server);
    shows(server, "two");
    assert_non_null(strstr(failed_of(server), "no such file"));
    certificate_put(three, own.cert);
    certificate_put_key(three, own.key);
    look_again(server);
    shows(server, "three");
    /* A connection that began before goes on with what there was. */
    client = client_open(&(weir_tls_client_options){.unverified = true});
    p.server = (struct side){.tls = server, .ssl = before};
    SSL_set_bio(before, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    BIO_set_mem_eof_return(SSL_get_rbio(before), -1);
    side_open(&p.client, client, "db.internal", NULL);
    pair_run(&p);
    assert_agreed(&p);
    assert_got(&p, "one");
    pair_close(&p);
    weir_tls_close(client);
    weir_tls_close(server);
    return 0;
}

static int expired_later(void *arg)
{
    struct certificate *one = named("one");
    struct certificate *old = certificate_make(&(struct certificate_options){
        .cn = "old", .names = "db.internal", .from_s = -900000, .until_s = -90000});
    weir_tls_certificate own = {certificate_file(one), certificate_key_file(one)};
    weir_tls *server = server_open(&(weir_tls_server_options){.certificates = &own, .certificate_count = 1});

    (void)arg;
    said[0] = '\0';
    certificate_put(old, own.cert);
    certificate_put_key(old, own.key);
    look_again(server);
    look_again(server);
    shows(server, "one");
    assert_non_null(strstr(failed_of(server), " expired "));
    assert_int_equal(times_said(" expired "), 1);
    weir_tls_close(server);
    return 0;
}

/* One of two certificates, and the authorities, change by themselves. */
static int one_of_many(void *arg)
{
    struct certificate *one = named("one"), *two = named("two");
    struct certificate *other_ca =
        certificate_make(&(struct certificate_options){.cn = "Other CA", .is_authority = true});
    struct certificate *other =
        certificate_make(&(struct certificate_options){.cn = "other", .issuer = other_ca});
    const char *ca = certificate_file(certificate_of_authority());
    weir_tls_certificate own[] = {
        {certificate_file(one), certificate_key_file(one)},
        {certificate_file(certificate_of_server()), certificate_key_file(certificate_of_server())}};
    weir_tls *server =
        server_open(&(weir_tls_server_options){.certificates = own, .certificate_count = 2, .client_ca = ca});
    weir_tls *client = client_open(&(weir_tls_client_options){
        .unverified = true, .cert = certificate_file(other), .key = certificate_key_file(other)});
    struct pair p;

    (void)arg;
    pair_open(&p, server, client, "db.internal");
    assert_failed(&p.server, WEIR_TLS_FAILED_AUTHORITY, "Other");
    pair_close(&p);
    certificate_put(two, own[0].cert);
    certificate_put_key(two, own[0].key);
    certificate_put(other_ca, ca);
    look_again(server);
    pair_open(&p, server, client, "db.internal");
    assert_agreed(&p);
    assert_got(&p, "two");
    pair_close(&p);
    certificates_put_text(ca, "");
    look_again(server);
    pair_open(&p, server, client, "db.internal");
    assert_agreed(&p);
    pair_close(&p);
    weir_tls_close(client);
    weir_tls_close(server);
    return 0;
}

/* A client whose authority is no longer believed does not get in by a session of before. */
static int sessions_end(void *arg)
{
    struct certificate *other_ca =
        certificate_make(&(struct certificate_options){.cn = "Other CA", .is_authority = true});
    weir_tls_certificate own = {certificate_file(certificate_of_server()),
                                certificate_key_file(certificate_of_server())};
    const char *ca = certificate_file(certificate_of_authority());
    weir_tls *server = server_open(
        &(weir_tls_server_options){.certificates = &own, .certificate_count = 1, .client_ca = ca});
    weir_tls *client =
        client_open(&(weir_tls_client_options){.unverified = true,
                                               .cert = certificate_file(certificate_of_client()),
                                               .key = certificate_key_file(certificate_of_client())});
    struct pair p;

    (void)arg;
    for (int i = 0; i < 2; i++) {
        pair_open(&p, server, client, "db.internal");
        assert_agreed(&p);
        assert_int_equal(SSL_session_reused(p.server.ssl), i);
        pair_close(&p);
    }
    certificate_put(other_ca, ca);
    look_again(server);
    pair_open(&p, server, client, "db.internal");
    assert_failed(&p.server, WEIR_TLS_FAILED_AUTHORITY,
                  "CN=billing is signed by an unknown authority CN=Test CA");
    pair_close(&p);
    weir_tls_close(client);
    weir_tls_close(server);
    return 0;
}

/* --- after a quiet time --- */

struct connecting {
    weir_listener *listener;
    weir_tls *client;
};

static int accept_one(void *arg)
{
    const struct connecting *c = arg;
    weir_stream *stream;
    int err = weir_accept(c->listener, &stream);

    if (err < 0)
        return err;
    err = weir_stream_handshake(stream);
    weir_stream_close(stream);
    return err;
}

/* The subject that a client is shown by a listener. */
static void listener_shows(struct connecting *c, const char *subject)
{
    weir_tls_info info;
    weir_stream *stream;
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "accept", accept_one, c), 0);
    assert_int_equal(weir_connect(weir_listener_address(c->listener), &stream), 0);
    assert_int_equal(weir_stream_start_tls(stream, c->client, "db.internal"), 0);
    assert_int_equal(weir_stream_tls_info(stream, &info), 0);
    assert_string_equal(info.peer, subject);
    weir_stream_close(stream);
    assert_int_equal(weir_scope_close(&scope), 0);
}

static void connecting_open(struct connecting *c, weir_tls *server)
{
    c->client = client_open(&(weir_tls_client_options){.unverified = true});
    assert_int_equal(
        weir_listener_open(&(weir_listener_options){.address = "127.0.0.1:0", .tls = server}, &c->listener),
        0);
}

static int quiet(void *arg)
{
    struct certificate *one = named("one"), *two = named("two");
    weir_tls_certificate own = {certificate_file(one), certificate_key_file(one)};
    weir_tls *server = server_open(&(weir_tls_server_options){.certificates = &own, .certificate_count = 1});
    struct connecting c;

    (void)arg;
    connecting_open(&c, server);
    listener_shows(&c, "CN=one");
    certificate_put(two, own.cert);
    certificate_put_key(two, own.key);
    assert_int_equal(weir_sleep(weir_seconds(3600)), 0);
    weir_tls_close(c.client); /* and its session */
    c.client = client_open(&(weir_tls_client_options){.unverified = true});
    listener_shows(&c, "CN=two");
    weir_listener_close(c.listener);
    weir_tls_close(c.client);
    weir_tls_close(server);
    return 0;
}

/* A period that never ends. */
static int never(void *arg)
{
    struct certificate *one = named("one");
    weir_tls_certificate own = {certificate_file(one), certificate_key_file(one)};
    weir_tls *server = server_open(
        &(weir_tls_server_options){.certificates = &own, .certificate_count = 1, .recheck.ns = INT64_MAX});
    struct connecting c;

    (void)arg;
    connecting_open(&c, server);
    listener_shows(&c, "CN=one");
    weir_listener_close(c.listener);
    weir_tls_close(c.client);
    weir_tls_close(server);
    return 0;
}

static void run_listening(int (*fn)(void *arg))
{
    for (uint64_t seed = seed_first(); seed <= seed_last(5); seed++)
        assert_int_equal(
            weir_run(&(weir_options){.io = WEIR_IO_SIM, .seed = seed, .log_sink = hear}, fn, NULL), 0);
}

#define LISTENING(name, fn)                                                                                  \
    static void name(void **state)                                                                           \
    {                                                                                                        \
        (void)state;                                                                                         \
        run_listening(fn);                                                                                   \
    }
LISTENING(changed_files_are_used_if_they_are_valid, renewals)
LISTENING(expired_files_are_not_used, expired_later)
LISTENING(files_change_by_themselves, one_of_many)
LISTENING(sessions_end_with_the_authority, sessions_end)
LISTENING(the_first_after_a_quiet_time_waits_for_a_look, quiet)
LISTENING(files_may_be_looked_at_never_again, never)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(changed_files_are_used_if_they_are_valid),
        cmocka_unit_test(expired_files_are_not_used),
        cmocka_unit_test(files_change_by_themselves),
        cmocka_unit_test(sessions_end_with_the_authority),
        cmocka_unit_test(the_first_after_a_quiet_time_waits_for_a_look),
        cmocka_unit_test(files_may_be_looked_at_never_again),
    };

    return cmocka_run_group_tests(tests, certificates_begin, certificates_end);
}
