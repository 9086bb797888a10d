/* SPDX-License-Identifier: MIT */
/* The version of the library: of the headers, at compile time, and of the library linked, at run time.
 *
 * Threading: any thread. Nothing here waits.
 *
 * Before version 1.0 a new minor version may change or remove what the headers declare; a new patch version
 * only adds: functions, and fields in the reserved bytes of option structures, whose zero means what the
 * library did before. Structures keep their size within a minor version. So a program runs with every later
 * library of the minor version it was compiled with, and the shared library's name has both numbers:
 * libweir.so.0.2. docs/abi.md has the whole rule.
 */
#ifndef WEIR_VERSION_H
#define WEIR_VERSION_H

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_VERSION_MAJOR 0
#define WEIR_VERSION_MINOR 2
#define WEIR_VERSION_PATCH 0
#define WEIR_VERSION "0.2.0"

/* Compares the version of the headers with a least one, for the preprocessor:
 * #if WEIR_VERSION_AT_LEAST(0, 3, 0) */
#define WEIR_VERSION_AT_LEAST(major, minor, patch)                                                           \
    (WEIR_VERSION_MAJOR > (major) ||                                                                         \
     (WEIR_VERSION_MAJOR == (major) &&                                                                       \
      (WEIR_VERSION_MINOR > (minor) || (WEIR_VERSION_MINOR == (minor) && WEIR_VERSION_PATCH >= (patch)))))

/* Returns the version of the library that the program runs with. It differs from WEIR_VERSION, the version
 * of the headers, if another shared library was installed since the program was compiled.
 * Owns:    static.
 * Returns: "MAJOR.MINOR.PATCH", never NULL.
 * Where:   any thread. Does not wait.
 */
const char *weir_version(void);

#ifdef __cplusplus
}
#endif
#endif
