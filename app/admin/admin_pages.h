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

#define ADMIN_OUTLIER_PATH "/outliers/{id}"
#define ADMIN_NO_OUTLIER "there is no such outlier: it was never kept, or has made room for later ones"
#define ADMIN_TOTALS_PATH "/totals"
#define ADMIN_RELOAD_PATH "/reload"
#define ADMIN_DRAIN_PATH "/drain"
#define ADMIN_ACTION_HEADER "X-Weir-Action" /* of a request that changes something */

enum { ADMIN_PAGES = 14 };

/* How many connections the server may have: of the descriptors a quarter at most, so that clients that are
 * silent leave the others to what else the process does. */
int admin_connections(void);

/* Of the server. always_room: no client may keep others from /healthz. */
#define ADMIN_LIMITS                                                                                         \
    {                                                                                                        \
        .connections = admin_connections(), .exchanges = 64, .always_room = true, .body_bytes = 64 << 10     \
    }
enum { ADMIN_DRAIN_MS = 500 }; /* the gateway has gone: nothing should wait for the admin to say so */
extern const struct admin_page admin_pages[ADMIN_PAGES];

/* Whether the client of /metrics prefers OpenMetrics. */
bool admin_wants_openmetrics(const weir_request *req);

#endif
