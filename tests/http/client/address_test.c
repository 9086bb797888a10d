/* SPDX-License-Identifier: MIT */
/* Requests that are sent elsewhere than their URLs say: addresses, Unix sockets. */
#include "client_rig.h"

#include <unistd.h>

#include "support/memory.h"

static int expect_host(struct backend *b, weir_client *client, const weir_fetch_options *options,
                       const char *host)
{
    weir_reply reply;
    int err = weir_fetch(client, options, &reply);

    if (err < 0)
        return err;
    assert_int_equal(reply.status, 200);
    if (strstr(b->request, host) == NULL)
        fail_msg("no '%s' in %s", host, b->request);
    weir_reply_free(&reply);
    return 0;
}

static int elsewhere(void *arg)
{
    struct backend a, b;
    weir_client *client = client_open(NULL);
    weir_fetch_options options = {.url = "http://shop.example:81/list?x=1"};

    (void)arg;
    backend_open(&a, serve_ok, NULL);
    backend_open(&b, serve_ok, NULL);
    options.address = a.url + strlen("http://");
    ((char *)(uintptr_t)options.address)[strlen(options.address) - 1] = '\0'; /* HOST:PORT */
    for (int i = 0; i < 3; i++)
        assert_int_equal(
            expect_host(&a, client, &options, "GET /list?x=1 HTTP/1.1\r\nhost: shop.example:81\r\n"), 0);
    assert_int_equal(a.connections, 1); /* kept */
    assert_int_equal(idle_count(client), 1);

    options.url = "http://other.example/"; /* another host at that address: a connection of its own */
    assert_int_equal(expect_host(&a, client, &options, "\r\nhost: other.example\r\n"), 0);
    assert_int_equal(a.connections, 2);
    assert_int_equal(client->origin_count, 2);

    options.address = b.url + strlen("http://"); /* the same host at another address */
    ((char *)(uintptr_t)options.address)[strlen(options.address) - 1] = '\0';
    assert_int_equal(expect_host(&b, client, &options, "\r\nhost: other.example\r\n"), 0);
    assert_int_equal(b.connections, 1);
    assert_int_equal(client->origin_count, 3);
    options.url = "http://svc.ns./"; /* an absolute name */
    assert_int_equal(expect_host(&b, client, &options, "\r\nhost: svc.ns\r\n"), 0);
    options.url = "http://svc.ns.:81/";
    assert_int_equal(expect_host(&b, client, &options, "\r\nhost: svc.ns:81\r\n"), 0);
    assert_int_equal(b.connections, 3);
    options.url = "http://OTHER.example:80/x"; /* the same origin, written differently */
    assert_int_equal(expect_host(&b, client, &options, "GET /x "), 0);
    assert_int_equal(b.connections, 3);

    weir_client_close(client);
    backend_close(&b);
    backend_close(&a);
    return 0;
}

static void an_address_is_asked_in_the_name_of_the_host(void **state)
{
    (void)state;
    run_on_all_transports(elsewhere, NULL);
}

/* --- addresses and hosts that are none --- */

struct fault {
    const char *url, *address, *why;
};

#define ADDRESS "the address is not valid: expected "
#define URL "the URL is not valid: expected "

static const struct fault faults[] = {
    {"http://a/", "nonsense", ADDRESS "HOST:PORT, [IPV6]:PORT or unix:PATH"},
    {"http://a/", "", ADDRESS "HOST:PORT, [IPV6]:PORT or unix:PATH"},
    {"http://a/", "http://a:80", ADDRESS "an IPv6 address in brackets, [IPV6]:PORT"},
    {"http://a/", "a b:80", ADDRESS "HOST:PORT, [IPV6]:PORT or unix:PATH"},
    {"http://a/", "127.0.0.256:80", ADDRESS "HOST:PORT, [IPV6]:PORT or unix:PATH"},
    {"http://a/", "127.0.0.1:http", ADDRESS "a port from 0 to 65535 after the last colon"},
    {"http://a/", "127.0.0.1:65536", ADDRESS "a port from 0 to 65535 after the last colon"},
    {"http://a/", "127.0.0.1:0", ADDRESS "a port from 1 to 65535, to connect to"},
    {"http://a/", "::1:80", ADDRESS "an IPv6 address in brackets, [IPV6]:PORT"},
    {"http://a/", "[::1]", ADDRESS "HOST:PORT, [IPV6]:PORT or unix:PATH"},
    {"http://a/", "unix:", ADDRESS "unix:PATH with a path of 1 to 107 bytes"},
    {"http:///x", NULL, URL "a host and perhaps a port from 1 to 65535 after ://"},
    {"http://a b/x", NULL, URL "a host and perhaps a port from 1 to 65535 after ://"},
    {"http://a..b/x", NULL, URL "a host and perhaps a port from 1 to 65535 after ://"},
    {"http://1.2.3.256/x", "127.0.0.1:1", URL "a host and perhaps a port from 1 to 65535 after ://"},
    {"http://a:0/x", NULL, URL "a host and perhaps a port from 1 to 65535 after ://"},
    {"http://u@a/x", NULL, URL "no user name before the host"},
    {"a:80/x", NULL, URL "http://HOST[:PORT]/PATH"},
};

static int refuse_faults(void *arg)
{
    weir_client *client = client_open(NULL);

    (void)arg;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        weir_fetch_options options = {.url = faults[i].url, .address = faults[i].address};
        weir_fetch_stream *stream;
        weir_reply reply;

        assert_int_equal(weir_fetch(client, &options, &reply), -EINVAL);
        if (reply.why == NULL || strcmp(reply.why, faults[i].why) != 0)
            fail_msg("%s, not %s", reply.why, faults[i].why);
        assert_int_equal(weir_fetch_open(client, &options, 0, &stream), -EINVAL);
    }
    assert_int_equal(client->origin_count, 0); /* none was asked for a connection */
    weir_client_close(client);
    return 0;
}

static void faults_are_found_before_connecting(void **state)
{
    (void)state;
    run_on_all_transports(refuse_faults, NULL);
}

/* --- Unix sockets --- */

static void see_stats(void *arg, const weir_origin_stats *stats)
{
    (void)snprintf(arg, 256, "%s", stats->origin);
}

static int at_unix_socket(void *arg)
{
    char address[64], wanted[128], seen[256];
    struct backend b;
    weir_client *client = client_open(NULL);
    weir_fetch_options options = {.url = "http://localhost/stats", .address = address};
    static int number;

    (void)arg;
    if (memory_is_here()) { /* whose connections have ports */
        weir_client_close(client);
        return 0;
    }
    (void)snprintf(address, sizeof address, "unix:/tmp/weir-client-%d-%d.sock", getpid(), number++);
    backend_open_at(&b, address, serve_ok, NULL);
    for (int i = 0; i < 3; i++)
        assert_int_equal(expect_host(&b, client, &options, "\r\nhost: localhost\r\n"), 0);
    assert_int_equal(b.connections, 1);
    weir_origin_each(weir_runtime_here(), see_stats, seen);
    (void)snprintf(wanted, sizeof wanted, "http://localhost:80 at %s", address);
    assert_string_equal(seen, wanted);
    backend_close(&b);
    options.url = "http://another/";
    assert_true(expect_host(&b, client, &options, "") < 0);
    weir_client_close(client);
    (void)unlink(address + strlen("unix:"));
    return 0;
}

static void unix_sockets_are_origins(void **state)
{
    (void)state;
    run_on_all_transports(at_unix_socket, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_asked_in_the_name_of_the_host),
        cmocka_unit_test(faults_are_found_before_connecting),
        cmocka_unit_test(unix_sockets_are_origins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
