/* SPDX-License-Identifier: MIT */
/* backends: in a configuration, and the calls that use them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "app/support/reading.h"
#include "config/backend.h"
#include "routes/gather_settings.h"
#include "routes/proxy_settings.h"

#define ROUTES "listen: 127.0.0.1:8080\nroutes:\n"
#define HELLO "  - {path: /, respond: {body: x}}\n"
#define REST ROUTES HELLO
#define CALL(text) ROUTES "  - {path: '/{id}', gather: {calls: [{name: a, " text "}]}}\n"
#define PROXY(text) ROUTES "  - {path: '/{id}', proxy: {" text "}}\n"
#define A(keys) "backends: {a: {urls: 'http://a', " keys "}}\n" REST
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
    {"backends: {a: {urls: {}}}\n" REST, 1, 22, "expected a URL, or a list of them"},
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
    {"backends: {a: {urls: 'http://a', eject: true}}\n" REST, 1, 41,
     "expected a mapping, {key: value}, or false"},
    {"backends: {a: {urls: 'http://a', breaker: {failed: 0%}}}\n" REST, 1, 52, "a part from 1% to 100%"},
    {"backends: {a: {urls: 'http://a', breaker: {open: 2m}}}\n" REST, 1, 50, "from 1ms to 1m"},
    {"backends: {a: {urls: 'http://a', breaker: {of: 0}}}\n" REST, 1, 48, "from 1 to 65536"},
    {"backends: {a: {urls: 'http://a', limit: 0}}\n" REST, 1, 41, "backend.limit"},
    /* limit */
    {A("limit: automatic"), 1, 41, "expected a whole number, auto, or {auto: {min: 4, max: 256}}"},
    {A("limit: -1"), 1, 41, "from 1 to 10000000"},
    {A("limit: ''"), 1, 41, "a whole number, auto, or"},
    {A("limit: [auto]"), 1, 41, "a whole number, auto, or"},
    {A("limit: false"), 1, 41, "a whole number, auto, or"},
    {A("limit: {}"), 1, 41, "no 'auto', expected auto: {min: 4, max: 256}"},
    {A("limit: {autp: {}}"), 1, 42, "did you mean 'auto'?"},
    {A("limit: {auto: 4}"), 1, 48, "expected a mapping"},
    {A("limit: {auto: {mni: 4}}"), 1, 49, "did you mean 'min'?"},
    {A("limit: {auto: {min: 0}}"), 1, 54, "from 1 to 10000000"},
    {A("limit: {auto: {max: many}}"), 1, 54, "from 1 to 10000000"},
    {A("limit: {auto: {min: 9, max: 8}}"), 1, 54, "min 9 and max 8, expected a min that is at most max"},
    {A("limit: {auto: {max: 3}}"), 1, 54, "min 4 and max 3"},
    /* hedge: what app_test.c has is not repeated */
    {A("hedge: true"), 1, 41, "backend.hedge is 'true', expected a percentile above p50"},
    {A("hedge: [p95]"), 1, 41, "such as p95 or 40ms; a mapping, or false"},
    {A("hedge: true"), 1, 41, "such as p95 or 40ms; a mapping, or false"},
    {A("health: true"), 1, 42, "expected a mapping, {key: value}, or false"},
    {A("breaker: 5"), 1, 43, "expected a mapping, {key: value}, or false"},
    {A("hedge: p50"), 1, 41, "above p50 and below p100"},
    {A("hedge: p100"), 1, 41, "above p50 and below p100"},
    {A("hedge: {after: 95}"), 1, 49, "backend.hedge.after is '95'"},
    {A("hedge: {after: p95%}"), 1, 49, "backend.hedge.after is 'p95%'"},
    {A("hedge: {afer: p95}"), 1, 42, "did you mean 'after'?"},
    {A("hedge: {floor: 2}"), 1, 49, "backend.hedge.floor"},
    {A("hedge: {after: 10ms, floor: 11ms}"), 1, 62, "at most what 'after' is"},
    {A("hedge: {extra: 5}"), 1, 49, "a part above 0% and at most 100%"},
    {A("hedge: {extra: 0%}"), 1, 49, "a part above 0% and at most 100%"},
    {A("hedge: {extra: 101%}"), 1, 49, "a part above 0% and at most 100%"},
    {A("connections: {max: 1}, hedge: p95"), 1, 57, "connections.max is 1, expected at least 2"},
    {A("limit: 1, hedge: {}"), 1, 44, "limit is 1, expected at least 2"},
    /* retry */
    {A("retry: true"), 1, 41, "expected a mapping, {key: value}, or false"},
    {A("retry: {on: []}"), 1, 46,
     "backend.retry.on is empty, expected some of connect, reset, 502, 503 and 504"},
    {A("retry: {on: [connect, rest]}"), 1, 56, "did you mean 'reset'?"},
    {A("retry: {on: [500]}"), 1, 47, "connect, reset, 502, 503 or 504"},
    {A("retry: {on: [503, 503]}"), 1, 52, "'503' twice"},
    {A("retry: {on: {reset: 1}}"), 1, 46, "a failure such as 503, or a list of them"},
    {A("retry: {times: 0}"), 1, 49, "from 1 to 3"},
    {A("retry: {times: 4}"), 1, 49, "from 1 to 3"},
    {A("retry: {extra: 5ms}"), 1, 49, "a part above 0% and at most 100%"},
    {A("retry: {time: 1}"), 1, 42, "did you mean 'times'?"},
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
    {ORDERS CALL("backend: orders, path: /, repeatable: yes"), 4, 86, "true or false"},
    {CALL("url: 'http://a', repeatable: true"), 3, 65,
     "calls.repeatable stands beside 'url', expected 'backend' and 'path'"},
    {ORDERS PROXY("backend: orders, repeatabel: true"), 4, 46, "did you mean 'repeatable'?"},
    {ORDERS PROXY("backend: orders, repeatable: 1"), 4, 58, "true or false"},
    {PROXY("to: 'http://a', repeatable: true"), 3, 45,
     "proxy.repeatable stands beside 'to', expected 'backend'"},
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
    assert_int_equal(options->auto_limit.max, 0);
    assert_true(options->hedge.percentile == 0 && options->hedge.after.ns == 0);
    assert_int_equal(options->retry.on, 0);
    assert_false(options->tells_deadline);
    config_free(&c);
}

