/* SPDX-License-Identifier: MIT */
/* Requests to backends: which instance gets them, what they say, maxima, refusals, and statistics. */
#include "cluster.h"

static const weir_backend_options usual;

/* --- which instance --- */

static int spread(void *arg)
{
    struct cluster c;
    struct seen seen;

    (void)arg;
    cluster_open(&c, 3, serve_ok, &usual);
    for (int i = 0; i < 60; i++)
        assert_int_equal(ask(&c, "/", NULL), 0);
    for (int i = 0; i < 3; i++)
        assert_true(c.servers[i].requests >= 5);
    seen = see();
    assert_int_equal(seen.backends, 1);
    assert_string_equal(seen.stats.name, "orders");
    assert_int_equal(seen.stats.instance_count, 3);
    assert_int_equal(seen.stats.requests, 60);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(seen.instances[i].requests, c.servers[i].requests);
        assert_int_equal(seen.instances[i].failures, 0);
        assert_int_equal(seen.instances[i].state, WEIR_INSTANCE_UP);
        assert_null(seen.instances[i].last_error);
    }
    assert_int_equal(seen.stats.connections,
                     c.servers[0].connections + c.servers[1].connections + c.servers[2].connections);
    assert_at_rest(&c);
    cluster_close(&c);
    assert_int_equal(see().backends, 0);
    return 0;
}

/* One server is slow: it gets fewer requests, because more are in progress there. */
static int serve_by_number(struct backend *b, weir_stream *s, int number)
{
    const struct cluster *c = b->arg;
    bool slow = b == &c->servers[0];

    (void)number;
    while (read_request(b, s) > 0)
        if (weir_sleep(weir_ms(slow ? 100 : 5)) < 0 || send_text(s, OK_ANSWER) < 0)
            break;
    return 0;
}

static int keep_asking(void *arg)
{
    for (int i = 0; i < 40; i++)
        assert_int_equal(ask(arg, "/", NULL), 0);
    return 0;
}

static int least(void *arg)
{
    struct cluster c;
    weir_scope scope;

    (void)arg;
    cluster_open(&c, 3, serve_by_number, &usual);
    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < 12; i++)
        (void)weir_spawn(&scope, "asking", keep_asking, &c);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_true(c.servers[0].requests < 120); /* of 480; each would have 160 by chance alone */
    assert_true(c.servers[1].requests > 150 && c.servers[2].requests > 150);
    cluster_close(&c);
    return 0;
}

