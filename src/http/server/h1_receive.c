/* SPDX-License-Identifier: MIT */
#include "http/server/h1.h"

static bool came(struct weir__connection *c, char *data, int32_t result)
{
    c->awaiting = false;
    return c->home->input_came(c, data, result);
}

static void ready(weir_stream *stream, char *data, int32_t result)
{
    struct weir__connection *c = weir__stream_extra(stream);

    if (came(c, data, result))
        weir__h1_receive(c);
}

void weir__h1_receive(struct weir__connection *c)
{
    char *data;
    int32_t result;

    if (c->awaiting)
        return;
    do {
        c->awaiting = true;
        if (!weir__stream_await(weir__connection_stream(c), ready, &data, &result))
            return;
    } while (came(c, data, result));
}
