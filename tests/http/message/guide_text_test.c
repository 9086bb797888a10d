/* SPDX-License-Identifier: MIT */
/* The code of the guide's section "Text: URLs, queries, JSON". */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <weir.h>

/* [backend] */
/* Checks a backend that an operator configured, before the service begins. */
static int check_backend(const char *text, char *out, size_t room)
{
    weir_text_fault fault;
    weir_url url;
    int err = weir_url_parse(weir_bytes_of(text), &url, &fault);

    if (err < 0)
        snprintf(out, room, "backend: column %zu: expected %s", fault.at + 1, fault.expected);
    else
        snprintf(out, room, "backend: %.*s, port %u", (int)url.host.len, url.host.data, url.port);
    return err;
}
/* [/backend] */

/* [query] */
/* Reads "?page=2&tag=a%20b" from a request's query, and builds the next page's from it. */
static int next_page(weir_bytes query, weir_buffer *out)
{
    char page[24], tag[64];
    int err = weir_query_find(query, "page", page, sizeof page);
    long number = err > 0 ? strtol(page, NULL, 10) : 1;

    if (err < 0 && err != -ENOENT)
        return err; /* too long, or no text */
    err = weir_query_find(query, "tag", tag, sizeof tag);
    if (err < 0 && err != -ENOENT)
        return err;
    snprintf(page, sizeof page, "%ld", number + 1);
    err = weir_query_append(out, weir_bytes_of("page"), weir_bytes_of(page));
    return err < 0 ? err : weir_query_append(out, weir_bytes_of("tag"), weir_bytes_of(tag));
}
/* [/query] */

/* [json] */
struct order {
    int64_t id;
    double total;
    int lines;
};

/* Reads an order. Members that are not asked for are skipped, and checked. */
static int read_order(weir_bytes text, struct order *out)
{
    weir_json_reader r;
    weir_json_value v;
    weir_bytes key;
    int err = 0, end;

    *out = (struct order){0};
    weir_json_reader_init(&r, text, 8);
    if (weir_json_read(&r, &v) == 0 && v.type == WEIR_JSON_OBJECT) {
        while (err == 0 && weir_json_next_member(&r, &key) > 0) {
            if (weir_json_string_is(key, "id") && weir_json_read(&r, &v) == 0)
                err = weir_json_int64(v.text, &out->id);
            else if (weir_json_string_is(key, "total") && weir_json_read(&r, &v) == 0)
                err = weir_json_double(v.text, &out->total);
            else if (weir_json_string_is(key, "lines") && weir_json_read(&r, &v) == 0)
                while (v.type == WEIR_JSON_ARRAY && weir_json_next_element(&r) > 0)
                    out->lines++;
        }
    }
    end = weir_json_end(&r);
    return end < 0 ? end : err; /* end: no JSON, at weir_json_offset(&r) */
}
/* [/json] */

static void a_backend_is_checked(void **state)
{
    char out[200];

    (void)state;
    assert_int_equal(check_backend("http://db-1:8080/x", out, sizeof out), 0);
    assert_string_equal(out, "backend: db-1, port 8080");
    assert_int_equal(check_backend("http://db-1/a b", out, sizeof out), -EINVAL);
    assert_string_equal(out, "backend: column 14: expected other characters written as '%XX'");
}

static void a_query_is_read_and_written(void **state)
{
    weir_buffer out;

    (void)state;
    weir_buffer_init(&out, 100);
    assert_int_equal(next_page(weir_bytes_of("page=2&tag=a%20b"), &out), 0);
    assert_string_equal(out.data, "page=3&tag=a%20b");
    weir_buffer_clear(&out);
    assert_int_equal(next_page(weir_bytes_of(""), &out), 0);
    assert_string_equal(out.data, "page=2&tag=");
    weir_buffer_free(&out);
}

static void json_is_read(void **state)
{
    struct order order;

    (void)state;
    assert_int_equal(
        read_order(weir_bytes_of("{\"x\": {\"id\": 1}, \"id\": 7, \"lines\": [{}, [1]], \"total\": 1.5}"),
                   &order),
        0);
    assert_true(order.id == 7 && order.total == 1.5 && order.lines == 2);
    assert_int_equal(read_order(weir_bytes_of("{\"id\": \"7\"}"), &order), -EINVAL);
    assert_int_equal(read_order(weir_bytes_of("{\"id\": 7"), &order), -EINVAL);
    assert_int_equal(read_order(weir_bytes_of("[]"), &order), 0);
    assert_int_equal(order.id, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_backend_is_checked),
        cmocka_unit_test(a_query_is_read_and_written),
        cmocka_unit_test(json_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
