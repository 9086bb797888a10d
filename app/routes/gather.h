/* SPDX-License-Identifier: MIT */
/* gather: asks several backends at once and answers with all of their answers. */
#ifndef APP_ROUTES_GATHER_H
#define APP_ROUTES_GATHER_H

#include "config/config.h"
#include "config/header.h"
#include "config/url.h"

enum { GATHER_CALLS_MAX = 256 };

enum gather_require { GATHER_ALL, GATHER_ANY, GATHER_NONE };

struct gather_call {
    const char *name; /* letters, digits and _ - . : safe as a JSON key */
    struct url_template url;
    int method;              /* enum config_method */
    const char *method_text; /* as it is sent */
    weir_duration deadline;  /* 0: that of the whole */
    struct config_headers headers;
    bool sets_coding; /* headers has accept-encoding */
};

struct gather_settings {
    weir_duration deadline;     /* of the whole */
    int require;                /* enum gather_require */
    const char *const *forward; /* names of request headers passed on; x-request-id always is */
    size_t forward_count;
    const struct gather_call *calls;
    size_t call_count; /* 1 to GATHER_CALLS_MAX */
    bool detail;       /* an error in the answer says more than its word */
};

#endif
