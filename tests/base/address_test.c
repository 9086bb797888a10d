/* SPDX-License-Identifier: MIT */
/* Hosts and addresses as text, and where a fault in one is. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <weir/address.h>
#include <weir/stream.h>

static void assert_span(weir_bytes span, const char *text)
{
    if (!weir_bytes_equal(span, weir_bytes_of(text)))
        fail_msg("'%.*s', expected '%s'", (int)span.len, span.data, text);
}

static void hosts_have_a_type(void **state)
{
    static const struct {
        const char *host;
        enum weir_host_type type;
    } table[] = {
        {"localhost", WEIR_HOST_NAME},
        {"a-b.c_d.example", WEIR_HOST_NAME},
        {"3com.x2", WEIR_HOST_NAME},
        {"1.2.3.4", WEIR_HOST_IPV4},
        {"255.255.255.255", WEIR_HOST_IPV4},
        {"::", WEIR_HOST_IPV6},
        {"2001:db8::7", WEIR_HOST_IPV6},
        {"::ffff:127.0.0.1", WEIR_HOST_IPV6},
        {"", WEIR_HOST_INVALID},
        {".", WEIR_HOST_INVALID},
        {"a.", WEIR_HOST_NAME},
        {"svc.ns.", WEIR_HOST_NAME},
        {"a..", WEIR_HOST_INVALID},
        {"a-.", WEIR_HOST_INVALID},
        {"a.7.", WEIR_HOST_INVALID},
        {"1.2.3.4.", WEIR_HOST_INVALID},
        {".a", WEIR_HOST_INVALID},
        {"a..b", WEIR_HOST_INVALID},
        {"-a", WEIR_HOST_INVALID},
        {"a-.b", WEIR_HOST_INVALID},
        {"1.2.3", WEIR_HOST_INVALID},
        {"1.2.3.4.5", WEIR_HOST_INVALID},
        {"01.2.3.4", WEIR_HOST_INVALID},
        {"256.0.0.1", WEIR_HOST_INVALID},
        {"a.7", WEIR_HOST_INVALID},
        {"0x7f.1", WEIR_HOST_INVALID},
        {"[::1]", WEIR_HOST_INVALID},
        {"::1%lo", WEIR_HOST_INVALID},
        {":::", WEIR_HOST_INVALID},
        {"a b", WEIR_HOST_INVALID},
        {"a\xc3\xa4", WEIR_HOST_INVALID},
        {"7", WEIR_HOST_INVALID},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (weir_host_type_of(weir_bytes_of(table[i].host)) != table[i].type)
            fail_msg("'%s' is of type %d", table[i].host, weir_host_type_of(weir_bytes_of(table[i].host)));
    for (size_t length = 252; length <= 256; length++) { /* labels of one letter: at most 253, and a dot */
        char name[256];
        for (size_t i = 0; i < length; i++)
            name[i] = i % 2 == 0 ? 'a' : '.';
        assert_int_equal(weir_host_type_of((weir_bytes){name, length}),
                         length <= 254 ? WEIR_HOST_NAME : WEIR_HOST_INVALID);
    }
    assert_span(weir_host_without_dot(weir_bytes_of("a.b.")), "a.b");
    assert_span(weir_host_without_dot(weir_bytes_of("a.b")), "a.b");
    assert_int_equal(weir_host_without_dot((weir_bytes){NULL, 0}).len, 0);
    assert_int_equal(weir_host_type_of((weir_bytes){"a\0b", 3}), WEIR_HOST_INVALID);
    assert_int_equal(weir_host_type_of((weir_bytes){"::1\0", 4}), WEIR_HOST_INVALID);
}

static void localhost_is_known_however_it_is_written(void **state)
{
    (void)state;
    assert_true(weir_host_is_localhost(weir_bytes_of("localhost")));
    assert_true(weir_host_is_localhost(weir_bytes_of("LocalHost.")));
    assert_false(weir_host_is_localhost(weir_bytes_of("localhost..")));
    assert_false(weir_host_is_localhost(weir_bytes_of("localhosts")));
    assert_false(weir_host_is_localhost(weir_bytes_of("a.localhost")));
    assert_false(weir_host_is_localhost((weir_bytes){NULL, 0}));
}

static void addresses_come_apart(void **state)
{
    weir_address a;

    (void)state;
    assert_int_equal(weir_address_parse(weir_bytes_of("localhost:80"), &a, NULL), 0);
    assert_int_equal(a.host_type, WEIR_HOST_NAME);
    assert_span(a.host, "localhost");
    assert_int_equal(a.port, 80);
    assert_int_equal(a.path.len, 0);
    assert_int_equal(weir_address_parse(weir_bytes_of("[::1]:65535"), &a, NULL), 0);
    assert_int_equal(a.host_type, WEIR_HOST_IPV6);
    assert_span(a.host, "::1");
    assert_int_equal(a.port, 65535);
    assert_int_equal(weir_address_parse(weir_bytes_of("unix:/run/x.sock"), &a, NULL), 0);
    assert_int_equal(a.host_type, WEIR_HOST_INVALID);
    assert_span(a.path, "/run/x.sock");
}

static void a_fault_says_what_was_expected_where(void **state)
{
    static const struct {
        const char *text;
        size_t at;
        const char *expected; /* part of it */
    } table[] = {
        {"", 0, "HOST:PORT"},          {"localhost", 0, "HOST:PORT"}, {"localhost:", 10, "0 to 65535"},
        {"a:65536", 2, "0 to 65535"},  {"a:000080", 2, "0 to 65535"}, {"a:8o", 2, "0 to 65535"},
        {"::1:80", 0, "brackets"},     {"[::1]", 0, "[IPV6]:PORT"},   {"[::1]80", 0, "[IPV6]:PORT"},
        {"[::1:80", 0, "[IPV6]:PORT"}, {"[:80", 0, "[IPV6]:PORT"},    {"[127.0.0.1]:80", 0, "[IPV6]:PORT"},
        {"[]:80", 0, "[IPV6]:PORT"},   {"a b:80", 0, "HOST:PORT"},    {":80", 0, "HOST:PORT"},
        {"unix:", 5, "1 to 107"},
    };
    weir_address out;

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        weir_text_fault fault = {0};
        if (weir_address_parse(weir_bytes_of(table[i].text), &out, &fault) != -EINVAL ||
            fault.at != table[i].at || strstr(fault.expected, table[i].expected) == NULL)
            fail_msg("'%s': %zu: %s", table[i].text, fault.at, fault.expected);
        assert_int_equal(weir_address_parse(weir_bytes_of(table[i].text), &out, NULL), -EINVAL);
    }
}

static void what_is_formatted_is_read_again(void **state)
{
    static const char *const table[] = {"127.0.0.1:0", "[2001:db8::7]:443", "a.b:1", "unix:/x"};

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char text[WEIR_ADDRESS_BYTES];
        weir_address a;
        assert_int_equal(weir_address_parse(weir_bytes_of(table[i]), &a, NULL), 0);
        assert_int_equal(weir_address_format(&a, text, sizeof text), strlen(table[i]));
        assert_string_equal(text, table[i]);
        assert_int_equal(weir_address_format(&a, text, strlen(table[i])), -WEIR_ETOOLARGE);
        assert_string_equal(text, "");
        assert_int_equal(weir_address_format(&a, NULL, 0), -WEIR_ETOOLARGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_have_a_type),
        cmocka_unit_test(localhost_is_known_however_it_is_written),
        cmocka_unit_test(addresses_come_apart),
        cmocka_unit_test(a_fault_says_what_was_expected_where),
        cmocka_unit_test(what_is_formatted_is_read_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
