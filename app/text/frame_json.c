/* SPDX-License-Identifier: MIT */
#include "text/frame_json.h"

#include <stdio.h>

enum { FRAME_BYTES = 512 };

void frame_json_write(struct text_out *out, const weir_frame *frame)
{
    char text[FRAME_BYTES];

    if (frame->file != NULL && frame->line > 0)
        snprintf(text, sizeof text, "%s %s:%d", frame->function, frame->file, frame->line);
    else
        snprintf(text, sizeof text, "%s", frame->function);
    text_out_json(out, text);
}

void frame_json_stack(struct text_out *out, const weir_frame *frames, size_t count)
{
    text_out_add(out, "[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            text_out_add(out, ",");
        frame_json_write(out, &frames[i]);
    }
    text_out_add(out, "]");
}
