/* SPDX-License-Identifier: MIT */
/* Frames of a stack, as the JSON pages write them: "csv_sort report.c:118", or the function alone.
 *
 * Threading: functions from data to text; any thread.
 */
#ifndef APP_ADMIN_PAGE_FRAME_H
#define APP_ADMIN_PAGE_FRAME_H

#include <stddef.h>

#include <weir/frame.h>

#include "text/text_out.h"

/* Writes a string. */
void page_frame_write(struct text_out *out, const weir_frame *frame);

/* Writes an array of strings. */
void page_stack_write(struct text_out *out, const weir_frame *frames, size_t count);

#endif
