/* SPDX-License-Identifier: MIT */
#include "admin/advice.h"

#include "admin/advice_backends.h"
#include "admin/advice_pools.h"
#include "admin/advice_routes.h"

void advice_write(struct text_out *out, const struct advice_input *in)
{
    text_out_add(out, "\"routes\":[");
    for (size_t i = 0; i < in->route_count; i++) {
        if (i > 0)
            text_out_add(out, ",");
        advice_write_route(out, &in->routes[i], in);
    }
    text_out_add(out, "],\"backends\":[");
    for (size_t i = 0; i < in->backend_count; i++) {
        if (i > 0)
            text_out_add(out, ",");
        advice_write_backend(out, &in->backends[i]);
    }
    text_out_add(out, "],\"pools\":[");
    for (size_t i = 0; i < in->pool_count; i++) {
        if (i > 0)
            text_out_add(out, ",");
        advice_write_pool(out, &in->pools[i], in);
    }
    text_out_add(out, "]");
}
