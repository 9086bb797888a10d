/* SPDX-License-Identifier: MIT */
#include "net/layers.h"

#include <errno.h>

#include "net/proxy_transport.h"

int weir__layers_open(struct weir__layers *layers, const weir_listener_options *options)
{
    struct weir__layer *tls = options->tls != NULL ? weir__layer_of_tls(options->tls) : NULL;

    if (tls != NULL && tls->type == NULL)
        return -EINVAL;
    *layers = weir__layers_hold((struct weir__layers){tls, options->proxy_protocol});
    return 0;
}

struct weir__layers weir__layers_hold(struct weir__layers layers)
{
    if (layers.tls != NULL)
        layers.tls->type->hold(layers.tls);
    return layers;
}

void weir__layers_release(struct weir__layers layers)
{
    if (layers.tls != NULL)
        layers.tls->type->release(layers.tls);
}

int weir__layers_put_on(struct weir__layers layers, weir_stream *s, int (*known)(weir_stream *s))
{
    int err = 0;

    if (layers.proxy_protocol)
        err = weir__proxy_transport_stack(s, known, s->transport, &s->transport);
    if (err == 0 && layers.tls != NULL)
        err = layers.tls->type->stack(layers.tls, s->transport, &s->transport);
    return err;
}
