/* SPDX-License-Identifier: MIT */
/* Text of HTTP: tokens, header values, lists, and the patterns of routes. These are the functions that the
 * server and the client use themselves: what a program has checked with them is not refused later.
 *
 * Threading: everything here may be called from any thread, does not wait and allocates nothing.
 */
#ifndef WEIR_HTTP_TEXT_H
#define WEIR_HTTP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/buffer.h>
#include <weir/error.h>
#include <weir/text.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { WEIR_PARAMS_MAX = 8, WEIR_PATTERN_BYTES_MAX = 255 }; /* of a route's pattern */

/* --- headers and methods --- */

/* Reports whether a text is a token (RFC 9110, 5.6.2), as names of headers and methods are: visible ASCII
 * without spaces and separators, one character at least.
 * Owns:    nothing.
 * Returns: true if it is.
 * Where:   any thread.
 */
bool weir_token_is_valid(weir_bytes text);

/* Reports whether a text can be the value of a header: no control character but tab. It may be empty.
 * Owns:    nothing.
 * Returns: true if it can.
 * Where:   any thread.
 */
bool weir_header_value_is_valid(weir_bytes text);

/* Reports whether a header belongs to one connection and must not be passed on (RFC 9110, 7.6.1): Connection,
 * Keep-Alive, Proxy-…, TE, Trailer, Transfer-Encoding, Upgrade, and every name that the Connection header
 * lists. Content-Length and Host are passed on even if Connection lists them, because without them the
 * message would mean something else.
 * Owns:    nothing. connection is the joined value of all Connection headers (weir_request_header_joined());
 *          it may be empty.
 * Returns: true if it must not be passed on.
 * Where:   any thread.
 */
bool weir_header_is_hop_by_hop(weir_bytes name, weir_bytes connection);

/* Takes the next element off a list such as "gzip, br;q=0.5": up to the next separator that is not inside a
 * quoted string. Spaces around an element are not part of it. Empty elements are skipped. The separator is
 * ',' between the elements of a header, ';' between the parameters of an element.
 * Owns:    the element points into *rest, which becomes what remains.
 * Returns: false at the end.
 * Where:   any thread.
 */
bool weir_list_next(weir_bytes *rest, char separator, weir_bytes *element);

/* Reads a date, in the form "Sun, 06 Nov 1994 08:49:37 GMT", or in one of the two obsolete ones, which a
 * recipient has to understand (RFC 9110, 5.6.7): "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37
 * 1994".
 * Takes:   now, in seconds since 1970: of two digits of a year, the latest that is at most 50 years ahead of
 *          it is meant.
 * Owns:    nothing.
 * Returns: 0, and *unix_seconds; -WEIR_EPROTOCOL it is none, or one that does not exist.
 * Where:   any thread. Does not wait.
 */
WEIR_CHECKED int weir_http_date_parse(weir_bytes text, int64_t now, int64_t *unix_seconds);

/* --- patterns of routes: weir_route.path --- */

/* Checks a pattern: segments of literal text, {name} for one whole, non-empty segment, and perhaps a last
 * segment '*' for everything below. "/files/" with a star matches "/files", "/files/" and "/files/a/b".
 *
 * Requests are matched after their path was brought into one form, so literals are written in that form:
 * letters, digits and -._~ as they are, !$&'()+,;=:@ as they are or as %XX, everything else as %XX. Segments
 * "." and "..", and empty segments but the last, are faults. A name begins with a letter or '_', followed by
 * letters, digits and '_'; it stands once. At most WEIR_PATTERN_BYTES_MAX bytes and WEIR_PARAMS_MAX names.
 *
 * Owns:    nothing. fault may be NULL.
 * Returns: 0; -EINVAL, and *fault says what was expected where.
 * Where:   any thread.
 */
WEIR_CHECKED int weir_pattern_check(weir_bytes pattern, weir_text_fault *fault);

/* Reports whether a text can be the name of a parameter.
 * Owns:    nothing.
 * Returns: true if it can.
 * Where:   any thread.
 */
bool weir_pattern_name_is_valid(weir_bytes name);

/* Reports whether a valid pattern has a parameter of this name.
 * Owns:    nothing.
 * Returns: true if it has.
 * Where:   any thread.
 */
bool weir_pattern_has_param(weir_bytes pattern, weir_bytes name);

/* Reports whether one valid pattern matches every path that a second one matches. Routes are tried in their
 * order, so a route is never reached if an earlier one with its methods covers it.
 * Owns:    nothing.
 * Returns: true if earlier covers later.
 * Where:   any thread.
 */
bool weir_pattern_covers(weir_bytes earlier, weir_bytes later);

/* Checks the host of a route (weir_route.host): a name or an address without a port, [::1] with its brackets,
 * or "*." and a name. Case and a dot at the end have no meaning.
 * Owns:    nothing. fault may be NULL.
 * Returns: 0; -EINVAL, and *fault says what was expected where.
 * Where:   any thread.
 */
WEIR_CHECKED int weir_route_host_check(weir_bytes host, weir_text_fault *fault);

/* Reports whether one valid host of a route takes every request that a second one takes. An empty text is no
 * host, which takes all requests.
 * Owns:    nothing.
 * Returns: true if earlier covers later.
 * Where:   any thread.
 */
bool weir_route_host_covers(weir_bytes earlier, weir_bytes later);

/* Checks the methods of a route: tokens with spaces or commas between them, one at least.
 * Owns:    nothing. fault may be NULL.
 * Returns: 0; -EINVAL, and *fault says what was expected where.
 * Where:   any thread.
 */
WEIR_CHECKED int weir_methods_check(weir_bytes methods, weir_text_fault *fault);

#ifdef __cplusplus
}
#endif
#endif
