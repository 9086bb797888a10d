/* SPDX-License-Identifier: MIT */
/* Whether a draining loop has anything left: connections, and listeners that are being closed.
 *
 * Threading: the thread of `home`.
 */
#ifndef WEIR__HTTP_SERVER_QUIET_H
#define WEIR__HTTP_SERVER_QUIET_H

#include "http/server/state.h"

bool weir__loop_is_quiet(struct weir__server_loop *home);

/* Sets home->quiet if a draining loop has become quiet. To be called when something has ended. */
void weir__quiet_check(struct weir__server_loop *home);

/* Closes a listener without a task. */
void weir__quiet_close_listener(struct weir__server_loop *home, weir_listener *l);

#endif
