/* SPDX-License-Identifier: MIT */
/* Functions of net/transport.h for a transport that stands on another one, and leaves them to that.
 *
 * Threading: as net/transport.h.
 */
#ifndef WEIR__TRANSPORT_BELOW_H
#define WEIR__TRANSPORT_BELOW_H

#include "net/transport.h"

bool weir__below_counts_acknowledged(const struct weir__transport *t);
int weir__below_acknowledged(struct weir__transport *t, uint64_t *bytes);
int weir__below_tune(struct weir__transport *t, const struct weir__io_tuning *tuning);
int weir__below_address(struct weir__transport *t, bool peer, struct sockaddr_storage *addr, socklen_t *len);

#endif
