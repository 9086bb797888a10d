/* SPDX-License-Identifier: MIT */
/* respond: the same answer every time. */
#ifndef APP_ROUTES_RESPOND_H
#define APP_ROUTES_RESPOND_H

#include "config/header.h"

struct respond_settings {
    int status;
    const char *type;
    const char *body;
    size_t body_bytes;
    struct config_headers headers;
};

#endif
