/* SPDX-License-Identifier: MIT */
/* A layer: what puts a transport on another one. The accepted streams of a listener get those that its
 * options ask for: the header of the PROXY protocol, then TLS.
 *
 * Threading: stack() on the loop of the transport; hold() and release() from any thread.
 */
#ifndef WEIR__LAYER_H
#define WEIR__LAYER_H

#include "net/transport.h"

struct weir_tls;

struct weir__layer {
    const struct weir__layer_type *type; /* NULL: not for listeners, as a context for the client's side */
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

/* A context for TLS as a layer. What a struct weir_tls is, is known above this layer: it begins with a struct
 * weir__layer. */
static inline struct weir__layer *weir__layer_of_tls(struct weir_tls *tls)
{
    return (struct weir__layer *)(void *)tls;
}

#endif
