/* SPDX-License-Identifier: MIT */
#include "commands/top_keys.h"

enum { PAGE_ROWS = 10 };

static void scroll(struct top_view *view, int rows)
{
    size_t *offset = &view->offset[view->focus];

    if (rows < 0)
        *offset = *offset > (size_t)-rows ? *offset - (size_t)-rows : 0;
    else
        *offset += (size_t)rows; /* the frame limits it to the items that there are */
}

static void focus_next(struct top_view *view, int by)
{
    view->focus = (enum top_section)(((int)view->focus + by + TOP_SECTIONS) % TOP_SECTIONS);
}

static bool heed_key(struct top_view *view, char key)
{
    switch (key) {
    case 'q':
    case 'Q':
        return true;
    case 'r':
        view->sort = TOP_BY_RATE;
        break;
    case '9':
        view->sort = TOP_BY_P99;
        break;
    case 'e':
        view->sort = TOP_BY_ERRORS;
        break;
    case 'l':
        view->sort = TOP_AS_LISTED;
        break;
    case 'w':
        view->last_60s = !view->last_60s;
        break;
    case 'p':
    case ' ':
        view->paused = !view->paused;
        break;
    case '\t':
        focus_next(view, 1);
        break;
    case 'j':
        scroll(view, 1);
        break;
    case 'k':
        scroll(view, -1);
        break;
    default:
        break;
    }
    return false;
}

/* Applies the sequence that follows ESC [ : 'A' up, 'B' down, 'H' Home, 'Z' Shift-Tab, "5~" and "6~" a page.
 */
static void heed_sequence(struct top_view *view, char first)
{
    switch (first) {
    case 'A':
        scroll(view, -1);
        break;
    case 'B':
        scroll(view, 1);
        break;
    case 'C':
        focus_next(view, 1);
        break;
    case 'D':
    case 'Z':
        focus_next(view, -1);
        break;
    case '5':
        scroll(view, -PAGE_ROWS);
        break;
    case '6':
        scroll(view, PAGE_ROWS);
        break;
    case 'H':
    case '1':
        view->offset[view->focus] = 0;
        break;
    default:
        break;
    }
}

bool top_keys_heed(struct top_view *view, const char *keys, size_t n)
{
    bool quit = false;

    for (size_t i = 0; i < n; i++) {
        if (keys[i] != '\033') {
            quit = heed_key(view, keys[i]) || quit;
            continue;
        }
        if (i + 2 >= n || (keys[i + 1] != '[' && keys[i + 1] != 'O'))
            return quit;
        heed_sequence(view, keys[i + 2]);
        for (i += 2; i < n && keys[i] < '@' && keys[i] != '~';)
            i++;
    }
    return quit;
}
