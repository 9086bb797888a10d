/* SPDX-License-Identifier: MIT */
/* Places in code, by name.
 *
 * Threading: plain values. The texts they point to live as long as the runtime whose functions gave them out.
 */
#ifndef WEIR_FRAME_H
#define WEIR_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One function of a stack, as far as the debug information says. */
typedef struct weir_frame {
    const char *function; /* "csv_sort"; without symbols "libfoo.so+0x1234"; never NULL */
    const char *file;     /* "report.c", without folders; or NULL */
    int line;             /* 0: not known */
    bool is_inlined;      /* into the one after it: it has no frame of its own */
    uintptr_t address;
} weir_frame;

#ifdef __cplusplus
}
#endif
#endif