static int round_robin(void *arg)
{
    static const weir_backend_options options = {.balance = WEIR_BALANCE_ROUND_ROBIN};
    struct cluster c;

    (void)arg;
    cluster_open(&c, 3, serve_ok, &options);
    for (int i = 0; i < 30; i++)
        assert_int_equal(ask(&c, "/", NULL), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(c.servers[i].requests, 10);
    cluster_close(&c);
    return 0;
}

static int by_key(void *arg)
{
    static const weir_backend_options options = {.balance = WEIR_BALANCE_HASH};
    struct cluster c;
    int served = 0;

    (void)arg;
    cluster_open(&c, 3, serve_ok, &options);
    for (int i = 0; i < 30; i++)
        assert_int_equal(ask(&c, "/", "7"), 0);
    for (int i = 0; i < 3; i++)
        served += c.servers[i].requests > 0;
    assert_int_equal(served, 1);
    for (int i = 0; i < 30; i++)
        assert_int_equal(ask(&c, "/", NULL), 0);
    for (int i = 0; i < 3; i++)
        assert_true(c.servers[i].requests > 0);
    cluster_close(&c);
    return 0;
}

/* With one connection a request of another key takes its place, but not its instance. */
static int by_key_with_one_connection(void *arg)
{
    static const weir_backend_options options = {.balance = WEIR_BALANCE_HASH, .connections_max = 1};
    struct cluster c;
    char key[16];

    (void)arg;
    cluster_open(&c, 3, serve_ok, &options);
    for (int round = 0; round < 2; round++) {
        int before[3];
        for (int i = 0; i < 3; i++)
            before[i] = c.servers[i].requests;
        for (int i = 0; i < 20; i++) {
            (void)snprintf(key, sizeof key, "%d", i);
            assert_int_equal(ask(&c, "/", key), 0);
        }
        for (int i = 0; i < 3 && round == 1; i++)
            assert_int_equal(c.servers[i].requests, 2 * before[i]);
    }
    assert_true(c.servers[0].open + c.servers[1].open + c.servers[2].open <= 2);
    cluster_close(&c);
    return 0;
}

/* --- what is said --- */

static void assert_asked(const struct backend *b, const char *target, const char *host)
{
    char line[300];

    (void)snprintf(line, sizeof line, "GET %s HTTP/1.1\r\n", target);
    assert_memory_equal(b->request, line, strlen(line));
    (void)snprintf(line, sizeof line, "\r\nhost: %s\r\n", host);
    assert_non_null(strstr(b->request, line));
    assert_null(strstr(strstr(b->request, line) + 6, "host:"));
}

static int hosts(void *arg)
{
    static const weir_backend_options turns = {.balance = WEIR_BALANCE_ROUND_ROBIN},
                                      named = {.host = "orders.internal:8080"};
    struct cluster c;

    (void)arg;
    cluster_open(&c, 2, serve_ok, &turns);
    for (int i = 0; i < 2; i++)
        assert_int_equal(ask(&c, "/for/7?x=1", NULL), 0);
    for (int i = 0; i < 2; i++)
        assert_asked(&c.servers[i], "/for/7?x=1", weir_listener_address(c.servers[i].listener));
    for (int i = 0; i < 2; i++)
        assert_int_equal(ask(&c, "http://shop.example.com/a", NULL), 0);
    assert_asked(&c.servers[1], "/a", "shop.example.com");
    cluster_close(&c);
    cluster_open(&c, 1, serve_ok, &named);
    assert_int_equal(ask(&c, "/a", NULL), 0);
    assert_asked(&c.servers[0], "/a", "orders.internal:8080");
    cluster_close(&c);
    return 0;
}

static int refused_requests(void *arg)
{
    static const char *const paths[] = {"a", "/a b", "/a#b", "/%zz", "", "https://x:0/"};
    struct cluster c;
    weir_reply reply;

    (void)arg;
    cluster_open(&c, 1, serve_ok, &usual);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        weir_fetch_options options = {.backend = c.backend, .url = paths[i]};
        int err = weir_fetch(c.client, &options, &reply);
        assert_int_equal(err, -EINVAL);
        assert_non_null(reply.why);
    }
    assert_int_equal(weir_fetch(c.client,
                                &(weir_fetch_options){.backend = c.backend, .url = "/", .address = "a:1"},
                                &reply),
                     -EINVAL);
    assert_int_equal(weir_fetch(c.client, &(weir_fetch_options){.url = "/"}, &reply), -EINVAL);
    assert_int_equal(see().stats.requests, 0);
    cluster_close(&c);
    return 0;
}

static int unix_socket(void *arg)
{
    static const char *const urls[] = {"unix:/tmp/weir-backend-test.sock"};
    struct backend server;
    weir_backend *backend;
    weir_client *client = client_open(NULL);
    weir_reply reply;

    (void)arg;
    backend_open_at(&server, urls[0], serve_ok, NULL);
    assert_int_equal(
        weir_backend_open(&(weir_backend_options){.name = "app", .urls = urls, .url_count = 1}, &backend), 0);
    assert_int_equal(weir_fetch(client, &(weir_fetch_options){.backend = backend, .url = "/a"}, &reply), 0);
    weir_reply_free(&reply);
    assert_asked(&server, "/a", "localhost");
    weir_backend_close(backend);
    weir_client_close(client);
    backend_close(&server);
    return 0;
}

/* --- maxima --- */

