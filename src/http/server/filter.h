/* SPDX-License-Identifier: MIT */
/* The filters of a response, which a handler or wrappers of one added with weir_response_filter_add().
 *
 * Threading: a task of the exchange. The functions that send wait.
 */
#ifndef WEIR__HTTP_SERVER_FILTER_H
#define WEIR__HTTP_SERVER_FILTER_H

#include "http/server/state.h"

/* Sends through the filters of a response that were not asked yet: as the functions of response_send.h. */
int weir__filter_whole(struct weir__exchange *x, int status, const char *type, const void *data,
                       size_t bytes) WEIR_CHECKED;
int weir__filter_head(struct weir__exchange *x, int status, const char *type, int64_t length) WEIR_CHECKED;
/* Sends a piece through the filters; of several tasks each waits for its turn. */
int weir__filter_body(struct weir__exchange *x, const void *data, size_t bytes) WEIR_CHECKED;

/* The handler has written all: sends what the filters still hold. */
int weir__filter_finish(struct weir__exchange *x) WEIR_CHECKED;

/* The exchange is over: tells the filters. */
void weir__filter_end(struct weir__exchange *x);

#endif
