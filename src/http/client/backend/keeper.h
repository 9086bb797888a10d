/* SPDX-License-Identifier: MIT */
/* What is done for a backend once, and not on each loop: following names, and health checks. One member is
 * the keeper; a task of its loop does the work. When that loop closes the backend, another one takes over.
 *
 * Threading: as state.h.
 */
#ifndef WEIR__BACKEND_KEEPER_H
#define WEIR__BACKEND_KEEPER_H

#include "http/client/backend/state.h"

/* Becomes the keeper, if there is something to do and none does it. */
void weir__backend_keep(weir_backend *b);

/* Ends that. Waits, whatever the scope says. */
void weir__backend_keep_no_more(weir_backend *b);

#endif
