/* SPDX-License-Identifier: MIT */
/* Range: what is asked for, what is malformed or too much, and the body with several parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "http/range.h"

#define MANY_16 "0-0,10-10,20-20,30-30,40-40,50-50,60-60,70-70,80-80,90-90,2-2,12-12,22-22,32-32,42-42,52-52"

/* Writes "0-9,20-29", "ignored" or "416". */
static const char *read_as(const char *value, uint64_t length)
{
    static char text[600];
    struct byte_ranges ranges;
    enum range_result result = ranges_read(value, length, &ranges);
    size_t used = 0;

    assert_int_equal(result == RANGE_WANTED, ranges.count > 0);
    for (size_t i = 0; i < ranges.count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%" PRIu64 "-%" PRIu64, i > 0 ? "," : "",
                                 ranges.range[i].first, ranges.range[i].first + ranges.range[i].bytes - 1);
    return result == RANGE_WANTED ? text : result == RANGE_IGNORED ? "ignored" : "416";
}

static void ranges_are_read(void **state)
{
    static const struct {
        const char *value, *wanted;
    } table[] = {
        {NULL, "ignored"},
        {"bytes=0-0", "0-0"},
        {"bytes=0-9", "0-9"},
        {"BYTES=0-9", "0-9"},
        {"bytes=90-", "90-99"},
        {"bytes=99-", "99-99"},
        {"bytes=-1", "99-99"},
        {"bytes=-100", "0-99"},
        {"bytes=-101", "0-99"},
        {"bytes=50-1000", "50-99"},
        {"bytes=00000000000000000000000000001-2", "1-2"},
        {"bytes=1-99999999999999999999999999999", "1-99"},
        {"bytes=0-18446744073709551615", "0-99"},
        {"bytes=0-18446744073709551616", "0-99"},
        {"bytes=-18446744073709551616", "0-99"},
        /* none of the representation */
        {"bytes=100-", "416"},
        {"bytes=100-200", "416"},
        {"bytes=18446744073709551616-", "416"},
        {"bytes=99999999999999999999-99999999999999999999", "416"},
        {"bytes=-0", "416"},
        {"bytes=100-, 200-", "416"},
        {"bytes=100-,-0", "416"},
        /* several */
        {"bytes=0-0,-1", "0-0,99-99"},
        {"bytes=0-0 ,\t50-59", "0-0,50-59"},
        {"bytes= ,,0-0,,", "0-0"},
        {"bytes=50-59,0-0", "50-59,0-0"},
        {"bytes=100-,5-6", "5-6"},
        {"bytes=0-9,5-14", "0-14"},
        {"bytes=0-9,10-19", "0-19"},
        {"bytes=0-9,11-19", "0-9,11-19"},
        {"bytes=0-9,20-29,10-19", "0-29"},
        {"bytes=90-91,0-9,20-29,50-51,10-19", "90-91,0-29,50-51"},
        {"bytes=0-,0-,0-", "0-99"},
        {"bytes=5-6,5-6", "5-6"},
        /* malformed, or in another unit */
        {"", "ignored"},
        {"bytes", "ignored"},
        {"bytes=", "ignored"},
        {"bytes=,", "ignored"},
        {"bytes=-", "ignored"},
        {"bytes=--1", "ignored"},
        {"bytes=a-b", "ignored"},
        {"bytes=1", "ignored"},
        {"bytes=9-8", "ignored"},
        {"bytes=200-150", "ignored"},
        {"bytes=0-1,9-8", "ignored"},
        {"bytes=0-1,x", "ignored"},
        {"bytes=0-1-2", "ignored"},
        {"bytes=0 -1", "ignored"},
        {"bytes=0-1 2-3", "ignored"},
        {"bytes=0x1-2", "ignored"},
        {"bytes=+0-1", "ignored"},
        {"bytes=0-1;q=1", "ignored"},
        {" bytes=0-1", "ignored"},
        {"bytes =0-1", "ignored"},
        {"bytes:0-1", "ignored"},
        {"lines=0-1", "ignored"},
        {"bytesx=0-1", "ignored"},
        {"bytes=0-1, bytes=2-3", "ignored"}, /* two fields, joined */
        /* too many */
        {"bytes=" MANY_16, MANY_16},
        {"bytes=" MANY_16 ",99-99", "ignored"},
        {"bytes=" MANY_16 ",500-", "ignored"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(read_as(table[i].value, 100), table[i].wanted) != 0)
            fail_msg("%s: %s, not %s", table[i].value, read_as(table[i].value, 100), table[i].wanted);
}

static void the_length_bounds_everything(void **state)
{
    (void)state;
    assert_string_equal(read_as("bytes=0-", 0), "ignored");
    assert_string_equal(read_as("bytes=-5", 0), "ignored");
    assert_string_equal(read_as("bytes=0-", 1), "0-0");
    assert_string_equal(read_as("bytes=0-18446744073709551615", UINT64_MAX), "0-18446744073709551614");
    assert_string_equal(read_as("bytes=-1", UINT64_MAX), "18446744073709551614-18446744073709551614");
    assert_string_equal(read_as("bytes=18446744073709551614-", UINT64_MAX),
                        "18446744073709551614-18446744073709551614");
    assert_string_equal(read_as("bytes=18446744073709551615-", UINT64_MAX), "416");
}

static void a_thousand_ranges_are_ignored(void **state)
{
    static char value[8000] = "bytes=";
    size_t used = strlen(value);

    (void)state;
    for (int i = 0; i < 1000; i++)
        used += (size_t)snprintf(value + used, sizeof value - used, "%s%d-", i > 0 ? "," : "", i);
    assert_string_equal(read_as(value, 5000), "ignored");
}

static void write_head(const struct multipart *parts, size_t i, char head[PART_HEAD_BYTES])
{
    const size_t bytes = multipart_head(parts, i, head);

    assert_int_equal(bytes, strlen(head));
}

static void parts_make_a_body(void **state)
{
    static const char content[] = "0123456789abcdefghij";
    struct byte_ranges ranges;
    struct multipart parts = {.ranges = &ranges, .length = 20, .type = "text/plain"};
    char head[PART_HEAD_BYTES], body[1000] = "", type[MULTIPART_TYPE_BYTES];

    (void)state;
    assert_int_equal(ranges_read("bytes=0-1,-3", 20, &ranges), RANGE_WANTED);
    multipart_begin(&parts, 42);
    multipart_type(&parts, type);
    assert_string_equal(type, "multipart/byteranges; boundary=00000000000000000042");
    for (size_t i = 0; i <= ranges.count; i++) {
        write_head(&parts, i, head);
        strcat(body, head);
        if (i < ranges.count)
            strncat(body, content + ranges.range[i].first, ranges.range[i].bytes);
    }
    assert_string_equal(body, "\r\n--00000000000000000042\r\nContent-Type: text/plain\r\n"
                              "Content-Range: bytes 0-1/20\r\n\r\n01"
                              "\r\n--00000000000000000042\r\nContent-Type: text/plain\r\n"
                              "Content-Range: bytes 17-19/20\r\n\r\nhij"
                              "\r\n--00000000000000000042--\r\n");
    assert_int_equal(multipart_bytes(&parts), strlen(body));
}

static void long_and_unknown_types_are_not_named(void **state)
{
    char long_type[2000], head[PART_HEAD_BYTES];
    struct byte_ranges ranges = {1, {{UINT64_MAX - 2, 1}}};
    struct multipart parts = {.ranges = &ranges, .length = UINT64_MAX, .type = long_type};

    (void)state;
    memset(long_type, 'x', sizeof long_type);
    long_type[sizeof long_type - 1] = '\0';
    multipart_begin(&parts, UINT64_MAX);
    write_head(&parts, 0, head);
    assert_null(strstr(head, "Content-Type"));
    long_type[PART_TYPE_BYTES_MAX] = '\0'; /* the longest that is named */
    write_head(&parts, 0, head);
    assert_non_null(strstr(head, "Content-Type: xx"));
    assert_non_null(strstr(head, "bytes 18446744073709551613-18446744073709551613/18446744073709551615\r\n"));
    parts.type = NULL;
    write_head(&parts, 0, head);
    assert_null(strstr(head, "Content-Type"));
}

static void what_was_refused_is_told(void **state)
{
    char value[CONTENT_RANGE_BYTES];

    (void)state;
    content_range_write(NULL, UINT64_MAX, value);
    assert_string_equal(value, "bytes */18446744073709551615");
    content_range_write(&(struct byte_range){0, 1}, 1, value);
    assert_string_equal(value, "bytes 0-0/1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_are_read),
        cmocka_unit_test(the_length_bounds_everything),
        cmocka_unit_test(a_thousand_ranges_are_ignored),
        cmocka_unit_test(parts_make_a_body),
        cmocka_unit_test(long_and_unknown_types_are_not_named),
        cmocka_unit_test(what_was_refused_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
