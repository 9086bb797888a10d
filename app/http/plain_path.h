/* SPDX-License-Identifier: MIT */
/* Files have several paths: "/a/b", "/a//b" and, of "/@a/b", "/%40a/b". Routes tell them apart, so the rules
 * of one route, such as who may ask, must not be passed by with another spelling, on a route whose tree has
 * the file as well.
 *
 * Threading: as a weir_handler.
 */
#ifndef APP_HTTP_PLAIN_PATH_H
#define APP_HTTP_PLAIN_PATH_H

#include <weir/http_server.h>

/* Writes a path, in normal form, in its plain spelling: without empty segments, and with no character escaped
 * that routes are written with as it is. out has room for three times the path, and a NUL.
 * Where:   any thread. */
void plain_path_write(const char *path, char *out);

/* Leads a request to the plain spelling of its path, if that is of another route.
 * Returns: 0: it is not; 1: it is answered; < 0 as a weir_handler.
 * Where:   task. May wait.
 */
WEIR_CHECKED int plain_path_lead(weir_request *req, weir_response *res);

#endif
