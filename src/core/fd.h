/* SPDX-License-Identifier: MIT */
/* A descriptor of another library, for weir_select(). Threading: the loop's thread. */
#ifndef WEIR__CORE_FD_H
#define WEIR__CORE_FD_H

#include <stdbool.h>

#include <weir/fd.h>

#include "base/list.h"

struct weir__loop;

/* Checks the case: ends the program when the descriptor is closed or of another loop, or events are wrong. */
void weir__fd_check(const weir_case *c, const struct weir__loop *here, const char *function);

/* Whether a case is ready; else it is being polled, and its waiter may queue up. */
bool weir__fd_try(const weir_case *c);

/* Where waiters queue up. item: the const weir_case *. */
struct weir__list *weir__fd_queue(const weir_case *c);

#endif
