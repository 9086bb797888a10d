/* SPDX-License-Identifier: MIT */
/* The page /profile: the gateway's CPU time, sampled for as long as is asked.
 *
 * Threading: the admin's loop; naming what was sampled is done on its blocking pool.
 */
#ifndef APP_ADMIN_PAGE_PROFILE_H
#define APP_ADMIN_PAGE_PROFILE_H

#include <weir/http_server.h>

#include "admin/admin_state.h"

/* /profile?seconds=5&format=folded|svg */
int page_profile(weir_request *req, weir_response *res, struct admin_state *state);

#endif
