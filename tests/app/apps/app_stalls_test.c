/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "app/support/given_json.h"
#include "apps/app_stalls.h"

static struct app_stall stall_at(int line)
{
    struct app_stall stall = {.app = "shop",
                              .number = 3,
                              .pid = 41,
                              .how = APP_COMPUTING,
                              .request = "GET /report",
                              .held_ns = 412345678,
                              .late = 37,
                              .at_ns = 1700000000000000000};
    char text[128];

    (void)snprintf(text, sizeof text, "  File \"/srv/app.py\", line %d in regex\n", line);
    app_stack_read(text, strlen(text), "/srv", &stall.stack);
    return stall;
}

static void it_is_a_sentence(void **state)
{
    char text[APP_STALL_TEXT_BYTES];
    struct app_stall stall = stall_at(11);

    (void)state;
    assert_string_equal(
        app_stall_text(&stall, text),
        "GET /report held 412 ms by app.py:11 regex in shop[3] (computing), 37 requests late by it");
    stall.late = 1;
    stall.ongoing = true;
    stall.stack.depth = 0;
    stall.how = APP_BLOCKED;
    assert_string_equal(app_stall_text(&stall, text),
                        "GET /report held 412 ms so far in shop[3] (blocked), 1 request late by it");
    stall.late = 0;
    stall.request[0] = '\0';
    assert_string_equal(app_stall_text(&stall, text), "a request held 412 ms so far in shop[3] (blocked)");
    stall = stall_at(11);
    stall.others = 1;
    assert_non_null(strstr(app_stall_text(&stall, text), "GET /report, or the one beside it, held "));
    stall.others = 4;
    stall.late = 4;
    assert_string_equal(app_stall_text(&stall, text),
                        "GET /report, or one of 4 beside it, held 412 ms by app.py:11 regex in shop[3] "
                        "(computing), 4 requests late by it");
}

static json_t *page(const struct app_stalls *s)
{
    struct text_out out;
    json_t *json;

    text_out_init(&out, 1 << 20);
    text_out_add(&out, "[");
    app_stalls_write(s, &out);
    text_out_add(&out, "]");
    assert_int_equal(out.err, 0);
    assert_int_equal(weir_buffer_append(&out.text, "", 1), 0);
    json = read_json(out.text.data);
    weir_buffer_free(&out.text);
    return json;
}

static void places_are_counted_and_the_latest_comes_first(void **state)
{
    struct app_stalls *s;
    struct app_stall a = stall_at(11), b = stall_at(12);
    uint64_t first = 0, second = 0, third = 0;
    json_t *json;

    (void)state;
    assert_int_equal(app_stalls_new(&s), 0);
    a.ongoing = true;
    assert_false(app_stalls_note(s, &a, &first)); /* it is told as it ends */
    assert_true(app_stalls_note(s, &b, &second));
    a.ongoing = false;
    a.held_ns *= 2;
    assert_true(app_stalls_note(s, &a, &first));
    a.held_ns = 1000000;
    assert_false(app_stalls_note(s, &a, &third)); /* so soon after the line before */
    assert_int_equal(first, third);
    json = page(s);
    assert_int_equal(json_array_size(json), 2);
    assert_string_equal(text_at(json, "0.task"), "shop[3]");
    assert_string_equal(text_at(json, "0.route"), "GET /report");
    assert_string_equal(text_at(json, "0.kind"), "computing");
    assert_string_equal(text_at(json, "0.stack.0"), "regex app.py:11");
    assert_true(number_at(json, "0.count") == 2 && number_at(json, "1.count") == 1);
    assert_true(number_at(json, "0.held_ms") == 1);
    assert_true(number_at(json, "0.held_max_ms") > 824 && number_at(json, "0.held_max_ms") < 825);
    assert_true(number_at(json, "0.late") == 37);
    json_decref(json);
    app_stalls_free(s);
}

struct sums {
    uint64_t count;
    int64_t held_ns;
    char text[256];
};

static void add(void *arg, const char *app, const char *kind, uint64_t count, int64_t held_ns)
{
    struct sums *sums = arg;

    sums->count += count;
    sums->held_ns += held_ns;
    (void)snprintf(sums->text + strlen(sums->text), sizeof sums->text - strlen(sums->text), "%s %s;", app,
                   kind);
}

static void the_places_are_bounded_and_the_sums_stay(void **state)
{
    struct app_stalls *s;
    struct sums sums = {0};
    json_t *json;
    uint64_t oldest = 0;

    (void)state;
    assert_int_equal(app_stalls_new(&s), 0);
    for (int line = 1; line <= 3 * APP_STALLS_KEPT; line++) {
        struct app_stall stall = stall_at(line);
        uint64_t id = 0;
        stall.how = line % 2 == 0 ? APP_BLOCKED : APP_COMPUTING;
        stall.held_ns = 1000;
        (void)app_stalls_note(s, &stall, line == 1 ? &oldest : &id);
    }
    json = page(s);
    assert_int_equal(json_array_size(json), APP_STALLS_KEPT);
    json_decref(json);
    {
        struct app_stall stall = stall_at(1);
        stall.held_ns = 5;
        assert_false(app_stalls_note(s, &stall, &oldest)); /* its place is used for another */
    }
    app_stalls_totals_each(s, add, &sums);
    assert_int_equal(sums.count, 3 * APP_STALLS_KEPT);
    assert_int_equal(sums.held_ns, 3 * APP_STALLS_KEPT * 1000 + 5);
    assert_string_equal(sums.text, "shop computing;shop blocked;");
    app_stalls_free(s);
}

static void a_stall_that_does_not_end_is_told_with_rising_intervals(void **state)
{
    struct app_stalls *s;
    struct app_stall stall = stall_at(11);
    uint64_t id = 0;
    int lines = 0;

    (void)state;
    assert_int_equal(app_stalls_new(&s), 0);
    stall.ongoing = true;
    for (int i = 0; i < 1000; i++) {
        stall.held_ns = (int64_t)i * 50000000;
        lines += app_stalls_note(s, &stall, &id);
    }
    assert_in_range(lines, 1, 5); /* the wall clock hardly moves */
    app_stalls_free(s);
}

/* --- what a request leaves in the block --- */

static void a_request_is_noted_without_its_query(void **state)
{
    static struct app_process process;
    char out[APP_REQUEST_BYTES], path[200];

    (void)state;
    assert_string_equal(app_process_noted(&process, out), "");
    app_process_note(&process, "GET", "/report?token=x", 15);
    assert_string_equal(app_process_noted(&process, out), "GET /report");
    app_process_note(&process, "POST", "/a\033b", 4);
    assert_string_equal(app_process_noted(&process, out), "POST /a?b");
    memset(path, 'a', sizeof path);
    app_process_note(&process, "GET", path, sizeof path);
    assert_int_equal(strlen(app_process_noted(&process, out)), APP_REQUEST_BYTES - 1);
    app_process_note(&process, "GET", "/", 1);
    assert_string_equal(app_process_noted(&process, out), "GET /");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_a_sentence),
        cmocka_unit_test(places_are_counted_and_the_latest_comes_first),
        cmocka_unit_test(the_places_are_bounded_and_the_sums_stay),
        cmocka_unit_test(a_stall_that_does_not_end_is_told_with_rising_intervals),
        cmocka_unit_test(a_request_is_noted_without_its_query),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
