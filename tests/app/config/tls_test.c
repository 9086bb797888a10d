/* SPDX-License-Identifier: MIT */
/* Listeners with TLS and the PROXY protocol, tls of backends, and the scheme of routes in a configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "app/support/reading.h"
#include "config/backend.h"
#include "config/tls.h"
#include "routes/proxy_settings.h"

#define ROUTES "routes:\n  - {path: /, respond: {body: x}}\n"
#define REST "\n" ROUTES
#define PAIR "certificates: [{cert: a.pem, key: a.key}]"
#define LISTEN(text) "listen: {address: 'a:1', " text "}" REST
#define TLS(text) LISTEN("tls: {" text "}")
#define BACKEND(text) "listen: a:1\nbackends: {b: {urls: 'https://b', tls: {" text "}}}" REST

static const struct reading_fault table[] = {
    /* listeners */
    {"listen: {tls: {}}" REST, 1, 9, "listen has no 'address', expected HOST:PORT"},
    {"listen: {address: [a]}" REST, 1, 19, "HOST:PORT, [IPV6]:PORT or unix:PATH"},
    {"listen: {address: a}" REST, 1, 19, "HOST:PORT"},
    {"listen: {adress: 'a:1'}" REST, 1, 10, "did you mean 'address'?"},
    {"listen: ['a:1', {address: 'a:1'}]" REST, 1, 27, "expected an address of its own; 'a:1'"},
    {LISTEN("proxy_protocol: v2"), 1, 42, "listen.proxy_protocol is 'v2', expected true or false"},
    {LISTEN("proxy: true"), 1, 26, "unknown key 'proxy' in listen"},
    {LISTEN("tls: true"), 1, 31, "tls is 'true', expected a mapping"},
    {TLS(""), 1, 31, "tls has no 'certificates', expected a list of {cert: FILE, key: FILE}"},
    {TLS("certificates: []"), 1, 46, "tls.certificates has 0 entries, expected 1 to 1000"},
    {TLS("certificates: {cert: a, key: b}"), 1, 46, "tls.certificates is a mapping, expected a list"},
    {TLS("certificates: [a.pem]"), 1, 47, "tls.certificates is 'a.pem', expected a mapping"},
    {TLS("certificates: [{cert: a}]"), 1, 47, "tls.certificates has no 'key', expected a PEM file"},
    {TLS("certificates: [{key: a}]"), 1, 47, "tls.certificates has no 'cert', expected a PEM file"},
    {TLS("certificates: [{cert: a, kye: b}]"), 1, 57, "did you mean 'key'?"},
    {TLS("certificates: [{cert: '', key: b}]"), 1, 54, "tls.certificates.cert is empty"},
    {TLS("certificates: [{cert: a, key: [b]}]"), 1, 62, "tls.certificates.key is a list"},
    {TLS("certificate: []"), 1, 32, "did you mean 'certificates'?"},
    {TLS(PAIR ", client_ca: {}"), 1, 86, "tls.client_ca is a mapping, expected text"},
    {TLS(PAIR ", min: 1.1"), 1, 80, "tls.min is '1.1', expected 1.2 or 1.3"},
    {TLS(PAIR ", min: '1.20'"), 1, 80, "tls.min is '1.20', expected 1.2 or 1.3"},
    {TLS(PAIR ", min: [1.2]"), 1, 80, "tls.min is a list, expected 1.2 or 1.3"},
    {TLS(PAIR ", max: 1.2"), 1, 75, "unknown key 'max' in tls"},
    {TLS(PAIR ", recheck: 1ms"), 1, 84, "tls.recheck is '1ms', expected a duration from 10ms to 24h"},
    {"listen: a:1\nadmin: {address: 'a:2'}" REST, 2, 8, "admin is a mapping, expected HOST:PORT"},
    {"listen: 'https://a:1'" REST, 1, 9, "expected HOST:PORT, [IPV6]:PORT or unix:PATH, without a scheme"},
    /* backends */
    {"listen: a:1\nbackends: {b: {urls: 'http://b', tls: {}}}" REST, 2, 39,
     "no URL of 'b' begins with https://"},
    {"listen: a:1\nbackends: {b: {urls: 'unix:/b', tls: {}}}" REST, 2, 38,
     "no URL of 'b' begins with https://"},
    {"listen: a:1\nbackends: {b: {urls: 'https://b', tls: ca.pem}}" REST, 2, 40,
     "backend.tls is 'ca.pem', expected a mapping"},
    {BACKEND("cert: a"), 2, 47, "backend.tls has 'cert' without 'key', expected both"},
    {BACKEND("key: a"), 2, 46, "backend.tls has 'key' without 'cert', expected both"},
    {BACKEND("ca: []"), 2, 45, "backend.tls.ca is a list, expected text"},
    {BACKEND("ac: x"), 2, 41, "did you mean 'ca'?"},
    {BACKEND("name: 'b:443'"), 2, 47, "backend.tls.name is 'b:443', expected a host's name or address"},
    {BACKEND("server_name: 'b/'"), 2, 54, "expected a host's name or address, without a port"},
    {BACKEND("name: b, server_name: b"), 2, 50, "which are the same; expected one of them"},
    {BACKEND("verify: no"), 2, 49, "backend.tls.verify is 'no', expected true or false"},
    {BACKEND("ca: a, verify: false"), 2, 45,
     "backend.tls has 'ca' and 'verify: false', expected one of them"},
    {BACKEND("min: 3"), 2, 46, "backend.tls.min is '3', expected 1.2 or 1.3"},
    /* the scheme of routes */
    {"listen: a:1\nroutes:\n  - {path: /, scheme: ftp, respond: {}}\n", 3, 23, "any, http or https"},
    {"listen: a:1\nroutes:\n  - {path: /, scheme: https, respond: {}}\n", 3, 5,
     "expected 'listen' to have an address with tls: its scheme is 'https'"},
    {TLS(PAIR) "  - {path: /a, scheme: http, respond: {}}\n", 4, 5,
     "expected 'listen' to have an address without tls: its scheme is 'http'"},
    {TLS(PAIR) "  - {path: /, scheme: https, respond: {}}\n", 4, 5, "'/' in line 3 comes first"},
};

