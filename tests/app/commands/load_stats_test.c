/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include <jansson.h>

#include <weir/error.h>

#include "commands/load_run.h"
#include "commands/load_report.h"
#include "commands/load_stats.h"

static const struct load_plan plan = {.rate = 100, .length = {2000000000}, .connections = 4};

/* Eight answers of 3 ms, one of 40 ms and one of 41 ms; three failures; two requests never sent. */
static struct load_stats *example(void)
{
    static struct load_stats stats;

    load_stats_init(&stats);
    stats.planned = 15;
    stats.sent = 13;
    stats.took = weir_seconds(2);
    for (int i = 0; i < 8; i++)
        load_stats_answer(&stats, 200, 10, weir_ms(3));
    load_stats_answer(&stats, 503, 5, weir_ms(40));
    load_stats_answer(&stats, 200, 10, weir_ms(41));
    load_stats_error(&stats, -ECONNREFUSED, NULL);
    load_stats_error(&stats, -WEIR_EDEADLINE, NULL);
    load_stats_error(&stats, -ECONNREFUSED, NULL);
    return &stats;
}

static void everything_is_counted_once(void **state)
{
    const struct load_stats *stats = example();

    (void)state;
    assert_int_equal(stats->answered, 10);
    assert_int_equal(stats->failed, 3);
    assert_int_equal(stats->bytes, 95);
    assert_int_equal(load_stats_unsent(stats), 2);
}

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    if (!json_is_number(value))
        fail_msg("no number '%s'", key);
    return json_number_value(value);
}

static void the_json_says_what_was_measured(void **state)
{
    weir_buffer out;
    const json_t *by_status, *latency;
    json_t *root;

    (void)state;
    weir_buffer_init(&out, 1 << 16);
    assert_int_equal(load_report_json(example(), &plan, &out), 0);
    root = json_loads(out.data, 0, NULL);
    assert_non_null(root);
    assert_true(number(root, "rate") == 100 && number(root, "for_s") == 2 && number(root, "took_s") == 2);
    assert_true(number(root, "planned") == 15 && number(root, "unsent") == 2);
    assert_true(number(root, "answered") == 10 && number(root, "failed") == 3);
    assert_true(number(root, "answers_per_s") == 5);
    assert_true(number(json_object_get(root, "statuses"), "200") == 9);
    assert_true(number(json_object_get(root, "statuses"), "503") == 1);
    assert_int_equal(json_object_size(json_object_get(root, "statuses")), 2);
    assert_true(number(json_object_get(root, "errors"), "connection refused") == 2);
    assert_true(number(json_object_get(root, "errors"), "deadline exceeded") == 1);
    latency = json_object_get(root, "latency_ms");
    assert_true(number(latency, "min") == 3 && number(latency, "max") == 41);
    assert_true(number(latency, "p50") > 2.97 && number(latency, "p50") < 3.03);
    assert_true(number(latency, "p99") > 40.5 && number(latency, "p99") <= 41);
    by_status = json_object_get(root, "by_status_ms");
    assert_int_equal(json_object_size(by_status), 2);
    assert_true(number(json_object_get(by_status, "200"), "min") == 3);
    assert_true(number(json_object_get(by_status, "200"), "max") == 41);
    assert_true(number(json_object_get(by_status, "503"), "max") == 40);
    json_decref(root);
    weir_buffer_free(&out);
}

static void the_rows_add_up(void **state)
{
    weir_buffer out;
    double sum = 0;
    size_t i;
    json_t *row, *root;
    const json_t *rows;

    (void)state;
    weir_buffer_init(&out, 1 << 16);
    assert_int_equal(load_report_json(example(), &plan, &out), 0);
    root = json_loads(out.data, 0, NULL);
    rows = json_object_get(root, "histogram");
    assert_int_equal(json_array_size(rows), 4); /* up to 5, 10, 20 and the rest */
    json_array_foreach(rows, i, row) sum += number(row, "count");
    assert_true(sum == 10);
    assert_true(number(json_array_get(rows, 0), "upto_ms") == 5);
    assert_true(number(json_array_get(rows, 0), "count") == 8);
    assert_true(number(json_array_get(rows, 3), "count") == 2);
    json_decref(root);
    weir_buffer_free(&out);
}