/* Reads a backend with these keys. */
static weir_backend_options options_of(const char *keys)
{
    weir_backend_options options;
    char text[512];
    struct config c;

    (void)snprintf(text, sizeof text, "backends: {a: {urls: 'http://a', %s}}\n" REST, keys);
    reading_fine(text, &c);
    options = c.backends[0].options;
    config_free(&c);
    return options;
}

static void hedging_is_off_unless_written_and_has_short_forms(void **state)
{
    weir_backend_options o = options_of("hedge: {}");

    (void)state;
    assert_true(o.tells_deadline);
    assert_true(o.hedge.percentile == 95 && o.hedge.after.ns == 0 && o.hedge.extra_percent == 5);
    assert_int_equal(o.hedge.floor.ns, weir_ms(2).ns);
    o = options_of("hedge: p99.9");
    assert_true(o.hedge.percentile == 99.9);
    o = options_of("hedge: 40ms");
    assert_true(o.hedge.percentile == 0 && o.hedge.after.ns == weir_ms(40).ns);
    o = options_of("hedge: {after: 1ms}"); /* below the floor that nobody has written */
    assert_int_equal(o.hedge.floor.ns, weir_ms(1).ns);
    o = options_of("hedge: {after: p92.5, floor: 5ms, extra: 2.5%}");
    assert_true(o.hedge.percentile == 92.5 && o.hedge.extra_percent == 2.5);
    assert_int_equal(o.hedge.floor.ns, weir_ms(5).ns);
    o = options_of("hedge: false, connections: {max: 1}");
    assert_true(o.hedge.percentile == 0 && o.hedge.after.ns == 0);
}

static void retrying_is_off_unless_written(void **state)
{
    weir_backend_options o = options_of("retry: {}");

    (void)state;
    assert_true(o.tells_deadline);
    assert_int_equal(o.retry.on, WEIR_RETRY_CONNECT | WEIR_RETRY_RESET | WEIR_RETRY_502 | WEIR_RETRY_503);
    assert_int_equal(o.retry.times, 1);
    assert_true(o.retry.extra_percent == 10);
    o = options_of("retry: {on: [reset, 504], times: 3, extra: 20%}");
    assert_int_equal(o.retry.on, WEIR_RETRY_RESET | WEIR_RETRY_504);
    assert_int_equal(o.retry.times, 3);
    assert_true(o.retry.extra_percent == 20);
    o = options_of("retry: {on: connect}, connections: {max: 1}"); /* one after the other */
    assert_int_equal(o.retry.on, WEIR_RETRY_CONNECT);
    o = options_of("retry: false, hedge: false");
    assert_int_equal(o.retry.on, 0);
    assert_false(o.tells_deadline);
}

static void a_limit_is_a_number_or_follows_the_backend(void **state)
{
    weir_backend_options o = options_of("limit: auto");

    (void)state;
    assert_int_equal(o.limit, 0);
    assert_int_equal(o.auto_limit.min, 4);
    assert_int_equal(o.auto_limit.max, 256);
    o = options_of("limit: {auto: {}}");
    assert_int_equal(o.auto_limit.min, 4);
    assert_int_equal(o.auto_limit.max, 256);
    o = options_of("limit: {auto: {min: 1, max: 1}}, hedge: p95");
    assert_int_equal(o.auto_limit.min, 1);
    assert_int_equal(o.auto_limit.max, 1);
    o = options_of("limit: 12");
    assert_int_equal(o.limit, 12);
    assert_int_equal(o.auto_limit.max, 0);
}

static void what_may_be_sent_twice_is_written(void **state)
{
    const struct gather_settings *gather;
    struct config c;

    (void)state;
    reading_fine(ORDERS ROUTES
                 "  - {path: /a, proxy: {backend: orders, repeatable: true}}\n"
                 "  - {path: /b, proxy: {backend: orders}}\n"
                 "  - {path: /c, proxy: {to: 'http://a', repeatable: false}}\n"
                 "  - path: /d\n"
                 "    gather:\n"
                 "      calls:\n"
                 "        - {name: a, backend: orders, path: /, method: POST, repeatable: true}\n"
                 "        - {name: b, backend: orders, path: /, method: POST}\n",
                 &c);
    assert_true(((const struct proxy_settings *)c.routes[0].settings)->repeatable);
    assert_false(((const struct proxy_settings *)c.routes[1].settings)->repeatable);
    gather = c.routes[3].settings;
    assert_true(gather->calls[0].repeatable);
    assert_false(gather->calls[1].repeatable);
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
        cmocka_unit_test(hedging_is_off_unless_written_and_has_short_forms),
        cmocka_unit_test(retrying_is_off_unless_written),
        cmocka_unit_test(a_limit_is_a_number_or_follows_the_backend),
        cmocka_unit_test(what_may_be_sent_twice_is_written),
        cmocka_unit_test(a_backend_is_read_whole),
        cmocka_unit_test(a_call_has_its_backend),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
