/* SPDX-License-Identifier: MIT */
/* The page /profile: the gateway's CPU time, sampled for as long as is asked.
 *
 * Threading: the admin's loop; naming what was sampled is done on its blocking pool.
 */
#ifndef APP_ADMIN_PAGE_PROFILE_H
#define APP_ADMIN_PAGE_PROFILE_H

#include <weir/http_server.h>

#include "admin/gateway_status.h"

/* /profile?seconds=5&format=folded|svg */
int admin_profile(weir_request *req, weir_response *res, struct gateway_status *status);

#endif
