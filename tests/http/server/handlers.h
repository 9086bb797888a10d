/* SPDX-License-Identifier: MIT */
/* Handlers that several tests of the server use. */
#ifndef TEST_HTTP_SERVER_HANDLERS_H
#define TEST_HTTP_SERVER_HANDLERS_H

#include "http/server/server_rig.h"

static inline int hello(weir_request *req, weir_response *res, void *state)
{
    (void)req, (void)state;
    return weir_respond_text(res, 200, "hello");
}

static inline int echo(weir_request *req, weir_response *res, void *state)
{
    weir_bytes body;
    int err = weir_request_read_body(req, &body, SIZE_MAX);

    (void)state;
    return err < 0 ? err : weir_respond_bytes(res, 200, "text/plain", body.data, body.len);
}

static inline int nap(weir_request *req, weir_response *res, void *state)
{
    int err = weir_sleep(weir_ms(30));

    (void)req, (void)state;
    return err < 0 ? err : weir_respond_text(res, 200, "rested");
}

#endif
