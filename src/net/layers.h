/* SPDX-License-Identifier: MIT */
/* What stands on each connection that a listener accepts: the header of the PROXY protocol, TLS, both, or
 * nothing.
 *
 * Threading: holding and releasing from any thread; putting on on the loop of the stream.
 */
#ifndef WEIR__LAYERS_H
#define WEIR__LAYERS_H

#include <weir/stream.h>

#include "net/layer.h"

struct weir__layers {
    struct weir__layer *tls; /* NULL: none */
    bool proxy_protocol;
};

/* Holds the layers of a listener's options. Returns: 0; -EINVAL TLS for the client's side. */
int weir__layers_open(struct weir__layers *layers, const weir_listener_options *options) WEIR_CHECKED;

/* Takes a further hold on layers, which a further weir__layers_release() ends. Returns: layers. */
struct weir__layers weir__layers_hold(struct weir__layers layers);
void weir__layers_release(struct weir__layers layers);

static inline bool weir__layers_are_none(struct weir__layers layers)
{
    return layers.tls == NULL && !layers.proxy_protocol;
}

/* Puts layers on a stream that was just adopted. known: see weir__proxy_transport_stack(); NULL: none.
 * Owns:    the stream holds what it needs of them. After a failure it can only be closed.
 * Returns: 0; -ENOMEM. */
int weir__layers_put_on(struct weir__layers layers, weir_stream *s,
                        int (*known)(weir_stream *s)) WEIR_CHECKED;

#endif
