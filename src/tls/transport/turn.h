/* SPDX-License-Identifier: MIT */
/* What the connections with TLS of a loop share.
 *
 * Threading: the loop's thread, but weir__tls_turn_free().
 */
#ifndef WEIR__TLS_TURN_H
#define WEIR__TLS_TURN_H

struct weir__tls_turn;

/* Of a loop that does not run any more. NULL is harmless. */
void weir__tls_turn_free(struct weir__tls_turn *turn);

#endif
