/* SPDX-License-Identifier: MIT */
/* Answers that lead to another path of the same host.
 *
 * Threading: as a weir_handler.
 */
#ifndef APP_HTTP_MOVED_H
#define APP_HTTP_MOVED_H

#include <weir/http_server.h>

/* Answers 301 with a path, what is appended to it, and the query of the request.
 * Returns: as a weir_handler.
 * Where:   task. Waits.
 */
WEIR_CHECKED int moved_to(weir_request *req, weir_response *res, const char *path, const char *more);

#endif
