/* SPDX-License-Identifier: MIT */
/* Vary: what an answer depends on, for caches.
 *
 * Threading: the task of the request.
 */
#ifndef APP_HTTP_VARY_H
#define APP_HTTP_VARY_H

#include <weir/http_response.h>

/* Adds the name of a request's header to Vary, unless it is there or Vary is "*". All names become one field:
 * some clients and caches read one alone.
 * Returns: as weir_response_header_set().
 * Where:   task. Does not wait.
 */
WEIR_CHECKED int vary_add(weir_response *res, const char *name);

#endif
