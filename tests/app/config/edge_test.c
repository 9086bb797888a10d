/* SPDX-License-Identifier: MIT */
/* Hosts, rules for headers, redirects and trusted proxies in a configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "app/support/reading.h"
#include "routes/redirect.h"
#include "text/networks.h"

#include <weir/resolver.h>

#define HEAD "listen: 127.0.0.1:8080\nroutes:\n"
#define HELLO "  - {path: /, respond: {body: x}}\n"

static const struct reading_fault table[] = {
    /* hosts */
    {HEAD "  - {path: /, host: 'a:80', respond: {}}\n", 3, 21, "without a port"},
    {HEAD "  - {path: /, host: 'http://a', respond: {}}\n", 3, 21, "without a port"},
    {HEAD "  - {path: /, host: 'www.*', respond: {}}\n", 3, 26, "only at the beginning"},
    {HEAD "  - {path: /, host: '*', respond: {}}\n", 3, 0, "only at the beginning"},
    {HEAD "  - {path: /, host: '*.', respond: {}}\n", 3, 0, "only at the beginning"},
    {HEAD "  - {path: /, host: '*.*.a', respond: {}}\n", 3, 24, "only at the beginning"},
    {HEAD "  - {path: /, host: '*a.b', respond: {}}\n", 3, 0, "only at the beginning"},
    {HEAD "  - {path: /, host: '*.1.2.3.4', respond: {}}\n", 3, 24, "without a port"},
    {HEAD "  - {path: /, host: '', respond: {}}\n", 3, 21, "without a port"},
    {HEAD "  - {path: /, host: '.', respond: {}}\n", 3, 21, "without a port"},
    {HEAD "  - {path: /, host: a..b, respond: {}}\n", 3, 21, "without a port"},
    {HEAD "  - {path: /, host: [a, b], respond: {}}\n", 3, 21, "expected text"},
    {HEAD "  - {path: /, hots: a, respond: {}}\n", 3, 15, "did you mean 'host'?"},
    {HEAD "  - {path: /a, respond: {}}\n  - {path: /a, host: a, respond: {}}\n", 4, 5, "never reached"},
    {HEAD "  - {path: /*, host: '*.a.b', respond: {}}\n  - {path: /a, host: 'X.A.b.', respond: {}}\n", 4, 5,
     "never reached"},
    {HEAD "  - {path: /a, host: '*.a', respond: {}}\n  - {path: /a, host: '*.b.a', respond: {}}\n", 4, 5,
     "never reached"},
    {HEAD "  - {path: /a, host: A.b, respond: {}}\n  - {path: /a, host: a.B., respond: {}}\n", 4, 5,
     "never reached"},
    /* rules for headers */
    {"headers: {}\nheader: {}\n" HEAD HELLO, 2, 1, "did you mean 'headers'?"},
    {"headers: {reply: {}}\n" HEAD HELLO, 1, 11, "unknown key 'reply' in headers"},
    {"headers: {response: {sett: {}}}\n" HEAD HELLO, 1, 22, "did you mean 'set'?"},
    {"headers: {response: {set: []}}\n" HEAD HELLO, 1, 27, "a mapping"},
    {"headers: {response: {remove: {}}}\n" HEAD HELLO, 1, 30, "a list"},
    {"headers: {response: {set: {Content-Length: 1}}}\n" HEAD HELLO, 1, 28,
     "'Content-Length', which is set by the server"},
    {"headers: {response: {remove: [date]}}\n" HEAD HELLO, 1, 31, "set by the server"},
    {"headers: {response: {remove: [content-type]}}\n" HEAD HELLO, 1, 31, "it can be set"},
    {"headers: {response: {set: {upgrade: x}}}\n" HEAD HELLO, 1, 28, "one connection"},
    {"headers: {request: {set: {proxy-authorization: x}}}\n" HEAD HELLO, 1, 27, "one connection"},
    {"headers: {request: {set: {host: x}}}\n" HEAD HELLO, 1, 27, "as 'host'"},
    {"headers: {request: {set: {transfer-encoding: x}}}\n" HEAD HELLO, 1, 27,
     "set by the client that asks the backend"},
    {"headers: {request: {remove: [expect]}}\n" HEAD HELLO, 1, 30, "set with the body"},
    {"headers: {response: {set: {'a b': x}}}\n" HEAD HELLO, 1, 28, "the name of a header"},
    {"headers: {response: {set: {a: \"x\\ny\"}}}\n" HEAD HELLO, 1, 31, "one line of text"},
    {"headers: {response: {set: {a: x, A: y}}}\n" HEAD HELLO, 1, 34, "'A' twice"},
    {"headers: {response: {set: {a: x}, remove: [A]}}\n" HEAD HELLO, 1, 44, "'A' twice"},
    {"headers: {response: {set: {a: 'x{id}'}}}\n" HEAD HELLO, 1, 33,
     "'{id}', expected {host}, {path}, {query} or {client_cert}"},
    {HEAD "  - {path: '/{id}', respond: {}, headers: {response: {set: {a: 'x{di}'}}}}\n", 3, 66,
     "'{di}', expected one that"},
    {HEAD "  - {path: /a, respond: {}, headers: {response: {set: {a: '{*}'}}}}\n", 3, 59,
     "'{*}', expected one that"},
    {HEAD "  - {path: /a, respond: {}, headers: {response: {set: {a: {b: c}}}}}\n", 3, 59,
     "the value of a header"},
    /* redirects */
    {HEAD "  - {path: /, redirect: {}}\n", 3, 25, "no 'to'"},
    {HEAD "  - {path: /, redirect: {to: /x, status: 200}}\n", 3, 42, "301, 302, 303, 307 or 308"},
    {HEAD "  - {path: /, redirect: {to: /x, code: 301}}\n", 3, 34, "unknown key 'code'"},
    {HEAD "  - {path: /, redirect: {to: x}}\n", 3, 30, "a path, or http:// or https://"},
    {HEAD "  - {path: /, redirect: {to: ''}}\n", 3, 30, "a path, or http:// or https://"},
    {HEAD "  - {path: /, redirect: {to: '?a'}}\n", 3, 30, "a path, or http:// or https://"},
    {HEAD "  - {path: /, redirect: {to: 'ftp://h/'}}\n", 3, 30, "a path, or http:// or https://"},
    {HEAD "  - {path: /, redirect: {to: 'javascript:x'}}\n", 3, 30, "a path, or http:// or https://"},
    {HEAD "  - {path: /, redirect: {to: '//h/'}}\n", 3, 30, "one '/' at its beginning"},
    {HEAD "  - {path: /, redirect: {to: '/\\h'}}\n", 3, 32, NULL},
    {HEAD "  - {path: /, redirect: {to: '/a b'}}\n", 3, 33, NULL},
    {HEAD "  - {path: /, redirect: {to: '/%4'}}\n", 3, 0, NULL},
    {HEAD "  - {path: /, redirect: {to: '/{'}}\n", 3, 32, "{name}"},
    {HEAD "  - {path: /, redirect: {to: '/{a}'}}\n", 3, 32, "'{a}', expected one that the path '/' has"},
    {HEAD "  - {path: /, redirect: {to: '/{*}'}}\n", 3, 32, "'{*}', expected one that"},
    {HEAD "  - {path: '/{a}', redirect: {to: '{a}/x'}}\n", 3, 35, "a path, or http:// or https://"},
    {HEAD "  - {path: '/{path}', redirect: {to: '{path}'}}\n", 3, 38, "a path, or http:// or https://"},
    {HEAD "  - {path: /*, redirect: {to: 'https://h{*}'}}\n", 3, 31, "no parameter but {host}"},
    {HEAD "  - {path: '/{a}', redirect: {to: 'https://{a}/'}}\n", 3, 35, "no parameter but {host}"},
    {HEAD "  - {path: '/{path}', redirect: {to: 'https://{host}{path}'}}\n", 3, 0, "a path, or"},
    {HEAD "  - {path: /, redirect: {to: 'https:///x'}}\n", 3, 30, NULL},
    {HEAD "  - {path: /, redirect: {to: 'https://u@h/x'}}\n", 3, 30, "user name"},
    {HEAD "  - {path: /, redirect: {to: 'https://{host}:x/'}}\n", 3, 30, "port"},
    {HEAD "  - {path: /, redirect: {to: '/x#a b'}}\n", 3, 35, NULL},
    {HEAD "  - {path: /, redirect: {to: '/x#a#b'}}\n", 3, 35, NULL},
    /* trusted proxies */
    {"trusted_proxies: 10.0.0.0/8\n" HEAD HELLO, 1, 18, "a list"},
    {"trusted_proxies: [10.0.0.0/33]\n" HEAD HELLO, 1, 28, "from 0 to 32"},
    {"trusted_proxies: [10.0.0.1/8]\n" HEAD HELLO, 1, 19, "zeros behind its bits"},
    {"trusted_proxies: [unix, proxy]\n" HEAD HELLO, 1, 25, "10.0.0.0/8"},
    /* the resolver */
    {"resolver: {}\nresolvr: {}\n" HEAD HELLO, 2, 1, "did you mean 'resolver'?"},
    {"resolver: {servers: {a: b}}\n" HEAD HELLO, 1, 21, "an address, or a list of them"},
    {"resolver: [127.0.0.1]\n" HEAD HELLO, 1, 11, "resolver is a list, expected a mapping"},
    {"resolver: {server: 127.0.0.1}\n" HEAD HELLO, 1, 12, "did you mean 'servers'?"},
    {"resolver: {servers: []}\n" HEAD HELLO, 1, 21, "expected 1 to 8"},
    {"resolver: {servers: {a: b}}\n" HEAD HELLO, 1, 21, "a list"},
    {"resolver: {servers: [127.0.0.1, dns]}\n" HEAD HELLO, 1, 33, "10.0.0.2:5300"},
    {"resolver: {servers: ['127.0.0.1:0']}\n" HEAD HELLO, 1, 22, "10.0.0.2:5300"},
    {"resolver: {timeout: 1ms}\n" HEAD HELLO, 1, 21, "from 10ms to 1m"},
    {"trusted_proxy: [unix]\n" HEAD HELLO, 1, 1, "did you mean 'trusted_proxies'?"},
};

