/* SPDX-License-Identifier: MIT */
/* Targets of requests: taking them apart, and the normal form of paths, which routes are matched against.
 *
 * Threading: pure functions over the caller's memory.
 */
#ifndef WEIR__HTTP_MESSAGE_TARGET_H
#define WEIR__HTTP_MESSAGE_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/buffer.h>
#include <weir/error.h>
#include "http/message/head.h"

enum weir__http_target_form {
    WEIR__HTTP_ORIGIN_FORM,   /* /path?query */
    WEIR__HTTP_ABSOLUTE_FORM, /* http://authority/path?query */
    WEIR__HTTP_ASTERISK_FORM, /* * : the server as a whole; path and query are empty */
};

struct weir__http_target {
    enum weir__http_target_form form;
    weir_bytes authority; /* host[:port] of the absolute form, which counts instead of Host (RFC 9112, 3.2.2).
                             Else empty */
    weir_bytes path;      /* as it came, still encoded; starts with '/' ("/" if an absolute form has none) */
    weir_bytes query;     /* without its '?'; .data NULL if there is no '?' */
};

/* Takes a request target apart. The authority form of CONNECT is refused with 501.
 * Owns:    spans point into target (or at a static "/").
 * Returns: 0, or -WEIR_EPROTOCOL and fault is filled.
 * Where:   any thread.
 */
WEIR_CHECKED int weir__http_target_parse(weir_bytes target, struct weir__http_target *out,
                                         struct weir__http_fault *fault);

/* Brings a path into its normal form: unreserved characters decoded, other escapes kept
 * with upper-case digits, then dot segments resolved. %2F stays %2F, so it never splits a segment; empty
 * segments stay. The result is itself a valid encoded path, never longer than path.
 * Owns:    out is the caller's; normal points into out, or is path itself where nothing had to change.
 * Returns: 0; -WEIR_EPROTOCOL for %00, a broken escape, a byte that can't stand in a path, or .. above the
 *          root, with fault filled (400); -WEIR_ETOOLARGE if room < path.len, fault filled (414).
 * Where:   any thread.
 */
WEIR_CHECKED int weir__http_path_normalize(weir_bytes path, char *out, size_t room, weir_bytes *normal,
                                           struct weir__http_fault *fault);

/* Resolves the dot segments of a path as weir__http_path_normalize() does, but leaves every other byte as it
 * came. The path is one that weir__http_path_normalize() takes, and out has room for path.len bytes.
 * Returns: the bytes written, or 0 when nothing has to be changed: then nothing is written.
 * Where:   any thread.
 */
size_t weir__http_path_resolve(weir_bytes path, char *out);

/* The segment of the path as it came that became segment `index` (from 0) of its normal form.
 * Returns: a span of path; empty if there is no such segment.
 * Where:   any thread. Walks the path from its start.
 */
weir_bytes weir__http_path_segment(weir_bytes path, size_t index);

/* The length of "http://" or "https://" at the start of text, or 0. *tls says which. */
size_t weir__http_scheme_length(weir_bytes text, bool *tls);

#endif
