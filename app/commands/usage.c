/* SPDX-License-Identifier: MIT */
#include "commands/usage.h"

#include <stdarg.h>
#include <stdio.h>

#include "commands/commands.h"

int usage_error(const char *command, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "weir %s: ", command);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "; see 'weir %s --help'\n", command);
    return EXIT_USAGE;
}
