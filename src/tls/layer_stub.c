/* SPDX-License-Identifier: MIT */
/* Until the transport is there, which replaces this file. */
#include <errno.h>

#include "tls/transport.h"

static int stack(struct weir__layer *layer, struct weir__transport *lower, struct weir__transport **out)
{
    (void)layer, (void)lower, (void)out;
    return -ENOSYS;
}

static void hold(struct weir__layer *layer)
{
    (void)weir_tls_hold((weir_tls *)(void *)layer);
}

static void release(struct weir__layer *layer)
{
    weir_tls_close((weir_tls *)(void *)layer);
}

__attribute__((weak))
const struct weir__layer_type weir__tls_layer_type = {.stack = stack, .hold = hold, .release = release};
