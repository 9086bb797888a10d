/* SPDX-License-Identifier: MIT */
#include "metrics/totals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "metrics/snapshot.h"
#include "support/run.h"

/* An origin and a loop, and a worst stall with a text that is missing. */
static void write_some(struct text_out *out)
{
    weir_meter meter = {0};
    struct totals_writer w;
    struct totals_row row = {
        .part = TOTALS_ORIGIN,
        .keys = {"http://127.0.0.1:80"},
        .numbers = {[0] = 7, [1] = UINT64_MAX},
        .values = {[0] = -1, [1] = INT64_MIN, [2] = INT64_MAX, [4] = 123456789},
        .texts = {"connection refused"},
    };

    weir_meter_record_many(&meter, weir_ms(5), 3);
    weir_meter_record(&meter, weir_seconds(100000)); /* in the last bucket */
    weir_meter_record(&meter, weir_ms(0));
    text_out_init(out, TOTALS_BYTES_MAX);
    totals_begin(&w, out);
    totals_add(&w, &row, &meter);
    row = (struct totals_row){.part = TOTALS_BACKEND, .common = 77, .keys = {""}};
    totals_add(&w, &row, NULL);
    row = (struct totals_row){.part = TOTALS_WORST_STALL, .texts = {[WORST_ROUTE] = ""}};
    totals_add(&w, &row, NULL);
    totals_end(&w);
    assert_int_equal(out->err, 0);
}

static void what_is_written_is_read(void **state)
{
    struct text_out out;
    struct totals_row row;
    weir_meter meter = {0};
    weir_bytes bytes;
    size_t at;

    (void)state;
    write_some(&out);
    bytes = weir_buffer_bytes(&out.text);
    assert_int_equal(totals_check(bytes), 0);
    assert_true(totals_read(bytes, totals_first(bytes), &row, &at));
    assert_int_equal(row.part, TOTALS_ORIGIN);
    assert_int_equal(row.common, 0);
    assert_string_equal(row.keys[0], "http://127.0.0.1:80");
    assert_true(row.numbers[0] == 7 && row.numbers[1] == UINT64_MAX && row.numbers[2] == 0);
    assert_true(row.values[0] == -1 && row.values[1] == INT64_MIN && row.values[2] == INT64_MAX);
    assert_string_equal(row.texts[0], "connection refused");
    totals_meter_add(row.meter, &meter);
    assert_int_equal(weir_meter_count(&meter), 5);
    assert_int_equal(totals_meter_count(row.meter), 5);
    assert_int_equal(meter.buckets[WEIR_METER_BUCKETS - 1], 1);
    assert_int_equal(meter.sum_ns, 3 * 5000000 + INT64_C(100000000000000));
    assert_true(totals_read(bytes, at, &row, &at));
    assert_true(row.part == TOTALS_BACKEND && row.common == 77 && row.keys[0][0] == '\0');
    assert_null(row.meter);
    assert_true(totals_read(bytes, at, &row, &at));
    assert_int_equal(row.part, TOTALS_WORST_STALL);
    assert_null(row.texts[WORST_TASK]);
    assert_string_equal(row.texts[WORST_ROUTE], "");
    assert_false(totals_read(bytes, at, &row, &at));
    weir_buffer_free(&out.text);
}

/* A copy of exactly so many bytes, so that a read beyond them is found. */
static int check_copy(const char *data, size_t len)
{
    char *copy = malloc(len + (len == 0));
    int err;

    assert_non_null(copy);
    memcpy(copy, data, len);
    err = totals_check((weir_bytes){copy, len});
    free(copy);
    return err;
}

static void a_part_is_refused(void **state)
{
    struct text_out out;

    (void)state;
    write_some(&out);
    for (size_t len = 0; len < out.text.len; len++)
        assert_true(check_copy(out.text.data, len) < 0);
    assert_int_equal(weir_buffer_append(&out.text, "x", 1), 0); /* nor is more than all */
    assert_int_equal(check_copy(out.text.data, out.text.len), -WEIR_EPROTOCOL);
    weir_buffer_free(&out.text);
}

/* Whatever is wrong with the bytes: they are refused, or can be read to their end. */
static void garbage_is_refused_or_harmless(void **state)
{
    struct text_out out;
    int refused = 0;

    (void)state;
    write_some(&out);
    for (size_t i = 0; i < out.text.len; i++)
        for (int bit = 0; bit < 8; bit++) {
            struct totals_row row;
            weir_meter meter = {0};
            const weir_bytes bytes = weir_buffer_bytes(&out.text);
            out.text.data[i] = (char)(out.text.data[i] ^ 1 << bit);
            if (check_copy(bytes.data, bytes.len) < 0)
                refused++;
            else
                for (size_t at = totals_first(bytes); totals_read(bytes, at, &row, &at);)
                    totals_meter_add(row.meter, &meter);
            out.text.data[i] = (char)(out.text.data[i] ^ 1 << bit);
        }
    assert_true(refused > 100);
    assert_int_equal(check_copy("<html>", 6), -WEIR_EPROTOCOL);
    assert_int_equal(check_copy("", 0), -WEIR_EPROTOCOL);
    weir_buffer_free(&out.text);
}

static void another_version_is_told(void **state)
{
    static const char other_program[] = "weir totals 1\0"
                                        "99.9.9\0\xff",
                      other_format[] = "weir totals 2\0"
                                       "\xff";

    (void)state;
    assert_int_equal(check_copy(other_program, sizeof other_program), -ENOTSUP);
    assert_int_equal(check_copy(other_format, sizeof other_format), -ENOTSUP);
}

static void rows_and_texts_have_maxima(void **state)
{
    const struct totals_row row = {.part = TOTALS_GUARD_CALL, .keys = {"read"}, .numbers = {1}};
    struct totals_row found;
    struct totals_writer w;
    struct text_out out;
    char text[TOTALS_TEXT_BYTES_MAX + 100];
    size_t rows = 0;
    weir_bytes bytes;

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    text_out_init(&out, TOTALS_BYTES_MAX);
    totals_begin(&w, &out);
    totals_add(&w, &(struct totals_row){.part = TOTALS_GUARD_CALL, .keys = {text}}, NULL);
    for (size_t i = 0; i < TOTALS_ROWS_MAX + 10; i++)
        totals_add(&w, &row, NULL);
    totals_end(&w);
    bytes = weir_buffer_bytes(&out.text);
    assert_int_equal(totals_check(bytes), 0);
    for (size_t at = totals_first(bytes); totals_read(bytes, at, &found, &at); rows++)
        assert_true(strlen(found.keys[0]) <= TOTALS_TEXT_BYTES_MAX);
    assert_int_equal(rows, TOTALS_ROWS_MAX);
    weir_buffer_free(&out.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),        cmocka_unit_test(a_part_is_refused),
        cmocka_unit_test(garbage_is_refused_or_harmless), cmocka_unit_test(another_version_is_told),
        cmocka_unit_test(rows_and_texts_have_maxima),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
