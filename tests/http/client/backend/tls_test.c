/* SPDX-License-Identifier: MIT */
/* Backends whose instances speak TLS. */
#include "cluster.h"

#include <weir/resolver.h>

#include "../tls_rig.h"

/* Two servers; each has a certificate of its own. Too large for the stack of a task. */
struct pair {
    struct world servers[2];
    char urls[2][160];
    const char *url_texts[2];
    struct cluster c; /* the backend, and the client that asks it */
};

static int serve_instance(struct backend *b, weir_stream *s, int number)
{
    return weir_stream_start_tls(s, ((struct world *)b->arg)->server_tls, NULL) == 0 ? serve_ok(b, s, number)
                                                                                     : 0;
}

/* An expired certificate, else a good one. */
static struct certificate *certificate_that(bool expired, const char *names)
{
    return certificate_make(&(struct certificate_options){.cn = "orders",
                                                          .names = names,
                                                          .issuer = certificate_of_authority(),
                                                          .from_s = expired ? -7200 : 0,
                                                          .until_s = expired ? -3600 : 0});
}

/* host: that the URLs have; NULL: the address. Each server has another port. */
static void pair_open(struct pair *p, const char *host, const struct certificate *first,
                      const struct certificate *second, const weir_backend_options *options)
{
    const struct certificate *certificates[] = {first, second};
    weir_backend_options filled = *options;

    memset(p, 0, sizeof *p);
    for (int i = 0; i < 2; i++) {
        struct world *w = &p->servers[i];
        const char *address;

        w->server_tls = tls_of(certificates[i], NULL);
        backend_open(&w->backend, serve_instance, w);
        address = weir_listener_address(w->backend.listener);
        (void)snprintf(p->urls[i], sizeof p->urls[i], "https://%s%s", host != NULL ? host : "",
                       host != NULL ? strrchr(address, ':') : address);
        p->url_texts[i] = p->urls[i];
    }
    p->servers[0].client_tls = tls_that_trusts();
    filled.name = "orders";
    filled.urls = p->url_texts;
    filled.url_count = 2;
    filled.tls = p->servers[0].client_tls;
    assert_int_equal(weir_backend_open(&filled, &p->c.backend), 0);
    p->c.client = client_open(NULL);
}

static void pair_close(struct pair *p)
{
    weir_backend_close(p->c.backend);
    weir_client_close(p->c.client);
    for (int i = 1; i >= 0; i--) {
        backend_close(&p->servers[i].backend);
        weir_tls_close(p->servers[i].server_tls);
    }
    weir_tls_close(p->servers[0].client_tls);
}

/* --- requests --- */

static int both_asked(void *arg)
{
    static const weir_backend_options options = {.balance = WEIR_BALANCE_ROUND_ROBIN,
                                                 .host = "shop.example.com"};
    static struct pair p;

    (void)arg;
    pair_open(&p, NULL, certificate_of_server(), certificate_of_server(), &options);
    for (int i = 0; i < 8; i++)
        assert_int_equal(ask(&p.c, "/a", NULL), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(p.servers[i].backend.requests, 4);
        assert_int_equal(p.servers[i].backend.connections, 1);
        /* What Host says is not what certificates are checked for. */
        assert_non_null(strstr(p.servers[i].backend.request, "\r\nhost: shop.example.com\r\n"));
    }
    assert_int_equal(see().instances[0].failures + see().instances[1].failures, 0);
    assert_at_rest(&p.c);
    pair_close(&p);
    return 0;
}

static void instances_are_asked_by_tls(void **state)
{
    (void)state;
    run_on_plain_transports(both_asked, NULL);
}

