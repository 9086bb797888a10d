/* SPDX-License-Identifier: MIT */
#include "jobs/image_turn.h"

#include <string.h>

bool image_turn_swaps(int orientation)
{
    return orientation >= 5 && orientation <= 8;
}

/* The origin of a pixel of the turned image: its coordinates are swapped first, then counted from the other
 * end. */
struct turn {
    bool swap, from_right, from_bottom;
};

static struct turn turn_of(int orientation)
{
    static const struct turn turns[9] = {
        [2] = {false, true, false}, [3] = {false, true, true}, [4] = {false, false, true},
        [5] = {true, false, false}, [6] = {true, false, true}, [7] = {true, true, true},
        [8] = {true, true, false},
    };

    return orientation >= 1 && orientation <= 8 ? turns[orientation] : (struct turn){0};
}

void image_turn(const struct image_pixels *from, int orientation, struct image_pixels *to)
{
    const struct turn turn = turn_of(orientation);
    const size_t bands = (size_t)from->bands;
    unsigned char *out;

    to->width = turn.swap ? from->height : from->width;
    to->height = turn.swap ? from->width : from->height;
    to->bands = from->bands;
    out = to->data;
    for (int y = 0; y < to->height; y++) {
        for (int x = 0; x < to->width; x++, out += bands) {
            int across = turn.swap ? y : x, down = turn.swap ? x : y;
            across = turn.from_right ? from->width - 1 - across : across;
            down = turn.from_bottom ? from->height - 1 - down : down;
            memcpy(out, from->data + ((size_t)down * (size_t)from->width + (size_t)across) * bands, bands);
        }
    }
}