static int serve_slowly(struct backend *b, weir_stream *s, int number)
{
    (void)number;
    while (read_request(b, s) > 0)
        if (weir_sleep(weir_ms(10)) < 0 || send_text(s, OK_ANSWER) < 0)
            break;
    return 0;
}

static int maxima(void *arg)
{
    static const weir_backend_options options = {.connections_max = 3, .waiting_max = 4};
    struct cluster c;
    struct seen seen;

    (void)arg;
    cluster_open(&c, 2, serve_slowly, &options);
    assert_int_equal(ask_at_once(&c, 10, 0), 7);
    assert_int_equal(c.servers[0].connections + c.servers[1].connections, 3);
    assert_int_equal(ask_at_once(&c, 10, -WEIR_EBUSY), 3);
    seen = see();
    assert_int_equal(seen.stats.refused[WEIR_BACKEND_BUSY], 6);
    assert_int_equal(seen.stats.requests, 20);
    assert_int_equal(seen.stats.connections, 3);
    assert_at_rest(&c);
    cluster_close(&c);
    return 0;
}

static int limited(void *arg)
{
    static const weir_backend_options options = {.limit = 4};
    struct cluster c;

    (void)arg;
    cluster_open(&c, 2, serve_slowly, &options);
    assert_int_equal(ask_at_once(&c, 10, -WEIR_ELIMITED), 6);
    assert_int_equal(ask_at_once(&c, 4, 0), 4);
    assert_int_equal(see().stats.refused[WEIR_BACKEND_LIMITED], 6);
    assert_int_equal(see().stats.limit, 4);
    assert_at_rest(&c);
    cluster_close(&c);
    return 0;
}

