/* SPDX-License-Identifier: MIT */
/* A frame of `weir top` as text. Threading: that of the test. */
#ifndef TEST_APP_COMMANDS_TOP_FRAME_OF_H
#define TEST_APP_COMMANDS_TOP_FRAME_OF_H

#include <stdlib.h>
#include <string.h>

#include "commands/top_frame.h"
#include "support/run.h"

/* Returns: the frame, for the caller to free(). */
static inline char *frame_of(struct top_view *view, int width)
{
    struct terminal_text out;
    char *text;

    terminal_text_init(&out, 1 << 20);
    out.width = width;
    out.utf8 = true;
    top_frame_write(view, &out);
    assert_int_equal(out.text.err, 0);
    text = strdup(out.text.text.data);
    assert_non_null(text);
    weir_buffer_free(&out.text.text);
    return text;
}

#endif
