/* SPDX-License-Identifier: MIT */
/* The dashboard: the page / of the admin address. It consists of the files in app/dashboard/, put together
 * when the program is built. It gets its figures from the other pages, and loads nothing from anywhere else.
 *
 * Threading: the admin's thread.
 */
#ifndef APP_ADMIN_PAGE_DASHBOARD_H
#define APP_ADMIN_PAGE_DASHBOARD_H

#include <weir/http_server.h>

struct admin_state;

/* Answers with the page, and with the policy that keeps a browser from running or requesting anything else.
 */
int page_dashboard(weir_request *req, weir_response *res, struct admin_state *state);

#endif
