/* SPDX-License-Identifier: MIT */
/* json: a small document made of the large one in the request's body. */
#ifndef APP_ROUTES_JSON_H
#define APP_ROUTES_JSON_H

#include <stddef.h>

struct json_settings {
    int missing;        /* enum json_missing */
    int depth;          /* of the request's document */
    const char *params; /* of the job */
    size_t params_bytes;
};

#endif
