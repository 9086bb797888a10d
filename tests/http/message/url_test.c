/* SPDX-License-Identifier: MIT */
/* URLs, percent coding, and the values of queries and forms. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <weir/url.h>

static void assert_span(weir_bytes span, const char *text)
{
    if (!weir_bytes_equal(span, weir_bytes_of(text)))
        fail_msg("'%.*s', expected '%s'", (int)span.len, span.data, text);
}

/* --- URLs --- */

static void urls_come_apart(void **state)
{
    weir_url url;

    (void)state;
    assert_int_equal(weir_url_parse(weir_bytes_of("http://a.b:8080/c%20d?e=f?g"), &url, NULL), 0);
    assert_false(url.tls);
    assert_int_equal(url.host_type, WEIR_HOST_NAME);
    assert_span(url.host, "a.b");
    assert_int_equal(url.port, 8080);
    assert_span(url.authority, "a.b:8080");
    assert_span(url.origin, "http://a.b:8080");
    assert_span(url.target, "/c%20d?e=f?g");
    assert_span(url.path, "/c%20d");
    assert_span(url.query, "e=f?g");
    assert_int_equal(weir_url_parse(weir_bytes_of("HTTPS://[::1]"), &url, NULL), 0);
    assert_true(url.tls);
    assert_int_equal(url.host_type, WEIR_HOST_IPV6);
    assert_span(url.host, "::1");
    assert_int_equal(url.port, 443);
    assert_span(url.origin, "HTTPS://[::1]");
    assert_span(url.target, "/");
    assert_span(url.path, "/");
    assert_null(url.query.data);
    assert_int_equal(weir_url_parse(weir_bytes_of("http://127.0.0.1/?"), &url, NULL), 0);
    assert_int_equal(url.port, 80);
    assert_non_null(url.query.data);
    assert_int_equal(url.query.len, 0);
}

static void a_fault_in_a_url_has_its_place(void **state)
{
    static const struct {
        const char *url;
        size_t at;
        const char *expected; /* part of it */
    } table[] = {
        {"", 0, "http://HOST"},
        {"h/x", 0, "http://HOST"},
        {"ftp://h/", 0, "http://HOST"},
        {"http:/h/", 0, "http://HOST"},
        {"http://", 7, "a host"},
        {"http:///x", 7, "a host"},
        {"http://u@h/", 7, "no user name"},
        {"http://h:0/", 7, "1 to 65535"},
        {"http://h:/", 7, "1 to 65535"},
        {"http://h:0x/", 7, "1 to 65535"},
        {"http://h:70000/", 7, "1 to 65535"},
        {"http://[::1/", 7, "a host"},
        {"http://[::1]x/", 7, "a host"},
        {"http://::1/", 7, "a host"},
        {"http://a_.-b/", 7, "a host"},
        {"http://1.2.3/", 7, "a host"},
        {"http://h/a b", 10, "'%XX'"},
        {"http://h/a\"b", 10, "'%XX'"},
        {"http://h/{a}", 9, "'%XX'"},
        {"http://h/\xc3\xa4", 9, "'%XX'"},
        {"http://h/x#f", 10, "no fragment"},
        {"http://h#f", 8, "no fragment"},
        {"http://h/x%2", 10, "two hexadecimal"},
        {"http://h/x%zz", 10, "two hexadecimal"},
        {"http://h?q", 8, "a path before"},
    };
    weir_url url;

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        weir_text_fault fault = {0};
        if (weir_url_parse(weir_bytes_of(table[i].url), &url, &fault) != -EINVAL || fault.at != table[i].at ||
            strstr(fault.expected, table[i].expected) == NULL)
            fail_msg("'%s': %zu: %s", table[i].url, fault.at, fault.expected);
    }
}

/* --- percent coding --- */

static void any_bytes_come_back(void **state)
{
    char all[256], decoded[256];
    weir_buffer out;

    (void)state;
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    weir_buffer_init(&out, 1024);
    assert_int_equal(weir_percent_append(&out, (weir_bytes){all, sizeof all}), 0);
    assert_int_equal(weir_url_check_target((weir_bytes){out.data, out.len}, NULL), 0);
    assert_int_equal(strcspn(out.data, "/?&=+#"), out.len);
    assert_int_equal(weir_percent_decode((weir_bytes){out.data, out.len}, decoded, sizeof decoded), 256);
    assert_memory_equal(decoded, all, sizeof all);
    assert_int_equal(weir_percent_decode((weir_bytes){out.data, out.len}, decoded, 255), -WEIR_ETOOLARGE);
    weir_buffer_free(&out);
}

static void a_text_that_does_not_fit_changes_nothing(void **state)
{
    weir_buffer out;

    (void)state;
    weir_buffer_init(&out, 6);
    assert_int_equal(weir_buffer_append_text(&out, "a"), 0);
    assert_int_equal(weir_percent_append(&out, weir_bytes_of("bc /")), -WEIR_ETOOLARGE);
    assert_string_equal(out.data, "a");
    assert_int_equal(weir_query_append(&out, weir_bytes_of("b"), weir_bytes_of("//")), -WEIR_ETOOLARGE);
    assert_string_equal(out.data, "a");
    weir_buffer_free(&out);
}