static void faults_name_their_place_and_what_was_expected(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        reading_has(&table[i]);
}

static void routes_of_one_path_are_named_by_their_hosts(void **state)
{
    struct config c;

    (void)state;
    reading_fine(HEAD "  - {path: /x, host: Shop.Example.COM., respond: {}}\n"
                      "  - {path: /x, host: '*.example.com', respond: {}}\n"
                      "  - {path: /x, host: '[::1]', respond: {}}\n"
                      "  - {path: /x, methods: GET, respond: {}}\n"
                      "  - {path: /x, methods: POST, respond: {}}\n"
                      "  - {path: /y, host: shop.example.com, respond: {}}\n"
                      "  - {path: /z, host: shop.example.com, methods: GET, respond: {}}\n"
                      "  - {path: /z, host: shop.example.com, methods: POST, respond: {}}\n",
                 &c);
    assert_string_equal(c.routes[0].host, "shop.example.com");
    assert_string_equal(c.routes[0].name, "shop.example.com/x");
    assert_string_equal(c.routes[1].name, "*.example.com/x");
    assert_string_equal(c.routes[2].name, "[::1]/x");
    assert_null(c.routes[3].host);
    assert_string_equal(c.routes[3].name, "/x");
    assert_string_equal(c.routes[4].name, "/x");
    assert_string_equal(c.routes[5].name, "/y");
    assert_string_equal(c.routes[6].name, "/z");
    assert_string_equal(c.routes[7].name, "/z");
    config_free(&c);
}

