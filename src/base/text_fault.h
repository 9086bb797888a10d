/* SPDX-License-Identifier: MIT */
/* Filling a weir_text_fault. Threading: pure functions. */
#ifndef WEIR__BASE_TEXT_FAULT_H
#define WEIR__BASE_TEXT_FAULT_H

#include <errno.h>

#include <weir/text.h>

/* fault may be NULL. Returns: -EINVAL. */
static inline int weir__text_fault(weir_text_fault *fault, size_t at, const char *expected)
{
    if (fault != NULL)
        *fault = (weir_text_fault){at, expected};
    return -EINVAL;
}

#endif
