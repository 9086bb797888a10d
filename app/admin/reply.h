/* SPDX-License-Identifier: MIT */
/* Answers of the admin address, compressed with gzip if the client accepts it: pages are long and repetitive.
 *
 * Threading: the admin's loop.
 */
#ifndef APP_ADMIN_REPLY_H
#define APP_ADMIN_REPLY_H

#include <weir/http_server.h>

/* Answers 200 with a text.
 * Owns:    body is lent until this returns.
 * Returns: as weir_respond_buffer().
 * Where:   task. Waits.
 */
int admin_reply(const weir_request *req, weir_response *res, const char *type, const weir_buffer *body);

#endif