/* A later route is reached where its host is not one of the earlier. */
static void hosts_make_routes_differ(void **state)
{
    struct config c;

    (void)state;
    reading_fine(HEAD "  - {path: /*, host: '*.a.b', respond: {}}\n"
                      "  - {path: /x, host: a.b, respond: {}}\n"
                      "  - {path: /x, host: '*.b', respond: {}}\n"
                      "  - {path: /x, respond: {}}\n",
                 &c);
    assert_int_equal(c.route_count, 4);
    config_free(&c);
}

static const struct config_header_rule *rule_of(const struct config_header_rules *rules, const char *name)
{
    for (size_t i = 0; i < rules->count; i++)
        if (strcmp(rules->rule[i].name, name) == 0)
            return &rules->rule[i];
    return NULL;
}

static void rules_of_a_route_come_before_those_of_the_file(void **state)
{
    const struct config_header_rules *response;
    struct config c;

    (void)state;
    reading_fine("headers:\n"
                 "  request: {remove: [cookie]}\n"
                 "  response: {set: {x-a: file, x-b: file}, remove: [server]}\n" HEAD
                 "  - {path: /, respond: {}}\n"
                 "  - path: '/{id}/*'\n"
                 "    respond: {}\n"
                 "    headers: {response: {set: {X-A: '{id}{*}', Server: 'x{\"a\":{}}{'}, remove: [x-b]}}\n",
                 &c);
    assert_int_equal(c.headers.response.count, 3);
    assert_int_equal(c.routes[0].headers.response.count, 3);
    assert_string_equal(c.routes[0].headers.request.rule[0].name, "cookie");
    response = &c.routes[1].headers.response;
    assert_int_equal(c.routes[1].headers.request.count, 1);
    assert_int_equal(response->count, 3);
    assert_null(rule_of(response, "x-a"));
    assert_int_equal(rule_of(response, "X-A")->value.count, 2);
    assert_int_equal(rule_of(response, "X-A")->value.parts[1].type, TEMPLATE_PARAM);
    assert_true(rule_of(response, "Server")->set);
    assert_int_equal(rule_of(response, "Server")->value.count, 1); /* braces around no name are text */
    assert_false(rule_of(response, "x-b")->set);
    config_free(&c);
}

