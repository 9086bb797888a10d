/* SPDX-License-Identifier: MIT */
/* "cors" and "auth" of a configuration, and which origins are allowed by it. */
#include "app/support/reading.h"

#include "config/auth.h"
#include "config/cors.h"
#include "http/cors.h"

#define CORS(text)                                                                                           \
    "listen: 127.0.0.1:8080\nroutes:\n  - {path: /, methods: [GET], respond: {}, cors: {" text "}}\n"
#define AUTH(text) "listen: 127.0.0.1:8080\nroutes:\n  - {path: /, respond: {}, auth: {" text "}}\n"
#define ORIGIN(text) CORS("origins: ['" text "']")

static const struct reading_fault table[] = {
    {CORS(""), 3, 0, "no 'origins'"},
    {CORS("origin: '*'"), 3, 0, "did you mean 'origins'?"},
    {CORS("origins: []"), 3, 60, "an empty list"},
    {CORS("origins: 'https://a.b'"), 3, 60,
     "expected a list such as [\"https://shop.example.com\"], or \"*\""},
    {CORS("origins: ['*']"), 3, 61, "\"*\" alone"},
    {CORS("origins: [{a: b}]"), 3, 61, "text"},
    {CORS("origins: '*', credentials: true"), 3, 60, "with credentials"},
    {CORS("origins: ['https://a'], credentials: true, headers: '*'"), 3, 0, "cors.headers is '*'"},
    {CORS("origins: ['https://a'], credentials: true, expose: '*'"), 3, 0, "cors.expose is '*'"},
    {CORS("origins: ['https://a', 'HTTPS://A:443']"), 3, 74,
     "'HTTPS://A:443', the same origin as 'https://a' in line 3, expected each once"},
    {CORS("origins: ['null', 'null']"), 3, 69, "the same origin"},
    {CORS("origins: [null, x, \"Null\"]"), 3, 67, "'x', expected an origin"},
    {CORS("origins: [null, \"Null\"]"), 3, 67, "'Null', the same origin as 'null' in line 3"},
    {CORS("origins: '*', headers: x-a"), 3, 0, "a list, [a, b], or \"*\""},
    {CORS("origins: '*', expose: {a: b}"), 3, 0, "a list, [a, b], or \"*\""},
    {ORIGIN(""), 3, 61, "an origin"},
    {ORIGIN("a.b"), 3, 61, "an origin"},
    {ORIGIN("//a.b"), 3, 61, "an origin"},
    {ORIGIN("://a.b"), 3, 61, "an origin"},
    {ORIGIN("https://"), 3, 61, "an origin"},
    {ORIGIN("https://a.b/"), 3, 61, "no path"},
    {ORIGIN("https://a.b/c"), 3, 61, "no path"},
    {ORIGIN("https://a.b?c"), 3, 61, "no path"},
    {ORIGIN("https://a@b"), 3, 61, "no user name"},
    {ORIGIN("https://a b"), 3, 61, "an origin"},
    {ORIGIN("https://a..b"), 3, 61, "an origin"},
    {ORIGIN("https://.a"), 3, 61, "an origin"},
    {ORIGIN("https://a."), 3, 61, "an origin"},
    {ORIGIN("https://a:"), 3, 61, "one port"},
    {ORIGIN("https://a:0"), 3, 61, "one port"},
    {ORIGIN("https://a:65536"), 3, 61, "one port"},
    {ORIGIN("https://a:+1"), 3, 61, "one port"},
    {ORIGIN("https://a:1:2"), 3, 61, "an origin"},
    {ORIGIN("https://[::1"), 3, 61, NULL},
    {ORIGIN("https://*"), 3, 61, "only in place of the first names"},
    {ORIGIN("https://*a.b"), 3, 61, "only in place of the first names"},
    {ORIGIN("https://a.*.b"), 3, 61, "only in place of the first names"},
    {ORIGIN("https://*.*.b"), 3, 61, "only in place of the first names"},
    {ORIGIN("https://a.b:*"), 3, 61, "one port"},
    {ORIGIN("*://a.b"), 3, 61, "an origin"},
    {CORS("origins: '*', methods: [PUT]"), 3, 0, "PUT, which the route does not take"},
    {CORS("origins: '*', methods: [get]"), 3, 0, "unknown method"},
    {CORS("origins: '*', methods: [GET, GET]"), 3, 0, "twice"},
    {CORS("origins: '*', headers: ['a b']"), 3, 0, "the name of a header"},
    {CORS("origins: '*', headers: ['*']"), 3, 0, "the name of a header"},
    {CORS("origins: '*', expose: [\"a\\r\\nb\"]"), 3, 0, "the name of a header"},
    {CORS("origins: '*', max_age: 25h"), 3, 0, "from 0s to"},
    /* auth */
    {AUTH(""), 3, 0, "neither 'basic' nor 'bearer'"},
    {AUTH("basic: a, bearer: b"), 3, 45, "expected one"},
    {AUTH("basic: ''"), 3, 42, "auth.basic is empty"},
    {AUTH("basic: [a]"), 3, 42, "text"},
    {AUTH("basic: a, relm: b"), 3, 0, "did you mean 'realm'?"},
    {AUTH("basic: a, realm: \"x\\r\\ny\""), 3, 0, "one line of text"},
    {AUTH("basic: a, user_header: 'a b'"), 3, 0, "the name of a header"},
    {AUTH("basic: a, user_header: Host"), 3, 0, "no header that belongs to the connection"},
    {AUTH("basic: a, user_header: Authorization"), 3, 0, "another header"},
    {"headers: {request: {remove: [x-user]}}\n" AUTH("basic: a, user_header: X-User"), 4, 0,
     "which headers.request names, too"},
};