static int names_are_checked(void *arg)
{
    static const weir_backend_options options = {.balance = WEIR_BALANCE_ROUND_ROBIN, .host = "db.internal"};
    const weir_simulated_name orders = {
        .name = "orders.internal", .addresses = "127.0.0.1", .ttl = weir_seconds(30)};
    int failed = 0;
    static struct pair p;

    (void)arg;
    assert_int_equal(weir_resolver_simulate(&orders), 0);
    pair_open(&p, "orders.internal", certificate_that(false, "orders.internal"), certificate_of_server(),
              &options);
    for (int i = 0; i < 6; i++)
        failed += ask(&p.c, "/", NULL) == -WEIR_ETLS;
    assert_int_equal(failed, 3); /* the second is db.internal, as Host says, but it must be orders.internal */
    assert_int_equal(p.servers[0].backend.requests, 3);
    assert_int_equal(p.servers[1].backend.requests, 0);
    pair_close(&p);
    return 0;
}

static void the_certificate_is_for_the_host_of_the_url(void **state)
{
    (void)state;
    run_simulated_plainly(1, names_are_checked, NULL);
}

static void set_name(const char *name, const char *addresses)
{
    const weir_simulated_name set = {.name = name, .addresses = addresses, .ttl = weir_seconds(5)};

    assert_int_equal(weir_resolver_simulate(&set), 0);
}

/* An address that two names have is asked for the first of them that still has it. */
static int name_leaves(void *arg)
{
    static struct world w;
    char urls[2][64];
    const char *const texts[] = {urls[0], urls[1]};
    struct cluster c;
    const char *port;

    (void)arg;
    set_name("old.internal", "127.0.0.1");
    set_name("new.internal", "127.0.0.1");
    world_open(&w, certificate_that(false, "new.internal"), serve_ok, NULL);
    port = strrchr(weir_listener_address(w.backend.listener), ':');
    (void)snprintf(urls[0], sizeof urls[0], "https://old.internal%s", port);
    (void)snprintf(urls[1], sizeof urls[1], "https://new.internal%s", port);
    assert_int_equal(
        weir_backend_open(
            &(weir_backend_options){
                .name = "orders", .urls = texts, .url_count = 2, .tls = w.client_tls, .eject.after = -1},
            &c.backend),
        0);
    c.client = w.client;
    assert_int_equal(ask(&c, "/", NULL), -WEIR_ETLS);
    assert_int_equal(see().stats.instance_count, 1);
    set_name("old.internal", "127.0.0.9");
    assert_int_equal(weir_sleep(weir_seconds(20)), 0);
    assert_int_equal(see().stats.instance_count, 2);
    while (w.backend.requests == 0) /* the other one refuses connections */
        (void)ask(&c, "/", NULL);
    assert_non_null(strstr(w.backend.request, "\r\nhost: new.internal:"));
    weir_backend_close(c.backend);
    world_close(&w);
    return 0;
}

static void a_name_that_leaves_is_not_asked_for(void **state)
{
    (void)state;
    run_simulated_plainly(1, name_leaves, NULL);
}

/* --- an instance that fails --- */

static int expired_seen(void *arg)
{
    static const weir_backend_options options = {.balance = WEIR_BALANCE_ROUND_ROBIN,
                                                 .eject = {.after = 3, .period = {INT64_C(60000000000)}}};
    static struct pair p;
    int expired, failed = 0;

    (void)arg;
    pair_open(&p, NULL, certificate_of_server(), certificate_that(true, "127.0.0.1"), &options);
    for (int i = 0; i < 20; i++)
        failed += ask(&p.c, "/", NULL) == -WEIR_ETLS;
    assert_int_equal(failed, 3);
    expired = see().instances[0].failures == 0; /* the number of the other one */
    assert_int_equal(state_of(expired), WEIR_INSTANCE_EJECTED);
    assert_int_equal(state_of(1 - expired), WEIR_INSTANCE_UP);
    assert_int_equal(see().instances[expired].failures, 3);
    assert_non_null(strstr(see().instances[expired].last_error, "certificate of 127.0.0.1 expired 20"));
    assert_null(see().instances[1 - expired].last_error);
    assert_at_rest(&p.c);
    pair_close(&p);
    return 0;
}

static void an_instance_with_an_expired_certificate_is_ejected(void **state)
{
    (void)state;
    run_on_plain_transports(expired_seen, NULL);
}

