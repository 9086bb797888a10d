/* SPDX-License-Identifier: MIT */
/* Lines for people: harmful characters are replaced, long texts are cut, and figures read well. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "text/figures.h"
#include "text/terminal_text.h"

static struct terminal_text out;

static void begin(int width, bool utf8, bool styled)
{
    terminal_text_init(&out, 1 << 16);
    out.width = width;
    out.utf8 = utf8;
    out.styled = styled;
}

/* Ends the text, and compares all of it. */
static void expect(const char *wanted)
{
    assert_int_equal(out.text.err, 0);
    assert_int_equal(weir_buffer_append(&out.text.text, "", 1), 0);
    assert_string_equal(out.text.text.data, wanted);
    weir_buffer_free(&out.text.text);
}

static void controls_never_reach_the_terminal(void **state)
{
    (void)state;
    begin(0, true, false);
    terminal_text_add(&out, LINE_PLAIN, "a\033[2Jb\r\n\tc\177");
    terminal_text_add(&out, LINE_PLAIN,
                      "\xc2\x9b"
                      "d"); /* a two-byte control character */
    terminal_text_add(&out, LINE_PLAIN,
                      "\xe2\x80\xae"
                      "e"); /* right to left from here on */
    terminal_text_add(&out, LINE_PLAIN,
                      "\xff\xc3"
                      "f\xe2\x82"); /* no UTF-8 */
    expect("a?[2Jb???c??d?e??f??");
    begin(0, true, false);
    terminal_text_add(&out, LINE_PLAIN, "é…\xf0\x9f\x8c\x8a");
    expect("é…\xf0\x9f\x8c\x8a");
    begin(0, false, false);
    terminal_text_add(&out, LINE_PLAIN, "é … 3× –");
    expect("? ~ 3x -");
}

static void what_does_not_fit_is_cut_and_says_so(void **state)
{
    (void)state;
    begin(8, true, false);
    terminal_text_add(&out, LINE_PLAIN, "12345678");
    terminal_text_add(&out, LINE_PLAIN, "9");
    terminal_text_end(&out);
    terminal_text_add(&out, LINE_PLAIN, "éééééééééé");
    terminal_text_end(&out);
    terminal_text_field(&out, LINE_PLAIN, 4, "ab");
    terminal_text_field(&out, LINE_PLAIN, -4, "cd");
    terminal_text_end(&out);
    terminal_text_field(&out, LINE_PLAIN, 3, "abcde");
    terminal_text_field(&out, LINE_PLAIN, -8, "right");
    terminal_text_end(&out);
    terminal_text_bar(&out, LINE_PLAIN, 12, 0.5);
    terminal_text_end(&out);
    expect("12345678\nééééééé…\nab    cd\nab…   r…\n██████░░\n");
}

static void styles_are_ended_and_take_no_room(void **state)
{
    (void)state;
    begin(5, true, true);
    terminal_text_add(&out, LINE_STRONG, "abc");
    terminal_text_field(&out, LINE_BAD, 4, "defg");
    terminal_text_end(&out);
    expect("\033[1mabc\033[0m\033[1;31md…\033[0m\n");
}

static void a_bar_is_never_longer_than_it_is(void **state)
{
    static const double shares[] = {-1, 0, 1, 7, NAN};
    static const char *const wanted[] = {"....", "....", "####", "####", "...."};

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        begin(0, false, false);
        terminal_text_bar(&out, LINE_PLAIN, 4, shares[i]);
        expect(wanted[i]);
    }
}

static void figures_have_three_digits_that_count(void **state)
{
    char text[FIGURE_BYTES];

    (void)state;
    assert_string_equal(figure_ms(text, 0), "0");
    assert_string_equal(figure_ms(text, 0.42), "0.42");
    assert_string_equal(figure_ms(text, 9.996), "10.0");
    assert_string_equal(figure_ms(text, 99.96), "100");
    assert_string_equal(figure_ms(text, NAN), "–");
    assert_string_equal(figure_rate(text, 1.44), "1.4");
    assert_string_equal(figure_rate(text, 840.4), "840");
    assert_string_equal(figure_percent(text, 0), "0 %");
    assert_string_equal(figure_percent(text, 0.0001), "<0.1 %");
    assert_string_equal(figure_percent(text, 0.123), "12 %");
    assert_string_equal(figure_age(text, 59.9), "59 s");
    assert_string_equal(figure_age(text, 7260), "2 h 1 min");
    assert_string_equal(figure_age(text, 93784), "1 d 2 h");
}

static void answers_are_read_as_far_as_they_go(void **state)
{
    json_t *json = json_loads(
        "{\"a\":{\"b\":{\"p99\":1.5}},\"n\":null,\"t\":\"x\",\"at\":\"2026-11-24T12:04:31.250Z\"}", 0, NULL);
    char text[FIGURE_BYTES];

    (void)state;
    assert_non_null(json);
    assert_true(figure_at(json, "a.b.p99") == 1.5);
    assert_true(isnan(figure_at(json, "a.b.p50")) && isnan(figure_at(json, "n")) &&
                isnan(figure_at(json, "t")));
    assert_true(isnan(figure_at(NULL, "a")) && isnan(figure_at(json, "a.b.p99.x")));
    assert_string_equal(figure_text(json, "t"), "x");
    assert_string_equal(figure_text(json, "n"), "");
    assert_true(figure_instant(json, "at") == 1795521871.25);
    assert_true(isnan(figure_instant(json, "t")) && isnan(figure_instant(json, "none")));
    assert_string_equal(figure_clock(text, json, "at"), "12:04:31.250Z");
    assert_string_equal(figure_clock(text, json, "t"), "x");
    json_object_set_new(json, "s", json_real(1795521871.25));
    json_object_set_new(json, "ms", json_integer(1795521871250));
    assert_true(figure_instant(json, "s") == 1795521871.25 && figure_instant(json, "ms") == 1795521871.25);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(controls_never_reach_the_terminal),
        cmocka_unit_test(what_does_not_fit_is_cut_and_says_so),
        cmocka_unit_test(styles_are_ended_and_take_no_room),
        cmocka_unit_test(a_bar_is_never_longer_than_it_is),
        cmocka_unit_test(figures_have_three_digits_that_count),
        cmocka_unit_test(answers_are_read_as_far_as_they_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
