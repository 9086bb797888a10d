/* SPDX-License-Identifier: MIT */
/* The sentence about a failure. Threading: any. */
#ifndef WEIR__TLS_FAULT_H
#define WEIR__TLS_FAULT_H

#include <stdarg.h>
#include <stdio.h>

struct weir__tls_fault {
    char text[512];
};

/* Returns: err. */
__attribute__((format(printf, 3, 4))) static inline int weir__tls_fault(struct weir__tls_fault *fault,
                                                                        int err, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(fault->text, sizeof fault->text, format, args);
    va_end(args);
    return err;
}

#endif
