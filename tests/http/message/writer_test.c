/* SPDX-License-Identifier: MIT */
/* What is written: heads, dates; and the reading of fields and lists. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http/message/writer.h"

static char out[256];

static void a_head_is_written(void **state)
{
    static const char expected[] = "HTTP/1.1 404 Not Found\r\n"
                                   "a: b c\r\n"
                                   "content-length: 18446744073709551615\r\n"
                                   "transfer-encoding: chunked\r\n"
                                   "x: y\r\n\r\n";
    weir__http_writer w = weir__http_writer_into(out, sizeof out);

    (void)state;
    weir__http_write_status(&w, 404);
    weir__http_write_field(&w, WEIR__HTTP_TEXT("a"), WEIR__HTTP_TEXT("b c"));
    weir__http_write_length(&w, UINT64_MAX);
    weir__http_write_chunked(&w);
    weir__http_write_raw(&w, WEIR__HTTP_TEXT("x: y\r\n"));
    assert_int_equal(weir__http_writer_end(&w), sizeof expected - 1);
    assert_memory_equal(out, expected, sizeof expected - 1);
}

static void a_request_line_is_written(void **state)
{
    weir__http_writer w = weir__http_writer_into(out, sizeof out);

    (void)state;
    weir__http_write_request_line(&w, WEIR__HTTP_TEXT("GET"), WEIR__HTTP_TEXT("/a?b"));
    weir__http_write_length(&w, 0);
    assert_int_equal(weir__http_writer_end(&w), 40);
    assert_memory_equal(out, "GET /a?b HTTP/1.1\r\ncontent-length: 0\r\n\r\n", 40);
}

static int with_field(weir_bytes name, weir_bytes value)
{
    weir__http_writer w = weir__http_writer_into(out, sizeof out);

    weir__http_write_status(&w, 200);
    weir__http_write_field(&w, name, value);
    return weir__http_writer_end(&w);
}

static void nothing_ends_its_line_early(void **state)
{
    weir__http_writer w;

    (void)state;
    assert_int_equal(with_field(WEIR__HTTP_TEXT("a"), WEIR__HTTP_TEXT("b\r\nc: d")), -EINVAL);
    assert_int_equal(with_field(WEIR__HTTP_TEXT("a"), WEIR__HTTP_TEXT("b\nc")), -EINVAL);
    assert_int_equal(with_field(WEIR__HTTP_TEXT("a"), WEIR__HTTP_TEXT("b\0c")), -EINVAL);
    assert_int_equal(with_field(WEIR__HTTP_TEXT("a:"), WEIR__HTTP_TEXT("b")), -EINVAL);
    assert_int_equal(with_field(WEIR__HTTP_TEXT(""), WEIR__HTTP_TEXT("b")), -EINVAL);
    assert_int_equal(with_field(WEIR__HTTP_TEXT("a b"), WEIR__HTTP_TEXT("b")), -EINVAL);
    assert_true(with_field(WEIR__HTTP_TEXT("a"), WEIR__HTTP_TEXT("\tb \xc3\xa9")) > 0);

    w = weir__http_writer_into(out, sizeof out);
    weir__http_write_request_line(&w, WEIR__HTTP_TEXT("GET"), WEIR__HTTP_TEXT("/ HTTP/1.1\r\nX: y"));
    assert_int_equal(weir__http_writer_end(&w), -EINVAL);
    w = weir__http_writer_into(out, sizeof out);
    weir__http_write_status(&w, 1000);
    assert_int_equal(weir__http_writer_end(&w), -EINVAL);
}

static void no_byte_is_written_past_the_room(void **state)
{
    (void)state;
    for (size_t room = 0; room < 27; room++) {
        weir__http_writer w = weir__http_writer_into(out, room);
        memset(out, '#', sizeof out);
        weir__http_write_status(&w, 200);
        weir__http_write_field(&w, WEIR__HTTP_TEXT("a"), WEIR__HTTP_TEXT("b"));
        assert_int_equal(weir__http_writer_end(&w), room < 25 ? -WEIR_ETOOLARGE : 25);
        assert_int_equal(out[room < 25 ? room : 25], '#');
    }
}

/* --- dates --- */

static void dates_are_written_and_read(void **state)
{
    static const struct {
        int64_t at;
        const char *text;
    } dates[] = {
        {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},  {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},  {4107542399, "Sun, 28 Feb 2100 23:59:59 GMT"},
        {1795446000, "Mon, 23 Nov 2026 15:00:00 GMT"}, {-1, "Wed, 31 Dec 1969 23:59:59 GMT"},
    };
    char text[WEIR__HTTP_DATE_BYTES + 1] = "";

    (void)state;
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        int64_t at;
        weir__http_date_format(dates[i].at, text);
        assert_string_equal(text, dates[i].text);
        assert_int_equal(weir__http_date_parse(weir_bytes_of(text), &at), 0);
        assert_int_equal(at, dates[i].at);
    }
}

