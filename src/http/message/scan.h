/* SPDX-License-Identifier: MIT */
/* The end of a head, and what no head may hold: found in one pass over bytes as they come.
 *
 * Threading: a pure function; what it has to remember is the caller's weir__http_scan.
 */
#ifndef WEIR__HTTP_MESSAGE_SCAN_H
#define WEIR__HTTP_MESSAGE_SCAN_H

#include <stddef.h>

#include <weir/error.h>

/* How far an incomplete head has been searched, so that bytes which come one by one are not searched again.
 * All zero before the first byte of each message. */
struct weir__http_scan {
    size_t at;
};

/* Looks for the empty line that ends a head. Bare CR, bare LF, NUL and other control characters, and folded
 * lines are refused as soon as they are there: otherwise a client that ends lines in a bare LF would wait for
 * an answer for ever.
 * Owns:    nothing. *wrong is static text.
 * Returns: > 0 the bytes up to the end of the head; 0 not there yet; -WEIR_EPROTOCOL, and *wrong says what
 *          is wrong.
 * Where:   any thread. Looks at each byte once, but for the last three.
 */
WEIR_CHECKED int weir__http_scan_head(const char *data, size_t len, struct weir__http_scan *scan,
                                      const char **wrong);

#endif
