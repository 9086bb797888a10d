/* SPDX-License-Identifier: MIT */
/* backends: in a configuration, and the calls that use them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "app/support/reading.h"
#include "config/backend.h"
#include "routes/gather_settings.h"

#define ROUTES "listen: 127.0.0.1:8080\nroutes:\n"
#define HELLO "  - {path: /, respond: {body: x}}\n"
#define REST ROUTES HELLO
#define CALL(text) ROUTES "  - {path: '/{id}', gather: {calls: [{name: a, " text "}]}}\n"
#define ORDERS "backends: {orders: {urls: ['http://a:1']}}\n"

static const struct reading_fault table[] = {
    {"backends: []\n" REST, 1, 11, "expected a mapping"},
    {"backend: {}\n" REST, 1, 1, "did you mean 'backends'?"},
    {"backends: {a b: {urls: x}}\n" REST, 1, 12, "1 to 64 letters, digits, '_' and '-'"},
    {"backends: {'': {urls: 'http://a'}}\n" REST, 1, 12, "1 to 64 letters"},
    {"backends: {a: 1}\n" REST, 1, 15, "expected a mapping"},
    {"backends: {a: {}}\n" REST, 1, 15,
     "no 'urls', expected http://HOST[:PORT], https://HOST[:PORT], unix:PATH"},
    {"backends: {a: {url: 'http://a'}}\n" REST, 1, 16, "did you mean 'urls'?"},
    /* urls */
    {"backends: {a: {urls: []}}\n" REST, 1, 22, "expected 1 to 64"},
    {"backends: {a: {urls: {}}}\n" REST, 1, 22, "expected a list"},
    {"backends: {a: {urls: a:80}}\n" REST, 1, 22, "https://HOST[:PORT] or unix:PATH"},
    {"backends: {a: {urls: ['http://a', 'https://a/x']}}\n" REST, 1, 45, "no path behind the host"},
    {"backends: {a: {urls: 'http://a:80/x'}}\n" REST, 1, 34, "no path behind the host"},
    {"backends: {a: {urls: 'http://a/?x'}}\n" REST, 1, 31, "no path behind the host"},
    {"backends: {a: {urls: 'http://a:99999'}}\n" REST, 1, 30, "port"},
    {"backends: {a: {urls: 'unix:'}}\n" REST, 1, 0, "path"},
    {"backends: {a: {urls: ['http://a', 'http://A']}}\n" REST, 1, 35, "'http://A' twice"},
    /* the rest of a backend */
    {"backends: {a: {urls: 'http://a', host: 'b/c'}}\n" REST, 1, 40, "HOST or HOST:PORT"},
    {"backends: {a: {urls: 'http://a', balance: most}}\n" REST, 1, 43,
     "least, round_robin or {hash: '{id}'}"},
    {"backends: {a: {urls: 'http://a', balance: [least]}}\n" REST, 1, 43,
     "least, round_robin or {hash: '{id}'}"},
    {"backends: {a: {urls: 'http://a', balance: {has: x}}}\n" REST, 1, 44, "did you mean 'hash'?"},
    {"backends: {a: {urls: 'http://a', balance: {hash: x}}}\n" REST, 1, 50, "a text with a parameter"},
    {"backends: {a: {urls: 'http://a', connections: {max: 0}}}\n" REST, 1, 53, "from 1 to 1000000"},
    {"backends: {a: {urls: 'http://a', connections: {queue: 0}}}\n" REST, 1, 55, "backend.connections.queue"},
    {"backends: {a: {urls: 'http://a', connections: {idel: 1s}}}\n" REST, 1, 48, "did you mean 'idle'?"},
    {"backends: {a: {urls: 'http://a', health: {}}}\n" REST, 1, 42,
     "no 'path', expected a path such as /healthz"},
    {"backends: {a: {urls: 'http://a', health: {path: x}}}\n" REST, 1, 49, "a path such as /healthz"},
    {"backends: {a: {urls: 'http://a', health: {path: '/a b'}}}\n" REST, 1, 52, "%XX"},
    {"backends: {a: {urls: 'http://a', health: {path: /x, every: 1ms}}}\n" REST, 1, 60, "from 10ms to 1h"},
    {"backends: {a: {urls: 'http://a', health: {path: /x, failed: 0}}}\n" REST, 1, 61, "from 1 to 1000"},
    {"backends: {a: {urls: 'http://a', eject: {at_most: 50}}}\n" REST, 1, 51, "a part from 1% to 100%"},
    {"backends: {a: {urls: 'http://a', eject: {at_most: 101%}}}\n" REST, 1, 51, "a part from 1% to 100%"},
    {"backends: {a: {urls: 'http://a', eject: {at_most: 050%}}}\n" REST, 1, 51, "a part from 1% to 100%"},
    {"backends: {a: {urls: 'http://a', eject: {four: 1s}}}\n" REST, 1, 42, "did you mean 'for'?"},
    {"backends: {a: {urls: 'http://a', eject: true}}\n" REST, 1, 41, "expected a mapping"},
    {"backends: {a: {urls: 'http://a', breaker: {failed: 0%}}}\n" REST, 1, 52, "a part from 1% to 100%"},
    {"backends: {a: {urls: 'http://a', breaker: {open: 2m}}}\n" REST, 1, 50, "from 1ms to 1m"},
    {"backends: {a: {urls: 'http://a', breaker: {of: 0}}}\n" REST, 1, 48, "from 1 to 65536"},
    {"backends: {a: {urls: 'http://a', limit: 0}}\n" REST, 1, 41, "backend.limit"},
    {"backends: {a: {urls: 'http://a', limit: auto}}\n" REST, 1, 41, "not in this build, expected a number"},
    {"backends: {a: {urls: 'http://a', limit: {auto: {}}}}\n" REST, 1, 41,
     "not in this build, expected a number"},
    {"backends: {a: {urls: 'http://a', hedge: {}}}\n" REST, 1, 34, "backend.hedge is not in this build"},
    {"backends: {a: {urls: 'http://a', retry: {}}}\n" REST, 1, 34, "backend.retry is not in this build"},
    /* calls */
    {CALL("path: /x"), 3, 38, "no 'backend', expected the name of one of backends"},
    {CALL("backend: orders, path: /x"), 3, 57, "the file has no backends"},
    {ORDERS CALL("backend: order, path: /x"), 4, 57, "did you mean 'orders'?"},
    {ORDERS CALL("backend: sales, path: /x"), 4, 57, "expected orders"},
    {ORDERS CALL("backend: orders"), 4, 38, "no 'path', expected the path of the request"},
    {ORDERS CALL("backend: orders, url: 'http://a'"), 4, 48, "calls.backend stands beside 'url'"},
    {ORDERS CALL("url: 'http://a', path: /x"), 4, 65, "calls.path stands beside 'url'"},
    {ORDERS CALL("backend: orders, path: x"), 4, 71, "begins with '/'"},
    {ORDERS CALL("backend: orders, path: '/{x}'"), 4, 74, "'{x}', expected one that the path '/{id}' has"},
    {ORDERS CALL("backend: orders, path: '/a b'"), 4, 74, "%XX"},
    {ORDERS CALL("backnd: orders, path: /x"), 4, 48, "did you mean 'backend'?"},
    {CALL("ulr: 'http://a'"), 3, 48, "did you mean 'url'?"},
    {CALL("method: GET"), 3, 38, "no 'url', expected http://HOST[:PORT]/PATH, or 'backend' and 'path'"},
    {"backends: {a: {urls: 'http://a', balance: {hash: '{user}'}}}\n" CALL("backend: a, path: /"), 4, 57,
     "balanced by '{user}', expected a path that has it; '/{id}' has not"},
};

