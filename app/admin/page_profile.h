/* SPDX-License-Identifier: MIT */
/* The page /profile: samples of the gateway's CPU time, taken for as many seconds as the request says.
 *
 * Threading: the admin's loop; names of what was sampled are found on its blocking pool.
 */
#ifndef APP_ADMIN_PAGE_PROFILE_H
#define APP_ADMIN_PAGE_PROFILE_H

#include <weir/http_server.h>

#include "admin/admin_state.h"

/* Answers ?seconds=5&format=folded|svg. */
int page_profile(weir_request *req, weir_response *res, struct admin_state *state);

#endif
