/* SPDX-License-Identifier: MIT */
/* The dashboard: one page at / of the admin address. It is made of the files in app/dashboard/, put together
 * when the program is built, and asks the other pages for what it shows; it needs nothing from outside.
 *
 * Threading: the admin's thread.
 */
#ifndef APP_ADMIN_PAGE_DASHBOARD_H
#define APP_ADMIN_PAGE_DASHBOARD_H

#include <weir/http_server.h>

struct admin_state;

/* Answers with the page, and with the policy that keeps its browser from running or asking anything else. */
int page_dashboard(weir_request *req, weir_response *res, struct admin_state *state);

#endif
