/* SPDX-License-Identifier: MIT */
/* Sessions: resumed by tickets, across hours, other contexts and files that change; kept by clients. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/shared.h"
#include "tls/pair.h"
#include "tls/context/sessions.h"
#include "tls/context/tickets.h"

static int resumed(weir_tls *server, weir_tls *client, const char *host, const char *key)
{
    struct pair p;
    int was;

    side_open(&p.server, server, NULL, NULL);
    side_open(&p.client, client, host, key);
    pair_run(&p);
    assert_agreed(&p);
    was = SSL_session_reused(p.client.ssl);
    assert_int_equal(SSL_session_reused(p.server.ssl), was);
    pair_close(&p);
    return was;
}

static int hours(void *arg)
{
    weir_tls *server = server_of(certificate_of_server()), *client = client_of(certificate_of_authority());
    weir_tls_stats stats;

    (void)arg;
    assert_false(resumed(server, client, "db.internal", NULL));
    assert_true(resumed(server, client, "db.internal", NULL));
    for (int i = 0; i < 5; i++) { /* keys change in between; the two before are accepted */
        assert_int_equal(weir_sleep(weir_seconds(3600)), 0);
        assert_true(resumed(server, client, "db.internal", NULL));
    }
    assert_int_equal(weir_sleep(weir_seconds(2 * 3600 - 1)), 0);
    assert_true(resumed(server, client, "db.internal", NULL));
    assert_int_equal(weir_sleep(weir_seconds(3 * 3600)), 0);
    assert_false(resumed(server, client, "db.internal", NULL));
    weir_tls_stats_get(server, &stats);
    assert_int_equal(stats.handshakes, 9);
    assert_int_equal(stats.resumed, 7);
    weir_tls_close(server);
    weir_tls_close(client);
    return 0;
}

static int servers(void *arg)
{
    weir_tls *server = server_of(certificate_of_server()), *client = client_of(certificate_of_authority());

    (void)arg;
    assert_false(resumed(server, client, "db.internal", "db.internal:443"));
    assert_false(resumed(server, client, "db.internal", "db.internal:444"));
    assert_false(resumed(server, client, "localhost", "db.internal:443")); /* was checked for another name */
    assert_true(resumed(server, client, "db.internal", "db.internal:443"));
    assert_true(resumed(server, client, "localhost", "db.internal:443"));
    weir_tls_close(server);
    weir_tls_close(client);
    return 0;
}

/* Tickets are good for another context of the same files, but not where clients are verified. */
static int contexts(void *arg)
{
    weir_tls_certificate own = {certificate_file(certificate_of_server()),
                                certificate_key_file(certificate_of_server())};
    weir_tls_server_options options = {.certificates = &own, .certificate_count = 1};
    const char *ca = certificate_file(certificate_of_authority());
    weir_tls *first = server_open(&options), *second = server_open(&options), *third, *other;
    weir_tls *client =
        client_open(&(weir_tls_client_options){.ca = ca,
                                               .cert = certificate_file(certificate_of_client()),
                                               .key = certificate_key_file(certificate_of_client())});

    (void)arg;
    assert_false(resumed(first, client, "db.internal", NULL));
    assert_true(resumed(second, client, "db.internal", NULL));
    weir_tls_close(first);
    certificate_put(certificate_of_server(), own.cert); /* renewed */
    third = server_open(&options);
    weir_tls_close(second);
    assert_true(resumed(third, client, "db.internal", NULL));
    options.client_ca = ca;
    other = server_open(&options);
    assert_false(resumed(other, client, "db.internal", NULL));
    assert_true(resumed(other, client, "db.internal", NULL));
    assert_false(resumed(third, client, "db.internal", NULL));
    weir_tls_close(third);
    weir_tls_close(other);
    weir_tls_close(client);
    return 0;
}

/* --- processes --- */

static SSL_SESSION *kept; /* of a client, from one process to another */
static weir_tls_certificate of_all;

static weir_tls *server_of_all(void)
{
    return server_open(&(weir_tls_server_options){.certificates = &of_all, .certificate_count = 1});
}

/* What one process begins another resumes, after it was started anew for the same files. */
static int begin_session(void *arg)
{
    weir_tls *server = server_of_all(), *client = client_of(certificate_of_authority());
    struct pair p;

    (void)arg;
    pair_open(&p, server, client, "db.internal");
    assert_agreed(&p);
    kept = SSL_get1_session(p.client.ssl);
    pair_close(&p);
    weir_tls_close(server);
    weir_tls_close(client);
    return 0;
}

