/* SPDX-License-Identifier: MIT */
/* The page /profile: samples of the gateway's CPU time, taken for as many seconds as the request says.
 *
 * Threading: the admin's loop; names of what was sampled are found on its blocking pool.
 */
#ifndef APP_ADMIN_PAGE_PROFILE_H
#define APP_ADMIN_PAGE_PROFILE_H

#include <stdbool.h>

#include <weir/buffer.h>
#include <weir/error.h>
#include <weir/http_server.h>
#include <weir/time.h>

#include "admin/admin_state.h"

struct profile_query {
    weir_duration length;
    bool svg;
};

/* Reads the query of the page. Returns: 0; -EINVAL with what is wrong. */
WEIR_CHECKED int profile_query_read(weir_bytes query, struct profile_query *out, const char **fault);

/* The title of a flame graph. Returns: out. */
enum { PROFILE_TITLE_BYTES = 64 };
const char *profile_title(char out[PROFILE_TITLE_BYTES], weir_duration length);

/* Answers ?seconds=5&format=folded|svg. */
int page_profile(weir_request *req, weir_response *res, struct admin_state *state);

#endif
