/* SPDX-License-Identifier: MIT */
#include "commands/top_layout.h"
#include "support/run.h"

static size_t lines_used(const struct top_layout *layout)
{
    size_t lines = layout->left_out > 0 ? 1 : 0;

    for (size_t i = 0; i < TOP_SECTIONS; i++)
        lines += layout->rows[i] > 0 ? layout->rows[i] + (layout->spaced ? 2 : 1) : 0;
    return lines;
}

static void all_is_shown_where_there_is_room(void **state)
{
    const struct top_room room = {.items = {2, 40, 3, 7, 12, 9}};
    const struct top_layout layout = top_layout_find(&room);

    (void)state;
    assert_true(layout.spaced);
    assert_int_equal(layout.left_out, 0);
    for (size_t i = 0; i < TOP_SECTIONS; i++)
        assert_int_equal(layout.rows[i], room.items[i]);
}

static void every_section_keeps_two_rows_at_80_by_24(void **state)
{
    const struct top_room room = {.lines = 20, .items = {8, 40, 5, 6, 12, 9}};
    const struct top_layout layout = top_layout_find(&room);

    (void)state;
    assert_int_equal(layout.left_out, 0);
    for (size_t i = 0; i < TOP_SECTIONS; i++)
        assert_true(layout.rows[i] >= 2);
    assert_int_equal(lines_used(&layout), 20);
}

static void it_fits_whatever_there_is(void **state)
{
    (void)state;
    for (size_t lines = 1; lines < 60; lines++) {
        for (int focus = 0; focus < TOP_SECTIONS; focus++) {
            const struct top_room room = {.lines = lines,
                                          .items = {1, 100, 0, 4, 7, 33},
                                          .has_focus = true,
                                          .focus = (enum top_section)focus};
            const struct top_layout layout = top_layout_find(&room);
            assert_true(lines_used(&layout) <= lines || layout.rows[TOP_ROUTES] == 0);
            assert_int_equal(layout.rows[TOP_POOLS], 0);
        }
    }
}

static void the_section_in_focus_gives_way_last(void **state)
{
    struct top_layout routes, origins;
    struct top_room room;

    (void)state;
    room = (struct top_room){.lines = 30, .items = {2, 50, 2, 0, 50, 2}, .has_focus = true};
    room.focus = TOP_ORIGINS;
    origins = top_layout_find(&room);
    room.focus = TOP_ROUTES;
    routes = top_layout_find(&room);
    assert_true(origins.rows[TOP_ORIGINS] > origins.rows[TOP_ROUTES]);
    assert_true(routes.rows[TOP_ROUTES] > routes.rows[TOP_ORIGINS]);
}

static void a_slice_ends_with_the_items(void **state)
{
    size_t offset;
    struct top_slice slice;

    (void)state;
    offset = 1000;
    slice = top_slice_of(10, 4, &offset);
    assert_int_equal(offset, 7);
    assert_int_equal(slice.from + slice.count, 10);
    assert_int_equal(slice.after, 0);
    offset = 2;
    slice = top_slice_of(10, 4, &offset);
    assert_int_equal(slice.before, 2);
    assert_int_equal(slice.count, 3);
    assert_int_equal(slice.after, 5);
    offset = 3;
    slice = top_slice_of(4, 4, &offset);
    assert_int_equal(offset, 0);
    assert_int_equal(slice.count, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_shown_where_there_is_room),
        cmocka_unit_test(every_section_keeps_two_rows_at_80_by_24),
        cmocka_unit_test(it_fits_whatever_there_is),
        cmocka_unit_test(the_section_in_focus_gives_way_last),
        cmocka_unit_test(a_slice_ends_with_the_items),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