static void faults_name_their_place_and_what_was_expected(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        reading_has(&table[i]);
}

static void listeners_are_read(void **state)
{
    const weir_tls_server_options *options;
    struct config c;

    (void)state;
    reading_fine("listen:\n"
                 "  - 127.0.0.1:1\n"
                 "  - address: 127.0.0.1:2\n"
                 "    tls:\n"
                 "      certificates: [{cert: a.pem, key: a.key}, {cert: /b.pem, key: /b.key}]\n"
                 "      client_ca: ca.pem\n"
                 "      min: 1.3\n"
                 "  - {address: 'unix:/x', proxy_protocol: true}\n" ROUTES,
                 &c);
    assert_int_equal(c.listen_count, 3);
    assert_null(c.listen[0].tls);
    assert_false(c.listen[0].proxy_protocol);
    assert_string_equal(c.listen[1].text, "127.0.0.1:2");
    assert_false(c.listen[1].proxy_protocol);
    options = &c.listen[1].tls->options;
    assert_int_equal(options->certificate_count, 2);
    assert_string_equal(options->certificates[0].cert, "a.pem");
    assert_string_equal(options->certificates[0].key, "a.key");
    assert_string_equal(options->certificates[1].key, "/b.key");
    assert_string_equal(options->client_ca, "ca.pem");
    assert_int_equal(options->min, WEIR_TLS_1_3);
    assert_string_equal(options->alpn[0], "http/1.1");
    assert_string_equal(c.listen[2].path, "/x");
    assert_true(c.listen[2].proxy_protocol);
    config_free(&c);
}

static void versions_may_be_in_quotes(void **state)
{
    static const char *const texts[] = {TLS(PAIR ", min: 1.2"), TLS(PAIR ", min: '1.2'"),
                                        TLS(PAIR ", min: \"1.2\"")};
    struct config c;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        reading_fine(texts[i], &c);
        assert_int_equal(c.listen[0].tls->options.min, WEIR_TLS_1_2);
        config_free(&c);
    }
}

