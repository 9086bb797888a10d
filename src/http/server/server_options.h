/* SPDX-License-Identifier: MIT */
/* Default options of a server.
 *
 * Threading: any thread.
 */
#ifndef WEIR__HTTP_SERVER_SERVER_OPTIONS_H
#define WEIR__HTTP_SERVER_SERVER_OPTIONS_H

#include "http/server/state.h"

/* Replaces zero members by their defaults. Returns: 0; -EINVAL a member is out of range. */
int weir__server_options_complete(weir_server_options *options) WEIR_CHECKED;

#endif
