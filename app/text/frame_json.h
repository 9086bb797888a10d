/* SPDX-License-Identifier: MIT */
/* Frames of a stack, as the JSON pages write them: "csv_sort report.c:118", or the function alone.
 *
 * Threading: functions from data to text; any thread.
 */
#ifndef APP_TEXT_FRAME_JSON_H
#define APP_TEXT_FRAME_JSON_H

#include <stddef.h>

#include <weir/frame.h>

#include "text/text_out.h"

/* Writes a string. */
void frame_json_write(struct text_out *out, const weir_frame *frame);

/* Writes an array of strings. */
void frame_json_stack(struct text_out *out, const weir_frame *frames, size_t count);

#endif