static void faults_name_their_place_and_what_was_expected(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        reading_has(&table[i]);
}

static void the_defaults_are_those_promised(void **state)
{
    const weir_backend_options *options;
    struct config c;

    (void)state;
    reading_fine("backends: {a: {urls: 'http://a'}}\n" REST, &c);
    assert_int_equal(c.backend_count, 1);
    assert_false(c.backends[0].used);
    options = &c.backends[0].options;
    assert_string_equal(options->name, "a");
    assert_int_equal(options->url_count, 1);
    assert_null(options->host);
    assert_int_equal(options->balance, WEIR_BALANCE_LEAST);
    assert_int_equal(options->connections_max, 256);
    assert_int_equal(options->waiting_max, 1024);
    assert_int_equal(options->idle_timeout.ns, weir_seconds(15).ns);
    assert_int_equal(options->connect_timeout.ns, weir_seconds(5).ns);
    assert_int_equal(options->limit, 0);
    assert_null(options->health.path);
    assert_int_equal(options->eject.after, 5);
    assert_int_equal(options->eject.period.ns, weir_seconds(10).ns);
    assert_int_equal(options->eject.at_most_percent, 50);
    assert_int_equal(options->breaker.failed_percent, 0);
    config_free(&c);
}

static void a_backend_is_read_whole(void **state)
{
    const weir_backend_options *options;
    struct config c;

    (void)state;
    reading_fine("backends:\n"
                 "  orders:\n"
                 "    urls: ['http://orders:7101', unix:/run/orders.sock, 'http://[::1]:80/']\n"
                 "    host: orders.internal\n"
                 "    balance: {hash: '{id}'}\n"
                 "    connections: {max: 9, queue: 8, idle: 7s, timeout: 6s}\n"
                 "    health: {path: '/healthz?x=1', every: 5s, timeout: 1s, failed: 4, good: 3}\n"
                 "    eject: {after: 7, for: 20s, at_most: 30%}\n"
                 "    breaker: {}\n"
                 "    limit: 12\n"
                 "  shop: {urls: 'http://shop', balance: round_robin, eject: false, breaker: {failed: 10%, "
                 "of: 5, within: 1s, open: 2s}}\n" ROUTES "  - path: '/{id}'\n"
                 "    gather:\n"
                 "      calls:\n"
                 "        - {name: a, backend: orders, path: '/for/{id}?x={id}'}\n"
                 "        - {name: b, url: 'http://b/'}\n",
                 &c);
    assert_int_equal(c.backend_count, 2);
    assert_true(c.backends[0].used);
    assert_false(c.backends[1].used);
    options = &c.backends[0].options;
    assert_int_equal(options->url_count, 3);
    assert_string_equal(options->urls[1], "unix:/run/orders.sock");
    assert_int_equal(c.backends[0].urls[1].place.line, 3);
    assert_string_equal(options->host, "orders.internal");
    assert_int_equal(options->balance, WEIR_BALANCE_HASH);
    assert_string_equal(c.backends[0].key.parts[0].text, "id");
    assert_int_equal(options->connections_max, 9);
    assert_int_equal(options->waiting_max, 8);
    assert_int_equal(options->idle_timeout.ns, weir_seconds(7).ns);
    assert_int_equal(options->connect_timeout.ns, weir_seconds(6).ns);
    assert_string_equal(options->health.path, "/healthz?x=1");
    assert_int_equal(options->health.timeout.ns, weir_seconds(1).ns);
    assert_int_equal(options->health.failed, 4);
    assert_int_equal(options->eject.after, 7);
    assert_int_equal(options->eject.at_most_percent, 30);
    assert_int_equal(options->breaker.failed_percent, 50);
    assert_int_equal(options->breaker.of, 20);
    assert_int_equal(options->breaker.open.ns, weir_seconds(5).ns);
    assert_int_equal(options->limit, 12);
    assert_int_equal(config_backend_connections(&c), 9 + 3 + 256);
    options = &c.backends[1].options;
    assert_int_equal(options->balance, WEIR_BALANCE_ROUND_ROBIN);
    assert_true(options->eject.after < 0);
    assert_int_equal(options->breaker.failed_percent, 10);
    config_free(&c);
}

static void a_call_has_its_backend(void **state)
{
    const struct gather_settings *gather;
    struct config c;

    (void)state;
    reading_fine(ORDERS CALL("backend: orders, path: '/for/{id}?x={id}'"), &c);
    gather = c.routes[0].settings;
    assert_ptr_equal(gather->calls[0].backend, &c.backends[0]);
    assert_string_equal(gather->calls[0].url.origin, "");
    assert_int_equal(gather->calls[0].url.part_count, 4);
    assert_string_equal(gather->calls[0].url.text, "/for/{id}?x={id}");
    config_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_name_their_place_and_what_was_expected),
        cmocka_unit_test(the_defaults_are_those_promised),
        cmocka_unit_test(a_backend_is_read_whole),
        cmocka_unit_test(a_call_has_its_backend),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
