/* SPDX-License-Identifier: MIT */
/* The pages of the admin address. A page is one line in the table of admin_pages.c.
 *
 * Threading: belongs to the admin's loop.
 */
#ifndef APP_ADMIN_ADMIN_PAGES_H
#define APP_ADMIN_ADMIN_PAGES_H

#include <stdbool.h>

#include <weir/http_server.h>

#include "admin/admin_state.h"

struct admin_page {
    const char *path, *method;
    int (*answer)(weir_request *req, weir_response *res, struct admin_state *state);
    bool vital; /* answered also when there is too much to do */
};

#define ADMIN_TOTALS_PATH "/totals"

enum { ADMIN_PAGES = 12 };
extern const struct admin_page admin_pages[ADMIN_PAGES];

#endif
