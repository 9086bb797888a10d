/* SPDX-License-Identifier: MIT */
/* The stack of a thread of an application, as its helper (weir_app.py, weir_app.cjs) has written it:
 *
 *     Current thread 0x00007f0c1a2b3c40 (most recent call first):
 *       File "/srv/shop/app.py", line 11 in regex
 *
 * It comes from another program, which may lie: whatever it says becomes printable ASCII of bounded length.
 *
 * Threading: pure functions of plain values.
 */
#ifndef APP_APPS_APP_STACK_H
#define APP_APPS_APP_STACK_H

#include <stdbool.h>
#include <stddef.h>

enum { APP_STACK_FRAMES_MAX = 16, APP_FRAME_FUNCTION_BYTES = 64, APP_FRAME_FILE_BYTES = 96 };

struct app_frame {
    char function[APP_FRAME_FUNCTION_BYTES]; /* "" : not known */
    char file[APP_FRAME_FILE_BYTES]; /* without what all files have in common; the end of a long one */
    int line;
    bool own; /* in the folder of the application, and of no package there */
};

/* The innermost frame comes first. */
struct app_stack {
    size_t depth;
    size_t culprit; /* the first frame of the application's own code; else 0 */
    bool idle;      /* the innermost frame is where the language's own event loop waits */
    struct app_frame frames[APP_STACK_FRAMES_MAX];
};

/* Reads the stack of the current thread; without that mark, the first one. folder: of the application; files
 * in it are named from there. A text without a frame gives depth 0. */
void app_stack_read(const char *text, size_t length, const char *folder, struct app_stack *out);

#endif
