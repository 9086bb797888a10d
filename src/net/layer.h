/* SPDX-License-Identifier: MIT */
/* A layer: what puts a transport on another one. The accepted streams of a listener get those that its
 * options ask for: the header of the PROXY protocol, then TLS.
 *
 * Threading: stack() on the loop of the transport; hold() and release() from any thread.
 */
#ifndef WEIR__LAYER_H
#define WEIR__LAYER_H

#include "net/transport.h"

struct weir__layer {
    const struct weir__layer_type *type;
};

struct weir__layer_type {
    /* Puts a transport on another.
     * Owns:    on success *out owns lower; on failure lower stays the caller's.
     * Returns: 0; -ENOMEM. */
    int (*stack)(struct weir__layer *layer, struct weir__transport *lower,
                 struct weir__transport **out) WEIR_CHECKED;

    /* Holds and releases the layer for a listener that uses it. */
    void (*hold)(struct weir__layer *layer);
    void (*release)(struct weir__layer *layer);
};

#endif
