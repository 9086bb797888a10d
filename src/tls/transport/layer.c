/* SPDX-License-Identifier: MIT */
/* Contexts of servers as layers of listeners. */
#include "tls/context/open.h"
#include "tls/transport/inside.h"

static weir_tls *context_of(struct weir__layer *layer)
{
    return (weir_tls *)(void *)layer; /* which begins with it */
}

static int stack(struct weir__layer *layer, struct weir__transport *lower, struct weir__transport **out)
{
    return weir__tls_put_on(context_of(layer), lower, NULL, NULL, out);
}

static void hold(struct weir__layer *layer)
{
    (void)weir_tls_hold(context_of(layer));
}

static void release(struct weir__layer *layer)
{
    weir_tls_close(context_of(layer));
}

static const struct weir__layer_type layer_type = {stack, hold, release};

int weir_tls_server_open(const weir_tls_server_options *options, const char **why, weir_tls **out)
{
    int err = weir__tls_server_open(options, __builtin_return_address(0), why, out);

    if (err == 0)
        weir__tls_layer(*out)->type = &layer_type;
    return err;
}