/* Relative paths begin at the file's folder, as those of files do. */
static void a_sentence_leads_to_the_place_of_its_file(void **state)
{
    static const char text[] = TLS("certificates: [{cert: a.pem, key: a.key}, {cert: b.pem, key: b.key}], "
                                   "client_ca: ca.pem");
    const struct config_tls_server *tls;
    struct config c;

    (void)state;
    reading_fine(text, &c);
    tls = c.listen[0].tls;
    assert_int_equal(tls_server_place(tls, "b.key is not the key of b.pem").column, 93);
    assert_int_equal(tls_server_place(tls, "a.pem: no PEM").column, 54);
    assert_int_equal(tls_server_place(tls, "ca.pem: no such file").column, 113);
    assert_int_equal(tls_server_place(tls, "out of memory").column, 31);
    assert_int_equal(tls_server_place(tls, NULL).column, 31);
    config_free(&c);
}

static void tls_of_backends_is_read(void **state)
{
    const struct config_tls_client *tls;
    struct config c;

    (void)state;
    reading_fine(BACKEND("ca: ca.pem, cert: c.pem, key: c.key, name: db.internal, min: '1.3'"), &c);
    tls = c.backends[0].tls;
    assert_true(c.backends[0].https);
    assert_string_equal(tls->options.ca, "ca.pem");
    assert_string_equal(tls->options.cert, "c.pem");
    assert_string_equal(tls->options.key, "c.key");
    assert_string_equal(tls->options.server_name, "db.internal");
    assert_false(tls->options.unverified);
    assert_int_equal(tls->options.min, WEIR_TLS_1_3);
    assert_int_equal(tls_client_place(tls, "c.key is not the key of c.pem").column, 71);
    config_free(&c);
    reading_fine(BACKEND("server_name: 127.0.0.1, verify: false"), &c);
    tls = c.backends[0].tls;
    assert_string_equal(tls->options.server_name, "127.0.0.1");
    assert_true(tls->options.unverified);
    assert_null(tls->options.ca);
    config_free(&c);
    reading_fine("listen: a:1\nbackends: {b: {urls: [HTTPS://b, http://c]}, d: {urls: http://d}}" REST, &c);
    assert_true(c.backends[0].https);
    assert_null(c.backends[0].tls);
    assert_false(c.backends[1].https);
    config_free(&c);
}

static void https_urls_are_taken(void **state)
{
    const struct proxy_settings *proxy;
    struct config c;

    (void)state;
    reading_fine("listen: a:1\nroutes:\n"
                 "  - {path: /a/*, proxy: {to: 'https://h:8443/base/'}}\n"
                 "  - {path: '/{id}', gather: {calls: [{name: a, url: 'https://h/x/{id}'}]}}\n",
                 &c);
    proxy = c.routes[0].settings;
    assert_string_equal(proxy->origin, "https://h:8443");
    assert_string_equal(proxy->base, "/base");
    config_free(&c);
}

static void schemes_make_routes_differ(void **state)
{
    struct config c;

    (void)state;
    reading_fine("listen: [a:1, {address: 'a:2', tls: {" PAIR "}}]\nroutes:\n"
                 "  - {path: /x, scheme: http, host: a, respond: {}}\n"
                 "  - {path: /x, scheme: https, host: a, respond: {}}\n"
                 "  - {path: /x, host: b, respond: {}}\n"
                 "  - {path: /*, scheme: http, redirect: {to: 'https://{host}{path}'}}\n"
                 "  - {path: /*, respond: {}}\n",
                 &c);
    assert_int_equal(c.routes[0].scheme, CONFIG_HTTP);
    assert_string_equal(c.routes[0].name, "http://a/x");
    assert_string_equal(c.routes[1].name, "https://a/x");
    assert_string_equal(c.routes[2].name, "b/x");
    assert_string_equal(c.routes[3].name, "http:/*");
    assert_int_equal(c.routes[4].scheme, CONFIG_ANY_SCHEME);
    assert_string_equal(c.routes[4].name, "/*");
    config_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_name_their_place_and_what_was_expected),
        cmocka_unit_test(listeners_are_read),
        cmocka_unit_test(versions_may_be_in_quotes),
        cmocka_unit_test(a_sentence_leads_to_the_place_of_its_file),
        cmocka_unit_test(tls_of_backends_is_read),
        cmocka_unit_test(https_urls_are_taken),
        cmocka_unit_test(schemes_make_routes_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
