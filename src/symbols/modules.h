/* SPDX-License-Identifier: MIT */
/* The files whose code a process has mapped, for libdw.
 *
 * Threading: the user of the Dwfl.
 */
#ifndef WEIR__SYMBOLS_MODULES_H
#define WEIR__SYMBOLS_MODULES_H

#include <elfutils/libdwfl.h>
#include <stdbool.h>

/* Reports the program and each library that is loaded into this process, including those reported before.
 * Replaces libdw's own report, which takes a file that is merely mapped for a loaded one; libdw itself maps
 * the files it reads. When such a mapping lies right below the library, libdw begins the library there, and
 * every name in it is wrong.
 * Returns: false: the list could not be read. */
bool weir__modules_report(Dwfl *dwfl);

#endif