static int resume_session(void *arg)
{
    weir_tls *server = server_of_all(), *client = client_of(certificate_of_authority());
    SSL_SESSION *once = SSL_SESSION_dup(kept); /* one of TLS 1.3 is used once */
    struct pair p;

    side_open(&p.server, server, NULL, NULL);
    side_open(&p.client, client, "db.internal", NULL);
    assert_int_equal(SSL_set_session(p.client.ssl, once), 1);
    SSL_SESSION_free(once);
    pair_run(&p);
    assert_agreed(&p);
    assert_int_equal(SSL_session_reused(p.server.ssl), *(bool *)arg);
    pair_close(&p);
    weir_tls_close(server);
    weir_tls_close(client);
    return 0;
}

static void run_member(int fd, int member, int (*fn)(void *arg), void *arg)
{
    weir_options options = {.io = WEIR_IO_SIM, .seed = 1};

    if (fd >= 0)
        assert_int_equal(weir_shared_open(fd, member, &options.shared), 0);
    assert_int_equal(weir_run(&options, fn, arg), 0);
    weir_shared_close(options.shared);
}

/* One that dies as it writes a key leaves the first words of it behind. */
static void leave_half_written(int fd)
{
    struct weir__ticket_keys *keys;
    weir_shared *memory;
    char *files;

    assert_true(asprintf(&files, "%s\n\n", of_all.cert) > 0);
    assert_int_equal(weir_shared_open(fd, 2, &memory), 0);
    assert_int_equal(weir__ticket_keys_open(files, memory, &keys), 0);
    assert_int_equal(keys->store->count, 1);
    keys->store->changes = true;
    weir__ticket_keys_close(keys);
    weir_shared_close(memory);
    free(files);
}

static void tickets_are_good_in_other_processes(void **state)
{
    bool yes = true, no = false;
    int fd;

    (void)state;
    of_all = (weir_tls_certificate){certificate_file(certificate_of_server()),
                                    certificate_key_file(certificate_of_server())};
    assert_int_equal(weir_shared_make(1 << 16, &fd), 0);
    run_member(fd, 0, begin_session, NULL);
    run_member(fd, 1, resume_session, &yes);
    run_member(fd, 0, resume_session, &yes);
    run_member(-1, 0, resume_session, &no); /* one of its own */
    leave_half_written(fd);
    run_member(fd, 1, resume_session, &no);
    SSL_SESSION_free(kept);
    run_member(fd, 0, begin_session, NULL);
    run_member(fd, 1, resume_session, &yes);
    SSL_SESSION_free(kept);
    (void)close(fd);
}

/* A process that takes the lock of the memory and stops itself with it. */
static pid_t hold_memory(int fd)
{
    weir_shared *memory;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        if (weir_shared_open(fd, 3, &memory) == 0) {
            weir__shared_enter(memory);
            (void)raise(SIGSTOP);
        }
        _exit(0);
    }
    assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
    return pid;
}

/* Tickets are then good in the process that has made them. */
static int resume_while_held(void *arg)
{
    weir_tls *server = server_of_all(); /* the keys stay */
    pid_t holder = hold_memory(*(int *)arg);
    bool yes = true;

    assert_int_equal(begin_session(NULL), 0);
    assert_int_equal(resume_session(&yes), 0);
    assert_int_equal(kill(holder, SIGKILL), 0);
    assert_int_equal(waitpid(holder, NULL, 0), holder);
    assert_int_equal(resume_session(&yes), 0);
    SSL_SESSION_free(kept);
    weir_tls_close(server);
    return 0;
}

static void a_stopped_process_does_not_hold_up_handshakes(void **state)
{
    int fd;

    (void)state;
    of_all = (weir_tls_certificate){certificate_file(certificate_of_server()),
                                    certificate_key_file(certificate_of_server())};
    assert_int_equal(weir_shared_make(1 << 16, &fd), 0);
    run_member(fd, 0, resume_while_held, &fd);
    (void)close(fd);
}

/* Then the keys are each process's own, and all else works. */
static void shared_memory_that_is_full_is_no_error(void **state)
{
    bool no = false;
    int fd;

    (void)state;
    assert_int_equal(weir_shared_make(64, &fd), 0);
    run_member(fd, 0, begin_session, NULL);
    run_member(fd, 1, resume_session, &no);
    SSL_SESSION_free(kept);
    (void)close(fd);
}

static time_t later_s;

/* In place of that of the C library, also for OpenSSL. */
time_t time(time_t *out)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL)
        *out = now.tv_sec + later_s;
    return now.tv_sec + later_s;
}

/* A client comes back again and again, beyond the end of a certificate of an hour. Closes both. */
static void come_back(weir_tls *server, weir_tls *client, bool server_tells, const char *words)
{
    struct pair p;

    assert_false(resumed(server, client, "db.internal", NULL));
    later_s = 1800;
    assert_true(resumed(server, client, "db.internal", NULL));
    later_s = 3700;
    pair_open(&p, server, client, "db.internal");
    later_s = 0;
    assert_failed(server_tells ? &p.server : &p.client, WEIR_TLS_FAILED_EXPIRED, words);
    pair_close(&p);
    weir_tls_close(server);
    weir_tls_close(client);
}

