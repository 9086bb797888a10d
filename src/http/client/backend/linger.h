/* SPDX-License-Identifier: MIT */
/* Connections of attempts that have lost: HTTP/1 can't take a request back but by closing its connection. If
 * the answer is due soon it is read and dropped instead, so that the connection can be used again.
 *
 * Threading: as state.h. No task works on it: what comes is dropped where it comes in.
 */
#ifndef WEIR__BACKEND_LINGER_H
#define WEIR__BACKEND_LINGER_H

#include "http/client/backend/state.h"

enum { WEIR__LINGER_MAX = 8, WEIR__LINGER_BODY_BYTES_MAX = 64 << 10, WEIR__LINGER_BODY_MS = 250 };

struct weir__linger_terms {
    int64_t began_ns; /* the attempt */
    bool samples;     /* how long it takes is to be learned: it is a first one */
};

/* Takes over a fetch that was sent and has no head yet, if one is due by the learned percentile, and fewer
 * than WEIR__LINGER_MAX are there. Its slot stays taken, and it counts as in progress, until it ends: with
 * the head at the percentile, with the body soon after. Returns: true: f has nothing any more. */
bool weir__backend_linger(struct weir__fetch *f, struct weir__origin *origin,
                          const struct weir__linger_terms *terms);

/* Closes all of them. */
void weir__backend_end_lingering(weir_backend *b);

#endif
