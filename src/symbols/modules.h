/* SPDX-License-Identifier: MIT */
/* The files whose code a process has mapped, for libdw.
 *
 * Threading: whoever has the Dwfl.
 */
#ifndef WEIR__SYMBOLS_MODULES_H
#define WEIR__SYMBOLS_MODULES_H

#include <elfutils/libdwfl.h>
#include <stdbool.h>

/* Reports each library and program that is loaded into this process, those that are known already, too.
 * libdw's own report also takes a file for loaded that is merely mapped, as libdw itself maps what it reads,
 * and when such a mapping lies right below the library it has the library begin there: every name in it is
 * wrong.
 * Returns: whether that could be had. */
bool weir__modules_report(Dwfl *dwfl);

#endif