static int expired(void *arg)
{
    struct certificate *mine = certificate_make(&(struct certificate_options){
        .cn = "mine", .issuer = certificate_of_authority(), .usage = "clientAuth", .until_s = 3600});
    const char *ca = certificate_file(certificate_of_authority());
    weir_tls_certificate own = {certificate_file(certificate_of_server()),
                                certificate_key_file(certificate_of_server())};
    weir_tls *server = server_open(
        &(weir_tls_server_options){.certificates = &own, .certificate_count = 1, .client_ca = ca});
    weir_tls *client = client_open(&(weir_tls_client_options){
        .ca = ca, .cert = certificate_file(mine), .key = certificate_key_file(mine)});

    (void)arg;
    come_back(server, client, true, "client's certificate CN=mine expired");
    return 0;
}

static int expired_server(void *arg)
{
    struct certificate *shown = certificate_make(&(struct certificate_options){
        .cn = "shown", .issuer = certificate_of_authority(), .names = "db.internal", .until_s = 3600});
    weir_tls *server = server_of(shown), *client = client_of(certificate_of_authority());

    (void)arg;
    come_back(server, client, false, "certificate of db.internal expired");
    return 0;
}

/* --- the sessions of a client --- */

static SSL_SESSION *session(int version)
{
    SSL_SESSION *s = SSL_SESSION_new();
    unsigned char id[32] = {1};

    assert_non_null(s);
    assert_int_equal(SSL_SESSION_set1_id(s, id, sizeof id), 1);
    assert_int_equal(SSL_SESSION_set_protocol_version(s, version), 1);
    (void)SSL_SESSION_set_timeout(s, 3600);
    return s;
}

static bool is_kept(struct weir__sessions *sessions, const char *key)
{
    SSL_SESSION *s = weir__sessions_take(sessions, key);

    SSL_SESSION_free(s);
    return s != NULL;
}

static void sessions_are_bounded(void **state)
{
    struct weir__sessions sessions;
    char key[32];

    (void)state;
    weir__sessions_init(&sessions);
    for (int i = 0; i < WEIR__SESSION_SERVERS_MAX; i++) {
        (void)snprintf(key, sizeof key, "server %d", i);
        assert_true(weir__sessions_keep(&sessions, key, session(TLS1_2_VERSION)));
    }
    assert_true(is_kept(&sessions, "server 0")); /* used: now the other is the oldest */
    assert_true(weir__sessions_keep(&sessions, "another", session(TLS1_2_VERSION)));
    assert_true(is_kept(&sessions, "server 0"));
    assert_false(is_kept(&sessions, "server 1"));
    assert_true(is_kept(&sessions, "server 2"));
    for (int i = 0; i < 2 * WEIR__SESSIONS_OF_SERVER; i++)
        assert_true(weir__sessions_keep(&sessions, "once", session(TLS1_3_VERSION)));
    for (int i = 0; i < WEIR__SESSIONS_OF_SERVER; i++) /* of TLS 1.3 each once */
        assert_true(is_kept(&sessions, "once"));
    assert_false(is_kept(&sessions, "once"));
    assert_true(is_kept(&sessions, "another")); /* of TLS 1.2 again and again */
    assert_true(is_kept(&sessions, "another"));
    weir__sessions_free(&sessions);
}

static void sessions_expire(void **state)
{
    struct weir__sessions sessions;
    SSL_SESSION *old = session(TLS1_2_VERSION);

    (void)state;
    weir__sessions_init(&sessions);
    (void)SSL_SESSION_set_time(old, SSL_SESSION_get_time(old) - 3601);
    assert_true(weir__sessions_keep(&sessions, "old", old));
    assert_false(is_kept(&sessions, "old"));
    weir__sessions_free(&sessions);
}

TEST(tickets_last_for_two_hours, hours)
TEST(sessions_belong_to_a_server_and_a_name, servers)
TEST(tickets_outlive_a_context, contexts)
TEST(tickets_end_with_the_certificate_of_a_client, expired)
TEST(sessions_end_with_the_certificate_of_a_server, expired_server)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(tickets_last_for_two_hours),
        cmocka_unit_test(sessions_belong_to_a_server_and_a_name),
        cmocka_unit_test(tickets_outlive_a_context),
        cmocka_unit_test(tickets_are_good_in_other_processes),
        cmocka_unit_test(a_stopped_process_does_not_hold_up_handshakes),
        cmocka_unit_test(shared_memory_that_is_full_is_no_error),
        cmocka_unit_test(tickets_end_with_the_certificate_of_a_client),
        cmocka_unit_test(sessions_end_with_the_certificate_of_a_server),
        cmocka_unit_test(sessions_are_bounded),
        cmocka_unit_test(sessions_expire),
    };

    return cmocka_run_group_tests(tests, certificates_begin, certificates_end);
}
