/* SPDX-License-Identifier: MIT */
/* The addresses of a transport that a task waits for, for the describe() of that wait (core/wait.h).
 *
 * Threading: any thread; all pointers are followed as core/wait.h has it.
 */
#ifndef WEIR__WAIT_ADDRESS_H
#define WEIR__WAIT_ADDRESS_H

#include <stdbool.h>

#include <weir/stream.h>

struct weir__look;
struct weir__loop;
struct weir__task;
struct weir__transport;

/* The address of a transport's peer, or its own, as text. False: it is not known. */
bool weir__transport_address_seen(const struct weir__look *look, struct weir__loop *loop,
                                  struct weir__transport *t, bool peer, char text[static WEIR_ADDRESS_BYTES]);

/* The same of the transport that a task waits for, in a weir__transport_wait(). */
bool weir__transport_wait_address(const struct weir__look *look, const struct weir__task *task, bool peer,
                                  char text[static WEIR_ADDRESS_BYTES]);

#endif