static void the_text_shows_what_went_wrong(void **state)
{
    static const char *const lines[] = {
        "13 sent in 2s at 100/s asked for; 10 answered (5/s), 3 failed\n",
        "  status 200          9  p50 3ms p99 4",
        "  status 503          1  p50 ",
        "  error  connection refused: 2\n",
        "  error  deadline exceeded: 1\n",
        "  max  41ms\n",
        "  upto 5ms            8  ########################################\n",
        "  upto 50ms           2  ##########\n",
        "note: 2 of 15 requests were not sent: all 4 connections were busy when their time came\n",
    };
    weir_buffer out;

    (void)state;
    weir_buffer_init(&out, 1 << 16);
    assert_int_equal(load_report_text(example(), &plan, &out), 0);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (strstr(out.data, lines[i]) == NULL)
            fail_msg("'%s' is not in:\n%s", lines[i], out.data);
    weir_buffer_free(&out);
}

static void nothing_at_all_can_be_shown(void **state)
{
    static struct load_stats stats;
    weir_buffer out;

    (void)state;
    load_stats_init(&stats);
    weir_buffer_init(&out, 1 << 16);
    assert_int_equal(load_report_text(&stats, &plan, &out), 0);
    assert_int_equal(load_report_json(&stats, &plan, &out), 0);
    assert_non_null(strstr(out.data, "\"histogram\":[]"));
    weir_buffer_free(&out);
}

static void an_error_is_explained_by_its_first_failure(void **state)
{
    static struct load_stats stats;
    weir_buffer out;
    json_t *root;

    (void)state;
    load_stats_init(&stats);
    load_stats_error(&stats, -WEIR_ETLS, "certificate of \"db\" expired");
    load_stats_error(&stats, -WEIR_ETLS, "another");
    load_stats_error(&stats, -ECONNREFUSED, NULL);
    weir_buffer_init(&out, 1 << 16);
    assert_int_equal(load_report_text(&stats, &plan, &out), 0);
    assert_non_null(strstr(out.data, "  error  tls failed: 2 (certificate of \"db\" expired)\n"));
    weir_buffer_clear(&out);
    assert_int_equal(load_report_json(&stats, &plan, &out), 0);
    root = json_loads(out.data, 0, NULL);
    assert_non_null(root);
    assert_int_equal(json_object_size(json_object_get(root, "why")), 1);
    assert_string_equal(json_string_value(json_object_get(json_object_get(root, "why"), "tls failed")),
                        "certificate of \"db\" expired");
    json_decref(root);
    weir_buffer_free(&out);
}

/* With more errors than there is room for, the sum stays right. */
static void errors_beyond_the_room_are_still_counted(void **state)
{
    static struct load_stats stats;
    uint64_t sum = 0;

    (void)state;
    load_stats_init(&stats);
    for (int i = 1; i <= 60; i++)
        load_stats_error(&stats, -i, NULL);
    for (size_t i = 0; i < LOAD_ERRORS_MAX; i++)
        sum += stats.error[i].count;
    assert_int_equal(sum, 60);
    assert_int_equal(stats.failed, 60);
}

static void rows_end_at_1_2_5(void **state)
{
    (void)state;
    assert_int_equal(load_row_end(0).ns, 10000);
    assert_int_equal(load_row_end(1).ns, 20000);
    assert_int_equal(load_row_end(2).ns, 50000);
    assert_int_equal(load_row_end(3).ns, 100000);
    assert_int_equal(load_row_end(8).ns, 5000000);
}

static void a_url_takes_the_number(void **state)
{
    weir_buffer out;

    (void)state;
    weir_buffer_init(&out, 64);
    assert_int_equal(load_url(&out, "http://h/{n}?a={n}&b={m}", 17), 0);
    assert_string_equal(out.data, "http://h/17?a=17&b={m}");
    assert_int_equal(load_url(&out, "http://h/", 18), 0);
    assert_string_equal(out.data, "http://h/");
    weir_buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_counted_once),
        cmocka_unit_test(the_json_says_what_was_measured),
        cmocka_unit_test(the_rows_add_up),
        cmocka_unit_test(the_text_shows_what_went_wrong),
        cmocka_unit_test(nothing_at_all_can_be_shown),
        cmocka_unit_test(an_error_is_explained_by_its_first_failure),
        cmocka_unit_test(errors_beyond_the_room_are_still_counted),
        cmocka_unit_test(rows_end_at_1_2_5),
        cmocka_unit_test(a_url_takes_the_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
