/* SPDX-License-Identifier: MIT */
#include "commands/top_layout.h"

#include <stdint.h>

static const struct {
    size_t comfortable; /* rows it keeps while there are empty lines between sections */
    size_t least; /* rows it keeps as long as it is shown: an item, and the count of the others. A backend
                     is shown with an instance */
    size_t ease;  /* weight of its rows when a row is to be taken; the section with most loses it */
    int worth;    /* the section of least worth is left out first */
} shares[TOP_SECTIONS] = {
    [TOP_LOOPS] = {2, 2, 2, 4},    [TOP_ROUTES] = {5, 2, 1, 6},  [TOP_POOLS] = {2, 2, 1, 1},
    [TOP_BACKENDS] = {4, 3, 1, 3}, [TOP_ORIGINS] = {3, 2, 1, 2}, [TOP_STALLS] = {2, 2, 2, 5},
};

static size_t lines_of(const struct top_layout *layout)
{
    size_t lines = layout->left_out > 0 ? 1 : 0;

    for (size_t i = 0; i < TOP_SECTIONS; i++)
        if (layout->rows[i] > 0)
            lines += layout->rows[i] + (layout->spaced ? 2 : 1);
    return lines;
}

static size_t ease_of(const struct top_room *room, size_t section)
{
    return room->has_focus && section == (size_t)room->focus ? 0 : shares[section].ease;
}

/* Takes a row from the section that can best do without.
 * Returns: false when no section has more than its least. */
static bool take_row(const struct top_room *room, struct top_layout *layout, bool comfortable)
{
    size_t from = TOP_SECTIONS;

    for (size_t i = 0; i < TOP_SECTIONS; i++) {
        const size_t least = comfortable ? shares[i].comfortable : shares[i].least;
        if (layout->rows[i] > least && (from == TOP_SECTIONS || layout->rows[i] * ease_of(room, i) >
                                                                    layout->rows[from] * ease_of(room, from)))
            from = i;
    }
    if (from == TOP_SECTIONS)
        return false;
    layout->rows[from]--;
    return true;
}

/* Leaves out the section of least worth, or a row of the last section.
 * Returns: false when nothing is left. */
static bool leave_out(const struct top_room *room, struct top_layout *layout)
{
    size_t out = TOP_SECTIONS, shown = 0;

    for (size_t i = 0; i < TOP_SECTIONS; i++) {
        if (layout->rows[i] == 0)
            continue;
        shown++;
        if (room->has_focus && i == (size_t)room->focus && i != TOP_ROUTES)
            continue;
        if (out == TOP_SECTIONS || shares[i].worth < shares[out].worth)
            out = i;
    }
    if (shown == 0 || out == TOP_SECTIONS)
        return false;
    if (shown == 1 && layout->rows[out] > 1) {
        layout->rows[out]--;
        return true;
    }
    layout->rows[out] = 0;
    layout->left_out++;
    return true;
}

/* Gives each section as many rows as fit while all keep their comfortable number.
 * Returns: whether they fit. */
static bool fit_comfortably(const struct top_room *room, size_t most, struct top_layout *layout)
{
    for (size_t i = 0; i < TOP_SECTIONS; i++)
        layout->rows[i] = room->items[i];
    while (lines_of(layout) > most && take_row(room, layout, true))
        ;
    return lines_of(layout) <= most;
}

struct top_layout top_layout_find(const struct top_room *room)
{
    struct top_layout layout = {.spaced = true};
    const size_t most = room->lines > 0 ? room->lines : SIZE_MAX;

    if (fit_comfortably(room, most, &layout))
        return layout;
    layout.spaced = false;
    if (fit_comfortably(room, most, &layout))
        return layout;
    while (lines_of(&layout) > most && take_row(room, &layout, false))
        ;
    while (lines_of(&layout) > most && leave_out(room, &layout))
        ;
    return layout;
}

struct top_slice top_slice_of(size_t items, size_t rows, size_t *offset)
{
    struct top_slice slice = {.count = rows < items && rows > 1 ? rows - 1 : rows};

    if (*offset > items - slice.count)
        *offset = items - slice.count;
    slice.from = slice.before = *offset;
    slice.after = items - slice.count - slice.from;
    return slice;
}
