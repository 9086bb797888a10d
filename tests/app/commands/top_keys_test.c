/* SPDX-License-Identifier: MIT */
#include "commands/top_keys.h"

#include <string.h>

#include "support/run.h"

static bool press(struct top_view *view, const char *keys)
{
    return top_keys_heed(view, keys, strlen(keys));
}

static void letters_choose_what_is_shown(void **state)
{
    struct top_view view = {.sort = TOP_BY_RATE};

    (void)state;
    assert_false(press(&view, "9"));
    assert_int_equal(view.sort, TOP_BY_P99);
    assert_false(press(&view, "e"));
    assert_int_equal(view.sort, TOP_BY_ERRORS);
    assert_false(press(&view, "l"));
    assert_int_equal(view.sort, TOP_AS_LISTED);
    assert_false(press(&view, "r"));
    assert_int_equal(view.sort, TOP_BY_RATE);
    assert_false(press(&view, "wp"));
    assert_true(view.last_60s && view.paused);
    assert_false(press(&view, "w "));
    assert_false(view.last_60s || view.paused);
    assert_false(press(&view, "xyz\001")); /* mean nothing */
}

static void q_quits_wherever_it_stands(void **state)
{
    struct top_view view = {.sort = TOP_BY_RATE};

    (void)state;
    assert_true(press(&view, "q"));
    assert_true(press(&view, "Q"));
    assert_true(press(&view, "q9"));
    assert_int_equal(view.sort, TOP_BY_P99);
    assert_true(press(&view, "\033[Aq"));
}

static void arrows_scroll_the_section_in_focus(void **state)
{
    struct top_view view = {.focus = TOP_ROUTES};

    (void)state;
    assert_false(press(&view, "jjj\033[B\033[6~"));
    assert_int_equal(view.offset[TOP_ROUTES], 14);
    assert_false(press(&view, "k\033[A\033OA\033[5~"));
    assert_int_equal(view.offset[TOP_ROUTES], 1);
    assert_false(press(&view, "kkk\033[5~")); /* not before the first */
    assert_int_equal(view.offset[TOP_ROUTES], 0);
    assert_false(press(&view, "jj\033[H"));
    assert_int_equal(view.offset[TOP_ROUTES], 0);
    assert_false(press(&view, "jj\033[1~"));
    assert_int_equal(view.offset[TOP_ROUTES], 0);
}

static void tab_goes_round_the_sections(void **state)
{
    struct top_view view = {.focus = TOP_LOOPS};

    (void)state;
    for (int i = 0; i < TOP_SECTIONS; i++) {
        assert_int_equal(view.focus, i);
        assert_false(press(&view, i % 2 == 0 ? "\t" : "\033[C"));
    }
    assert_int_equal(view.focus, TOP_LOOPS);
    assert_false(press(&view, "\033[Z"));
    assert_int_equal(view.focus, TOP_STALLS);
    assert_false(press(&view, "\033[D"));
    assert_int_equal(view.focus, TOP_ORIGINS);
}

static void sequences_that_are_cut_or_unknown_do_nothing(void **state)
{
    static const char *const texts[] = {"\033", "\033[", "\033x", "\033[15;2~", "\033[M", "\033\033"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct top_view view = {.focus = TOP_ROUTES, .offset[TOP_ROUTES] = 0};
        assert_false(press(&view, texts[i]));
        assert_int_equal(view.focus, TOP_ROUTES);
        assert_int_equal(view.sort, TOP_BY_RATE);
        assert_false(view.paused || view.last_60s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_choose_what_is_shown),
        cmocka_unit_test(q_quits_wherever_it_stands),
        cmocka_unit_test(arrows_scroll_the_section_in_focus),
        cmocka_unit_test(tab_goes_round_the_sections),
        cmocka_unit_test(sequences_that_are_cut_or_unknown_do_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
