/* SPDX-License-Identifier: MIT */
/* Another protocol on the connection of a request: weir_request_upgrade(). */
#include <errno.h>
#include <string.h>

#include <weir/http_text.h>

#include "http/message/headers.h"
#include "http/server/handler_check.h"
#include "http/server/request.h"
#include "http/server/response_headers.h"

enum { BODY_BYTES_MAX = 256 << 10 }; /* of a body that is dropped */

/* Whether a list names a token, in any case. */
static bool names(const weir_request *req, weir_bytes list, weir_bytes token)
{
    for (size_t i = 0; i < req->head.field_count; i++) {
        weir_bytes rest = req->head.fields[i].value, element;

        if (!weir_bytes_equal_nocase(req->head.fields[i].name, list))
            continue;
        while (weir_list_next(&rest, ',', &element))
            if (weir_bytes_equal_nocase(element, token))
                return true;
    }
    return false;
}

static bool asks_for(const weir_request *req, const char *protocol)
{
    if (protocol == NULL)
        return req->head.method == WEIR__HTTP_CONNECT;
    return req->head.minor > 0 && req->head.method != WEIR__HTTP_CONNECT &&
           names(req, WEIR__HTTP_TEXT("connection"), WEIR__HTTP_TEXT("upgrade")) &&
           names(req, WEIR__HTTP_TEXT("upgrade"), weir_bytes_of(protocol));
}

static int refuse(struct weir__exchange *x, const char *protocol)
{
    int err = protocol != NULL ? weir__header_lines_add(x, &x->response.headers, "upgrade", protocol) : 0;

    return err < 0 ? err : -EPROTONOSUPPORT;
}

int weir_request_upgrade(weir_request *req, weir_response *res, const char *protocol, weir_stream **out)
{
    struct weir__exchange *x = weir__checked_request(req, __func__);
    int err;

    if (res->began)
        return -WEIR_EBUSY;
    if (protocol != NULL && !weir__http_is_protocol(weir_bytes_of(protocol)))
        return -EINVAL;
    if (x->wire->take_over == NULL || !asks_for(req, protocol))
        return refuse(x, protocol);
    err = req->body_err < 0 ? req->body_err : weir__request_discard_body(req, BODY_BYTES_MAX);
    if (err < 0)
        return err;
    (void)weir_request_peer(req); /* while there is a connection to ask */
    req->has_peer_ip = weir_request_peer_ip(req, req->peer_ip);
    (void)weir_request_local(req);
    err = x->wire->take_over(x, protocol, out);
    x->taken_over = err == 0;
    res->ended = res->began;
    return err;
}