static void redirects_are_read(void **state)
{
    const struct redirect_settings *redirect;
    struct config c;

    (void)state;
    reading_fine(
        HEAD "  - {path: /a/*, redirect: {to: 'https://www.{host}:8443/{*}?a={path}#{host}', status: 308}}\n"
             "  - {path: /b, redirect: {to: '{path}/?'}}\n"
             "  - {path: /c, redirect: {to: 'http://[::1]'}}\n",
        &c);
    redirect = c.routes[0].settings;
    assert_int_equal(redirect->status, 308);
    assert_int_equal(redirect->origin.count, 3);
    assert_int_equal(redirect->target.count, 4);
    assert_int_equal(redirect->fragment.count, 2);
    assert_false(redirect->keeps_query);
    redirect = c.routes[1].settings;
    assert_int_equal(redirect->status, 302);
    assert_int_equal(redirect->origin.count, 0);
    assert_int_equal(redirect->target.count, 2);
    assert_int_equal(redirect->target.parts[1].length, 1);
    assert_false(redirect->keeps_query);
    redirect = c.routes[2].settings;
    assert_int_equal(redirect->target.count, 0);
    assert_true(redirect->keeps_query);
    config_free(&c);
}

static void trusted_proxies_are_read(void **state)
{
    struct config c;

    (void)state;
    reading_fine("trusted_proxies: [10.0.0.0/8, '2001:db8::/32', unix]\n" HEAD HELLO, &c);
    assert_int_equal(c.trusted_proxy_count, 3);
    assert_true(networks_have(c.trusted_proxies, c.trusted_proxy_count, "10.1.2.3:4"));
    assert_true(networks_have(c.trusted_proxies, c.trusted_proxy_count, "unix"));
    assert_false(networks_have(c.trusted_proxies, c.trusted_proxy_count, "127.0.0.1:4"));
    config_free(&c);
}

static void the_resolver_is_read(void **state)
{
    struct config c;

    (void)state;
    reading_fine(HEAD HELLO, &c);
    assert_null(c.resolver);
    config_free(&c);
    reading_fine("resolver: {servers: ['127.0.0.1:5300', '[::1]:53', 10.0.0.1], timeout: 2s}\n" HEAD HELLO,
                 &c);
    assert_int_equal(c.resolver->server_count, 3);
    assert_string_equal(c.resolver->servers[0], "127.0.0.1:5300");
    assert_int_equal(c.resolver->timeout.ns, weir_seconds(2).ns);
    config_free(&c);
    reading_fine("resolver: {servers: 127.0.0.1}\n" HEAD HELLO, &c);
    assert_int_equal(c.resolver->server_count, 1);
    assert_int_equal(c.resolver->timeout.ns, 0);
    config_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_name_their_place_and_what_was_expected),
        cmocka_unit_test(routes_of_one_path_are_named_by_their_hosts),
        cmocka_unit_test(hosts_make_routes_differ),
        cmocka_unit_test(rules_of_a_route_come_before_those_of_the_file),
        cmocka_unit_test(redirects_are_read),
        cmocka_unit_test(trusted_proxies_are_read),
        cmocka_unit_test(the_resolver_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
