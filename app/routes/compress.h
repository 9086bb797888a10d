/* SPDX-License-Identifier: MIT */
/* compress: the request's body, compressed. */
#ifndef APP_ROUTES_COMPRESS_H
#define APP_ROUTES_COMPRESS_H

#include <stdatomic.h>

struct compress_settings {
    int encoding; /* enum encoding */
    int level;
    int at_once; /* bodies at a time, on all loops together */
    atomic_int *under_way;
};

#endif
