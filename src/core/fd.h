/* SPDX-License-Identifier: MIT */
/* A descriptor of another library, for weir_select(). Threading: the loop's thread. */
#ifndef WEIR__CORE_FD_H
#define WEIR__CORE_FD_H

#include <stdbool.h>

#include <weir/fd.h>

#include "base/list.h"

struct weir__loop;
struct weir__wait_class;

/* Checks the case: ends the program when the descriptor is closed or of another loop, or events are wrong. */
void weir__fd_check(const weir_case *c, const struct weir__loop *here, const char *function);

/* Waits as weir_fd_wait() does, in a wait of this class. object: what its describe() finds as the object of
 * the struct weir__waiting. */
int weir__fd_wait(weir_fd *f, short events, const struct weir__wait_class *wait_class,
                  const void *object) WEIR_CHECKED;

/* Whether a case is ready; else it is being polled, and its waiter may queue up. */
bool weir__fd_try(const weir_case *c);

/* Where waiters queue up. item: the const weir_case *. */
struct weir__list *weir__fd_queue(const weir_case *c);

#endif