static int breaker_opens(void *arg)
{
    static const weir_backend_options options = {.eject.after = -1,
                                                 .breaker = {.failed_percent = 50, .of = 4}};
    static struct pair p;
    int opened = 0;

    (void)arg;
    pair_open(&p, NULL, certificate_that(true, "127.0.0.1"), certificate_that(true, "127.0.0.1"), &options);
    for (int i = 0; i < 10; i++)
        opened += ask(&p.c, "/", NULL) == -WEIR_EOPEN;
    assert_int_equal(opened, 6);
    pair_close(&p);
    return 0;
}

static void handshakes_that_fail_open_the_breaker(void **state)
{
    (void)state;
    run_simulated_plainly(1, breaker_opens, NULL);
}

/* --- health checks --- */

static int checked(void *arg)
{
    static const weir_backend_options options = {
        .host = "shop.example.com",
        .health = {.path = "/healthz", .every = {20000000}, .timeout = {INT64_C(60000000000)}, .failed = 2}};
    const char *words;
    static struct pair p;
    int down;

    (void)arg;
    pair_open(&p, NULL, certificate_of_server(), certificate_that(true, "127.0.0.1"), &options);
    while (state_of(0) != WEIR_INSTANCE_DOWN && state_of(1) != WEIR_INSTANCE_DOWN)
        assert_int_equal(weir_sleep(weir_ms(10)), 0);
    down = state_of(1) == WEIR_INSTANCE_DOWN;
    words = see().instances[down].last_check;
    assert_non_null(words);
    assert_non_null(strstr(words, "certificate of 127.0.0.1 expired 20"));
    assert_null(see().instances[1 - down].last_check);
    while (p.servers[0].backend.requests == 0)
        assert_int_equal(weir_sleep(weir_ms(10)), 0);
    assert_non_null(strstr(p.servers[0].backend.request, "GET /healthz "));
    assert_non_null(strstr(p.servers[0].backend.request, "\r\nhost: shop.example.com\r\n"));
    assert_int_equal(p.servers[1].backend.requests, 0);
    for (int i = 0; i < 6; i++)
        assert_int_equal(ask(&p.c, "/", NULL), 0);
    pair_close(&p);
    return 0;
}

static void health_is_checked_by_tls(void **state)
{
    (void)state;
    run_on_plain_transports(checked, NULL);
}

/* --- options --- */

static int contexts_compared(void *arg)
{
    static const char *const urls[] = {"https://127.0.0.1:1"};
    weir_backend_options options = {.name = "a", .urls = urls, .url_count = 1};
    weir_tls *first = tls_that_trusts(), *second = tls_that_trusts();
    weir_tls *server = tls_of(certificate_of_server(), NULL);
    weir_backend *a, *b;

    (void)arg;
    options.tls = server;
    assert_int_equal(weir_backend_open(&options, &a), -EINVAL);
    options.tls = first;
    assert_int_equal(weir_backend_open(&options, &a), 0);
    assert_int_equal(weir_backend_open(&options, &b), 0);
    weir_backend_close(b);
    options.tls = second;
    assert_int_equal(weir_backend_open(&options, &b), -WEIR_ECONFIG);
    options.tls = NULL;
    assert_int_equal(weir_backend_open(&options, &b), -WEIR_ECONFIG);
    weir_tls_close(first); /* the backend holds it */
    weir_tls_close(second);
    weir_tls_close(server);
    weir_backend_close(a);
    return 0;
}

static void a_backend_has_one_context(void **state)
{
    (void)state;
    run_simulated(1, contexts_compared, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instances_are_asked_by_tls),
        cmocka_unit_test(the_certificate_is_for_the_host_of_the_url),
        cmocka_unit_test(a_name_that_leaves_is_not_asked_for),
        cmocka_unit_test(an_instance_with_an_expired_certificate_is_ejected),
        cmocka_unit_test(handshakes_that_fail_open_the_breaker),
        cmocka_unit_test(health_is_checked_by_tls),
        cmocka_unit_test(a_backend_has_one_context),
    };

    return cmocka_run_group_tests(tests, certificates_begin, certificates_end);
}
