/* SPDX-License-Identifier: MIT */
/* Stack frames: places in code, by name.
 *
 * Threading: plain values. The texts they point to live as long as the runtime whose functions returned
 * them.
 */
#ifndef WEIR_FRAME_H
#define WEIR_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One function of a stack, as far as the debug information describes it. */
typedef struct weir_frame {
    const char *function; /* "csv_sort"; without symbols "libfoo.so+0x1234"; never NULL */
    const char *file;     /* "report.c", without folders; or NULL */
    int line;             /* 0: unknown */
    bool is_inlined;      /* inlined into the next frame: it has no machine frame of its own */
    uintptr_t address;
} weir_frame;

#ifdef __cplusplus
}
#endif
#endif
