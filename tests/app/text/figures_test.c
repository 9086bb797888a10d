/* SPDX-License-Identifier: MIT */
#include "text/figures.h"

#include <math.h>

#include "app/support/given_json.h"
#include "support/run.h"

static char room[FIGURE_BYTES];

static void numbers_have_the_digits_that_tell(void **state)
{
    (void)state;
    assert_string_equal(figure_ms(room, 0), "0");
    assert_string_equal(figure_ms(room, 0.424), "0.42");
    assert_string_equal(figure_ms(room, 9.996), "10.0");
    assert_string_equal(figure_ms(room, 43.14), "43.1");
    assert_string_equal(figure_ms(room, 431.4), "431");
    assert_string_equal(figure_rate(room, 1.44), "1.4");
    assert_string_equal(figure_rate(room, 0), "0");
    assert_string_equal(figure_rate(room, 840.4), "840");
    assert_string_equal(figure_percent(room, 0), "0 %");
    assert_string_equal(figure_percent(room, 0.0001), "<0.1 %");
    assert_string_equal(figure_percent(room, 0.0042), "0.4 %");
    assert_string_equal(figure_percent(room, 0.42), "42 %");
    assert_string_equal(figure_count(room, 12), "12");
}

static void what_was_not_measured_is_a_dash(void **state)
{
    (void)state;
    assert_string_equal(figure_ms(room, NAN), "–");
    assert_string_equal(figure_rate(room, NAN), "–");
    assert_string_equal(figure_percent(room, NAN), "–");
    assert_string_equal(figure_age(room, NAN), "–");
}

static void ages_have_two_units_at_most(void **state)
{
    (void)state;
    assert_string_equal(figure_age(room, -3), "0 s");
    assert_string_equal(figure_age(room, 59.9), "59 s");
    assert_string_equal(figure_age(room, 60), "1 min");
    assert_string_equal(figure_age(room, 3725), "1 h 2 min");
    assert_string_equal(figure_age(room, 180000), "2 d 2 h");
}

static void members_may_be_missing(void **state)
{
    json_t *json = given_json("{'a':{'b':1.5,'t':'x'},'n':null}");

    (void)state;
    assert_true(figure_at(json, "a.b") == 1.5);
    assert_true(isnan(figure_at(json, "a.t")));
    assert_true(isnan(figure_at(json, "a.c.d")));
    assert_true(isnan(figure_at(json, "n")));
    assert_true(isnan(figure_at(json, "a_name_that_is_longer_than_any_name_that_a_page_could_ever_have.x")));
    assert_string_equal(figure_text(json_object_get(json, "a"), "t"), "x");
    assert_string_equal(figure_text(json, "n"), "");
    json_decref(json);
}

static void instants_come_in_three_forms(void **state)
{
    json_t *json = given_json("{'s':3723.5,'ms':1790000000250,'text':'2026-11-24T12:04:31.207Z','zone':'2026-"
                              "11-24T12:04:31.207+01:00','no':'soon'}");

    (void)state;
    assert_true(figure_instant(json, "s") == 3723.5);
    assert_true(figure_instant(json, "ms") == 1790000000.25);
    assert_true(fabs(figure_instant(json, "text") - 1795521871.207) < 1e-5);
    assert_true(isnan(figure_instant(json, "zone")));
    assert_true(isnan(figure_instant(json, "no")));
    assert_string_equal(figure_clock(room, json, "s"), "01:02:03.500Z");
    assert_string_equal(figure_clock(room, json, "no"), "soon");
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_have_the_digits_that_tell),
        cmocka_unit_test(what_was_not_measured_is_a_dash),
        cmocka_unit_test(ages_have_two_units_at_most),
        cmocka_unit_test(members_may_be_missing),
        cmocka_unit_test(instants_come_in_three_forms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