/* A connection to the wrong instance makes room for one to the right instance. */
static int oldest_makes_room(void *arg)
{
    static const weir_backend_options options = {.connections_max = 2, .balance = WEIR_BALANCE_ROUND_ROBIN};
    struct cluster c;

    (void)arg;
    cluster_open(&c, 3, serve_ok, &options);
    for (int i = 0; i < 9; i++)
        assert_int_equal(ask(&c, "/", NULL), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(c.servers[i].requests, 3);
    assert_true(see().stats.connections <= 2);
    cluster_close(&c);
    return 0;
}

/* --- streams --- */

static int serve_echo(struct backend *b, weir_stream *s, int number)
{
    char data[64];
    ssize_t n;

    (void)number;
    if (read_request(b, s) <= 0)
        return 0;
    if (strstr(b->request, "upgrade: echo") != NULL) {
        (void)send_text(s,
                        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n");
        while ((n = weir_read(s, data, sizeof data)) > 0)
            if (weir_write(s, data, (size_t)n) < 0)
                break;
        return 0;
    }
    (void)send_text(s, "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
    return 0; /* and breaks off */
}

static int streams(void *arg)
{
    struct cluster c;
    weir_fetch_stream *f;
    weir_stream *s;
    weir_reply reply;
    char data[16];
    weir_fetch_options options = {.url = "/", .upgrade = "echo"};

    (void)arg;
    cluster_open(&c, 1, serve_echo, &usual);
    options.backend = c.backend;
    assert_int_equal(weir_fetch_open(c.client, &options, 0, &f), 0);
    assert_int_equal(weir_fetch_head(f, &reply), 0);
    assert_int_equal(see().stats.in_use, 1);
    assert_int_equal(weir_fetch_upgrade(f, &s), 0);
    weir_fetch_close(f);
    assert_at_rest(&c);
    assert_int_equal(see().stats.connections, 0);
    assert_int_equal(weir_write(s, "hallo", 5), 0);
    assert_int_equal(weir_read(s, data, sizeof data), 5);
    weir_stream_close(s);

    options.upgrade = NULL;
    assert_int_equal(weir_fetch_open(c.client, &options, 0, &f), 0);
    assert_int_equal(weir_fetch_head(f, &reply), 0);
    assert_int_equal(weir_fetch_read(f, data, sizeof data), 4);
    assert_int_equal(weir_fetch_read(f, data, sizeof data), -WEIR_ETRUNCATED);
    weir_fetch_close(f);
    assert_int_equal(see().instances[0].failures, 1);
    assert_string_equal(see().instances[0].last_error, weir_error_text(-WEIR_ETRUNCATED));
    assert_at_rest(&c);
    cluster_close(&c);
    return 0;
}

/* --- opening --- */

static int faults(void *arg)
{
    static const char *const good[] = {"http://127.0.0.1:1"}, *const path[] = {"http://127.0.0.1:1/a"},
                             *const none[] = {"127.0.0.1:1"}, *const null[] = {NULL};
    static const weir_backend_options bad[] = {
        {.urls = good, .url_count = 1},
        {.name = "", .urls = good, .url_count = 1},
        {.name = "a", .urls = good},
        {.name = "a", .url_count = 1},
        {.name = "a", .urls = good, .url_count = 65},
        {.name = "a", .urls = path, .url_count = 1},
        {.name = "a", .urls = none, .url_count = 1},
        {.name = "a", .urls = null, .url_count = 1},
        {.name = "a", .urls = good, .url_count = 1, .host = "a b"},
        {.name = "a", .urls = good, .url_count = 1, .host = "a/b"},
        {.name = "a", .urls = good, .url_count = 1, .health.path = "healthz"},
        {.name = "a", .urls = good, .url_count = 1, .connections_max = -1},
        {.name = "a", .urls = good, .url_count = 1, .limit = -1},
        {.name = "a", .urls = good, .url_count = 1, .breaker.failed_percent = 101},
        {.name = "a", .urls = good, .url_count = 1, .eject.at_most_percent = -1},
        {.name = "a", .urls = good, .url_count = 1, .health = {.path = "/", .every = {-1}}},
        {.name = "a", .urls = good, .url_count = 1, .balance = (enum weir_balance)3},
        {.name = "a", .urls = good, .url_count = 1, .reserved = {[62] = 1}},
    };
    weir_backend *a, *b;

    (void)arg;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(weir_backend_open(&bad[i], &a), -EINVAL);
    assert_int_equal(
        weir_backend_open(&(weir_backend_options){.name = "a", .urls = good, .url_count = 1}, &a), 0);
    assert_int_equal(
        weir_backend_open(&(weir_backend_options){.name = "a", .urls = good, .url_count = 1}, &b), 0);
    weir_backend_close(b);
    assert_int_equal(
        weir_backend_open(&(weir_backend_options){.name = "a", .urls = good, .url_count = 1, .limit = 5}, &b),
        -WEIR_ECONFIG);
    weir_backend_close(a);
    assert_int_equal(
        weir_backend_open(&(weir_backend_options){.name = "a", .urls = good, .url_count = 1, .limit = 5}, &b),
        0);
    weir_backend_close(b);
    weir_backend_close(NULL);
    return 0;
}

/* --- */

#define TEST(fn)                                                                                             \
    static void test_##fn(void **state)                                                                      \
    {                                                                                                        \
        (void)state;                                                                                         \
        run_everywhere(fn, NULL);                                                                            \
    }

TEST(spread)
TEST(round_robin)
TEST(by_key)
TEST(by_key_with_one_connection)
TEST(hosts)
TEST(refused_requests)
TEST(unix_socket)
TEST(maxima)
TEST(limited)
TEST(oldest_makes_room)
TEST(streams)
TEST(faults)

static void test_least(void **state)
{
    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(5); seed++)
        run_simulated(seed, least, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spread),
        cmocka_unit_test(test_least),
        cmocka_unit_test(test_round_robin),
        cmocka_unit_test(test_by_key),
        cmocka_unit_test(test_by_key_with_one_connection),
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_refused_requests),
        cmocka_unit_test(test_unix_socket),
        cmocka_unit_test(test_maxima),
        cmocka_unit_test(test_limited),
        cmocka_unit_test(test_oldest_makes_room),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_faults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
