/* SPDX-License-Identifier: MIT */
/* The settings of a gather: which backends are asked, and what the answer needs of them.
 *
 * Threading: read by one thread before the loops start; afterwards any thread may read them.
 */
#ifndef APP_ROUTES_GATHER_SETTINGS_H
#define APP_ROUTES_GATHER_SETTINGS_H

#include "config/backend.h"
#include "config/config.h"
#include "config/header.h"
#include "config/url.h"

enum { GATHER_CALLS_MAX = 256 };

enum gather_require { GATHER_ALL, GATHER_ANY, GATHER_NONE };

struct gather_call {
    const char *name;                     /* letters, digits and _ - . : safe as a JSON key */
    struct url_template url;              /* of a backend: its path alone */
    const struct config_backend *backend; /* NULL: url has the host */
    int method;                           /* enum config_method */
    const char *method_text;              /* as it is sent; NULL: GET */
    weir_duration deadline;               /* 0: that of the whole */
    struct config_headers headers;
    bool sets_coding; /* headers has accept-encoding */
    bool repeatable;  /* a request of any method may be sent twice */
};

struct gather_settings {
    weir_duration deadline;     /* of the whole */
    int require;                /* enum gather_require */
    const char *const *forward; /* names of request headers passed on; x-request-id always is */
    size_t forward_count;
    const struct gather_call *calls;
    size_t call_count; /* 1 to GATHER_CALLS_MAX */
    bool detail;       /* an error in the answer has its reason, too */
};

/* Reads the value of the key "gather": configure() of the kind of route. */
const void *gather_settings_read(struct config_reader *reader, const struct tree_node *node,
                                 const struct config_route *route);

/* Reports whether the settings of a call have a header of this name. */
bool gather_call_sets(const struct gather_call *call, const char *name);

#endif
