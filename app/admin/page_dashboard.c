/* SPDX-License-Identifier: MIT */
#include "admin/page_dashboard.h"

#include "dashboard_page.h"

int page_dashboard(weir_request *req, weir_response *res, struct admin_state *state)
{
    static const char *const headers[][2] = {
        {"content-security-policy", dashboard_policy},
        {"x-content-type-options", "nosniff"},
        {"referrer-policy", "no-referrer"},
        {"cross-origin-opener-policy", "same-origin"},
    };

    (void)req, (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        int err = weir_response_header_add(res, headers[i][0], headers[i][1]);
        if (err < 0)
            return err;
    }
    return weir_respond_bytes(res, 200, "text/html; charset=utf-8", dashboard_page, sizeof dashboard_page);
}