static void an_escape_is_decoded_once_and_in_place(void **state)
{
    char text[] = "a%2Fb%2541+%00";

    (void)state;
    assert_int_equal(weir_percent_decode(weir_bytes_of(text), text, sizeof text), 8);
    assert_memory_equal(text, "a/b%41+\0", 8);
    assert_int_equal(weir_percent_decode(weir_bytes_of("%"), text, sizeof text), -EINVAL);
    assert_int_equal(weir_percent_decode(weir_bytes_of("a%2"), text, sizeof text), -EINVAL);
    assert_int_equal(weir_percent_decode(weir_bytes_of("%g0"), text, sizeof text), -EINVAL);
    assert_int_equal(weir_percent_decode(weir_bytes_of(""), text, 0), 0);
}

/* --- queries --- */

static void pairs_come_one_by_one(void **state)
{
    weir_bytes rest = weir_bytes_of("&a=1&&b&=c&d=e=f&g=");
    weir_query_pair pair;

    (void)state;
    assert_true(weir_query_next(&rest, &pair));
    assert_span(pair.name, "a");
    assert_span(pair.value, "1");
    assert_true(weir_query_next(&rest, &pair));
    assert_span(pair.name, "b");
    assert_false(pair.has_value);
    assert_int_equal(pair.value.len, 0);
    assert_true(weir_query_next(&rest, &pair));
    assert_span(pair.name, "");
    assert_span(pair.value, "c");
    assert_true(weir_query_next(&rest, &pair));
    assert_span(pair.value, "e=f");
    assert_true(weir_query_next(&rest, &pair));
    assert_true(pair.has_value);
    assert_int_equal(pair.value.len, 0);
    assert_false(weir_query_next(&rest, &pair));
    assert_false(weir_query_next(&rest, &pair));
}

static void assert_value(const char *query, int result, const char *value)
{
    char out[8] = "before";

    if (weir_query_find(weir_bytes_of(query), "n m", out, sizeof out) != result)
        fail_msg("%s", query);
    assert_string_equal(out, value);
}

static void the_first_of_its_name_is_found(void **state)
{
    (void)state;
    assert_value("n+m=1", 1, "1");
    assert_value("other=2&%6e%20m=1&n+m=3", 1, "1");
    assert_value("n+ms=2&n=1", -ENOENT, "");
    assert_value("", -ENOENT, "");
    assert_value("&&n+m=x&", 1, "x");
    assert_value("n+m", 0, "");
    assert_value("n+m=&b", 0, "");
    assert_value("n+m=a=b", 3, "a=b");
    assert_value("n%=1&n+m%2=2", -ENOENT, "");
}

static void values_are_decoded(void **state)
{
    (void)state;
    assert_value("n+m=a%20b+c", 5, "a b c");
    assert_value("n+m=%26%3d%c3%A4", 4, "&=\xc3\xa4");
    assert_value("n+m=1234567", 7, "1234567");
    assert_value("n+m=12345678", -WEIR_ETOOLARGE, "");
    assert_value("n+m=%", -EINVAL, "");
    assert_value("n+m=%2&x=5", -EINVAL, "");
    assert_value("n+m=%zz", -EINVAL, "");
    assert_value("n+m=a%00b", -EINVAL, "");
}

static void pairs_are_written_as_they_are_read(void **state)
{
    char value[16];
    weir_buffer out;

    (void)state;
    weir_buffer_init(&out, 256);
    assert_int_equal(weir_query_append(&out, weir_bytes_of("a b"), weir_bytes_of("1&2=3")), 0);
    assert_string_equal(out.data, "a%20b=1%262%3D3");
    assert_int_equal(weir_query_append(&out, weir_bytes_of("c"), weir_bytes_of("+")), 0);
    assert_string_equal(out.data, "a%20b=1%262%3D3&c=%2B");
    assert_int_equal(weir_query_find((weir_bytes){out.data, out.len}, "a b", value, sizeof value), 5);
    assert_string_equal(value, "1&2=3");
    assert_int_equal(weir_query_find((weir_bytes){out.data, out.len}, "c", value, sizeof value), 1);
    assert_string_equal(value, "+");
    weir_buffer_clear(&out);
    assert_int_equal(weir_buffer_append_text(&out, "/x?"), 0);
    assert_int_equal(weir_query_append(&out, weir_bytes_of("d"), weir_bytes_of("")), 0);
    assert_string_equal(out.data, "/x?d=");
    weir_buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_come_apart),
        cmocka_unit_test(a_fault_in_a_url_has_its_place),
        cmocka_unit_test(any_bytes_come_back),
        cmocka_unit_test(a_text_that_does_not_fit_changes_nothing),
        cmocka_unit_test(an_escape_is_decoded_once_and_in_place),
        cmocka_unit_test(pairs_come_one_by_one),
        cmocka_unit_test(the_first_of_its_name_is_found),
        cmocka_unit_test(values_are_decoded),
        cmocka_unit_test(pairs_are_written_as_they_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
