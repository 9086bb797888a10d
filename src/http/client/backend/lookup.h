/* SPDX-License-Identifier: MIT */
/* The addresses of the names of a backend. Threading: as state.h. */
#ifndef WEIR__BACKEND_LOOKUP_H
#define WEIR__BACKEND_LOOKUP_H

#include "http/client/backend/state.h"

/* Looks up all names once, one after the other, and sets the instances. Names that have no address change
 * nothing. Waits. Returns: 0; of the last name that failed, -WEIR_EDNS …, and *why says more if it is known;
 * the cause of a cancel. */
int weir__backend_look_up(weir_backend *b, const char **why) WEIR_CHECKED;

/* Follows one name: sets the instances whenever its addresses have changed. Returns when the scope is
 * cancelled: the cause. Waits. */
int weir__backend_follow(weir_backend *b, int url) WEIR_CHECKED;

#endif