static void faults_name_their_place_and_what_was_expected(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        reading_has(&table[i]);
}

static void origins_are_compared_as_browsers_write_them(void **state)
{
    static const struct {
        const char *origin;
        bool allowed;
    } cases[] = {
        {"https://shop.example.com", true},
        {"http://shop.example.com", false},
        {"https://shop.example.com:443", false}, /* no browser writes it */
        {"https://SHOP.example.com", false},
        {"https://shop.example.com/", false},
        {"https://shop.example.com.", false},
        {"http://plain:8080", true},
        {"http://plain", false},
        {"http://[::1]:3000", true},
        {"capacitor://localhost", true},
        {"null", false},
        {"", false},
        {"*", false},
        {"https://a.example.net", true},
        {"https://a-1.b_2.example.net", true},
        {"https://example.net", false},
        {"https://.example.net", false},
        {"https://a..example.net", false},
        {"https://aexample.net", false},
        {"https://a.example.net:443", false},
        {"https://evil/.example.net", false},
        {"https://evil:1.example.net", false},
        {"https://evil@a.example.net", false},
        {"https://a.example.net.evil", false},
        {"http://a.example.net", false},
        {"http://b.local:81", true},
        {"http://b.local:810", false},
        {"http://b.local", false},
    };
    const struct config_cors *cors;
    struct config c;

    (void)state;
    reading_fine(
        CORS("origins: ['HTTPS://Shop.Example.COM:443', 'http://plain:8080', 'http://[::1]:3000', "
             "'capacitor://localhost', 'https://*.Example.net:443', 'http://*.local:81'], credentials: true, "
             "headers: [X-A, b], max_age: 1500ms"),
        &c);
    cors = c.routes[0].cors;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (cors_allows(cors, cases[i].origin) != cases[i].allowed)
            fail_msg("%s", cases[i].origin);
    assert_string_equal(cors->methods, "GET, HEAD");
    assert_string_equal(cors->headers, "X-A, b");
    assert_null(cors->expose);
    assert_string_equal(cors->max_age, "1");
    assert_true(cors->credentials);
    config_free(&c);
}

static void every_method_of_a_route_is_allowed(void **state)
{
    struct config c;

    (void)state;
    reading_fine("listen: 127.0.0.1:8080\nroutes:\n  - {path: /, respond: {}, cors: {origins: '*'}}\n", &c);
    assert_string_equal(c.routes[0].cors->methods, "GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS");
    assert_string_equal(c.routes[0].cors->max_age, "5");
    assert_true(cors_allows(c.routes[0].cors, "null"));
    config_free(&c);
}

static void a_credential_is_removed_unless_it_is_to_pass(void **state)
{
    const struct config_header_rules *rules;
    struct config c;

    (void)state;
    reading_fine(
        "headers: {request: {remove: [cookie]}}\n" AUTH(
            "basic: users, realm: 'a \"b\"', user_header: X-User") "  - {path: /p, respond: {}, auth: "
                                                                   "{bearer: /tokens, pass: true}}\n"
                                                                   "  - {path: /o, respond: {}, auth: "
                                                                   "{bearer: /tokens}, headers: {request: "
                                                                   "{set: {Authorization: own}}}}\n",
        &c);
    rules = &c.routes[0].headers.request;
    assert_int_equal(rules->count, 3);
    assert_string_equal(rules->rule[1].name, "authorization");
    assert_false(rules->rule[1].set);
    assert_string_equal(rules->rule[2].name, "X-User");
    assert_int_equal(rules->rule[2].value.parts[0].type, TEMPLATE_USER);
    assert_string_equal(c.routes[0].auth->challenge, "Basic realm=\"a \\\"b\\\"\", charset=\"UTF-8\"");
    assert_int_equal(c.headers.request.count, 1); /* the others are the route's alone */
    assert_int_equal(c.routes[1].headers.request.count, 1);
    assert_string_equal(c.routes[1].auth->file, "/tokens");
    assert_string_equal(c.routes[1].auth->refusal, "Bearer realm=\"restricted\", error=\"invalid_token\"");
    assert_int_equal(c.routes[2].headers.request.count, 2);
    assert_true(c.routes[2].headers.request.rule[0].set);
    config_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_name_their_place_and_what_was_expected),
        cmocka_unit_test(origins_are_compared_as_browsers_write_them),
        cmocka_unit_test(every_method_of_a_route_is_allowed),
        cmocka_unit_test(a_credential_is_removed_unless_it_is_to_pass),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