static void what_is_no_date_is_refused(void **state)
{
    static const char *const wrong[] = {"",
                                        "Sun, 06 Nov 1994 08:49:37",
                                        "Mon, 06 Nov 1994 08:49:37 GMT",
                                        "Sun, 31 Feb 1994 08:49:37 GMT",
                                        "Sun, 06 Nov 1994 24:49:37 GMT",
                                        "Sun, 06 nov 1994 08:49:37 GMT",
                                        "Sunday, 06-Nov-94 08:49:37 GMT",
                                        "Sun, 06 Nov 1994 08:49:37 GMT "};
    int64_t at;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(weir__http_date_parse(weir_bytes_of(wrong[i]), &at), -WEIR_EPROTOCOL);
}

/* --- fields --- */

#define FIELD(n, v)                                                                                          \
    {                                                                                                        \
        WEIR__HTTP_TEXT(n), WEIR__HTTP_TEXT(v)                                                               \
    }

static void fields_are_found_whatever_their_case(void **state)
{
    static const struct weir__http_field fields[] = {FIELD("Host", "a"), FIELD("X-A", "1"),
                                                     FIELD("x-a", "2")};

    (void)state;
    assert_ptr_equal(weir__http_field_find(fields, 3, WEIR__HTTP_TEXT("X-a")), &fields[1]);
    assert_null(weir__http_field_find(fields, 3, WEIR__HTTP_TEXT("x-")));
}

static void lists_come_apart(void **state)
{
    static const char *const expected[] = {"a", "b c", "\"d,e\"", "f"};
    weir_bytes rest = WEIR__HTTP_TEXT(" a,, b c ,\"d,e\",f, "), element;
    size_t n = 0;

    (void)state;
    for (; weir_list_next(&rest, ',', &element); n++) {
        assert_true(n < 4);
        assert_int_equal(element.len, strlen(expected[n]));
        assert_memory_equal(element.data, expected[n], element.len);
    }
    assert_int_equal(n, 4);
}

static void hop_by_hop_fields_are_known(void **state)
{
    const weir_bytes connection = WEIR__HTTP_TEXT("x-mine, Host, content-length"), none = {"", 0};

    (void)state;
    assert_true(weir_header_is_hop_by_hop(WEIR__HTTP_TEXT("X-Mine"), connection));
    assert_true(weir_header_is_hop_by_hop(WEIR__HTTP_TEXT("connection"), connection));
    assert_true(weir_header_is_hop_by_hop(WEIR__HTTP_TEXT("Transfer-Encoding"), none));
    assert_true(weir_header_is_hop_by_hop(WEIR__HTTP_TEXT("Proxy-Authorization"), none));
    assert_false(weir_header_is_hop_by_hop(WEIR__HTTP_TEXT("host"), connection));
    assert_false(weir_header_is_hop_by_hop(WEIR__HTTP_TEXT("Content-Length"), connection));
    assert_false(weir_header_is_hop_by_hop(WEIR__HTTP_TEXT("X-Mine"), none));
}

static void parameters_are_a_list_too(void **state)
{
    weir_bytes rest = WEIR__HTTP_TEXT("gzip;q=0.5 ; a=\"x;y\";"), element;

    (void)state;
    assert_true(weir_list_next(&rest, ';', &element));
    assert_true(weir_bytes_equal(element, WEIR__HTTP_TEXT("gzip")));
    assert_true(weir_list_next(&rest, ';', &element));
    assert_true(weir_bytes_equal(element, WEIR__HTTP_TEXT("q=0.5")));
    assert_true(weir_list_next(&rest, ';', &element));
    assert_true(weir_bytes_equal(element, WEIR__HTTP_TEXT("a=\"x;y\"")));
    assert_false(weir_list_next(&rest, ';', &element));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_is_written),
        cmocka_unit_test(a_request_line_is_written),
        cmocka_unit_test(nothing_ends_its_line_early),
        cmocka_unit_test(no_byte_is_written_past_the_room),
        cmocka_unit_test(dates_are_written_and_read),
        cmocka_unit_test(what_is_no_date_is_refused),
        cmocka_unit_test(fields_are_found_whatever_their_case),
        cmocka_unit_test(lists_come_apart),
        cmocka_unit_test(hop_by_hop_fields_are_known),
        cmocka_unit_test(parameters_are_a_list_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
