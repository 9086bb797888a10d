/* SPDX-License-Identifier: MIT */
/* The table of the kinds of routes in this build.
 *
 * Threading: constant.
 */
#ifndef APP_ROUTES_TABLE_H
#define APP_ROUTES_TABLE_H

#include "config/route_kind.h"

extern const struct route_kinds route_kinds;

#endif
