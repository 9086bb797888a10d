/* SPDX-License-Identifier: MIT */
/* What a handler asks about its request: the head, the connection, the route. */
#include <errno.h>
#include <string.h>

#include <weir/tls.h>

#include "http/message/headers.h"
#include "http/message/target.h"
#include "http/message/trailers.h"
#include "http/server/handler_check.h"
#include "http/server/request.h"
#include "http/server/routing.h"

const char *weir_request_method(const weir_request *req)
{
    (void)weir__checked_request(req, __func__);
    return req->method;
}

const char *weir_request_target(const weir_request *req)
{
    (void)weir__checked_request(req, __func__);
    return req->target;
}

/* Handlers are given NUL-terminated text: a part of a longer text is copied when asked for. */
static const char *as_text(const weir_request *req, weir_bytes span)
{
    struct weir__exchange *x = weir__exchange_of_request(req);

    return weir__arena_memdup(&x->memory, span.data != NULL ? span.data : "", span.len);
}

const char *weir_request_path(const weir_request *req)
{
    struct weir__exchange *x = weir__checked_request(req, __func__);

    if (req->path_text == NULL)
        x->request.path_text = as_text(req, req->path);
    return req->path_text != NULL ? req->path_text : "";
}

const char *weir_request_path_written(const weir_request *req)
{
    struct weir__exchange *x = weir__checked_request(req, __func__);
    char *text;
    size_t length;

    if (req->written_text != NULL)
        return req->written_text;
    text = weir__arena_alloc(&x->memory, req->raw_path.len + 1);
    if (text == NULL)
        return "";
    /* Most paths are normal as they came. */
    length = req->path.data == req->raw_path.data ? 0 : weir__http_path_resolve(req->raw_path, text);
    if (length == 0 && req->raw_path.len > 0) {
        memcpy(text, req->raw_path.data, req->raw_path.len);
        length = req->raw_path.len;
    }
    text[length] = '\0';
    return x->request.written_text = text;
}

const char *weir_request_query(const weir_request *req)
{
    (void)weir__checked_request(req, __func__);
    return req->query;
}

const char *weir_request_param(const weir_request *req, const char *name)
{
    const struct weir__http_param *param;

    (void)weir__checked_request(req, __func__);
    if (strcmp(name, "*") == 0)
        return req->route != NULL && req->route->pattern.star ? as_text(req, req->params.rest) : NULL;
    param = weir__http_params_find(&req->params, weir_bytes_of(name));
    return param != NULL ? as_text(req, param->value) : NULL;
}

/* The value of a field as text; NULL of none. */
static const char *end_value(const struct weir__http_field *field)
{
    if (field == NULL || field->value.len == 0)
        return field != NULL ? "" : NULL;
    /* The byte behind a span of the head may be written: see wire.h. */
    ((char *)(uintptr_t)field->value.data)[field->value.len] = '\0';
    return field->value.data;
}

const char *weir_request_header(const weir_request *req, const char *name)
{
    (void)weir__checked_request(req, __func__);
    return end_value(weir__http_field_find(req->head.fields, req->head.field_count, weir_bytes_of(name)));
}

/* The next field of a name, from `at`. Returns: NULL: there is none. */
static const struct weir__http_field *next_of(const weir_request *req, const struct weir__http_field *at,
                                              weir_bytes name)
{
    return weir__http_field_find(at, (size_t)(req->head.fields + req->head.field_count - at), name);
}

const char *weir_request_header_joined(const weir_request *req, const char *name)
{
    const weir_bytes wanted = weir_bytes_of(name);
    struct weir__exchange *x = weir__checked_request(req, __func__);
    const struct weir__http_field *first =
        weir__http_field_find(req->head.fields, req->head.field_count, wanted);
    size_t bytes = 0;
    char *text, *at;

    if (first == NULL || next_of(req, first + 1, wanted) == NULL)
        return end_value(first);
    for (const struct weir__http_field *f = first; f != NULL; f = next_of(req, f + 1, wanted))
        bytes += f->value.len + 2;
    text = at = weir__arena_alloc(&x->memory, bytes);
    if (text == NULL)
        return NULL;
    for (const struct weir__http_field *f = first; f != NULL; f = next_of(req, f + 1, wanted)) {
        if (at > text)
            *at++ = ',', *at++ = ' ';
        if (f->value.len > 0)
            memcpy(at, f->value.data, f->value.len);
        at += f->value.len;
    }
    *at = '\0';
    return text;
}

bool weir_request_header_at(const weir_request *req, size_t i, weir_bytes *name, weir_bytes *value)
{
    (void)weir__checked_request(req, __func__);
    if (i >= req->head.field_count)
        return false;
    *name = req->head.fields[i].name;
    *value = req->head.fields[i].value;
    return true;
}

/* Makes texts of fields where they lie: see wire.h. Returns: NULL without memory. */
static weir_header *make_headers(struct weir__exchange *x, const struct weir__http_field *fields,
                                 size_t count)
{
    weir_header *headers = weir__arena_alloc(&x->memory, count * sizeof *headers);

    for (size_t i = 0; headers != NULL && i < count; i++) {
        char *name = (char *)(uintptr_t)fields[i].name.data, *value = (char *)(uintptr_t)fields[i].value.data;
        name[fields[i].name.len] = '\0';
        if (fields[i].value.len > 0)
            value[fields[i].value.len] = '\0';
        headers[i] = (weir_header){name, fields[i].value.len > 0 ? value : ""};
    }
    return headers;
}

const weir_header *weir_request_headers(weir_request *req, size_t *count)
{
    struct weir__exchange *x = weir__checked_request(req, __func__);

    if (req->headers == NULL && req->head.field_count > 0)
        req->headers = make_headers(x, req->head.fields, req->head.field_count);
    *count = req->headers != NULL ? req->head.field_count : 0;
    return req->headers;
}

/* Returns: whether there are trailers, and memory for them. */
static bool split_trailers(struct weir__exchange *x)
{
    weir_request *req = &x->request;
    weir_bytes lines = weir_buffer_bytes(&req->trailers);

    if (req->trailer_fields == NULL && req->body.ended && lines.len > 0) {
        size_t count = weir__http_trailers_split(lines, NULL, 0);
        req->trailer_fields = weir__arena_alloc(&x->memory, (count + 1) * sizeof *req->trailer_fields);
        if (req->trailer_fields != NULL)
            req->trailer_count = weir__http_trailers_split(lines, req->trailer_fields, count);
    }
    return req->trailer_fields != NULL;
}

const char *weir_request_trailer(const weir_request *req, const char *name)
{
    const struct weir__http_field *field;

    if (!split_trailers(weir__checked_request(req, __func__)))
        return NULL;
    field = weir__http_field_find(req->trailer_fields, req->trailer_count, weir_bytes_of(name));
    return field != NULL ? as_text(req, field->value) : NULL;
}

const weir_header *weir_request_trailers(weir_request *req, size_t *count)
{
    struct weir__exchange *x = weir__checked_request(req, __func__);

    if (req->trailer_list == NULL && split_trailers(x) && req->trailer_count > 0)
        req->trailer_list = make_headers(x, req->trailer_fields, req->trailer_count);
    *count = req->trailer_list != NULL ? req->trailer_count : 0;
    return req->trailer_list;
}

int64_t weir_request_body_length(const weir_request *req)
{
    (void)weir__checked_request(req, __func__);
    switch (req->head.framing) {
    case WEIR__HTTP_LENGTH:
        return req->head.content_length;
    case WEIR__HTTP_CHUNKED:
        return -1;
    default:
        return 0;
    }
}

bool weir_request_body_is_too_large(const weir_request *req)
{
    (void)weir__checked_request(req, __func__);
    return req->body_err == -WEIR_ETOOLARGE || weir__http_body_is_too_large(&req->body);
}

enum weir_http_version weir_request_version(const weir_request *req)
{
    (void)weir__checked_request(req, __func__);
    return req->head.minor == 0 ? WEIR_HTTP_1_0 : WEIR_HTTP_1_1;
}

const char *weir_request_scheme(const weir_request *req)
{
    (void)weir__checked_request(req, __func__);
    return req->secure ? "https" : "http";
}

int weir_request_tls_info(const weir_request *req, weir_tls_info *info)
{
    struct weir__exchange *x = weir__checked_request(req, __func__);

    return req->secure && x->wire->tls_info != NULL ? x->wire->tls_info(x, info) : -ENOTCONN;
}

const char *weir_request_authority(const weir_request *req)
{
    struct weir__exchange *x = weir__checked_request(req, __func__);

    if (req->authority_text == NULL)
        x->request.authority_text = as_text(req, req->authority);
    return req->authority_text != NULL ? req->authority_text : "";
}

/* Asks the wire for an address, once. */
static const char *address(struct weir__exchange *x, const char **kept,
                           const char *(*ask)(struct weir__exchange *x, char *text))
{
    char *text;

    if (*kept == NULL) {
        text = weir__arena_alloc(&x->memory, WEIR_ADDRESS_BYTES);
        if (text == NULL)
            return "?";
        *kept = ask(x, text);
    }
    return *kept;
}

const char *weir_request_peer(const weir_request *req)
{
    struct weir__exchange *x = weir__checked_request(req, __func__);

    return address(x, &x->request.peer, x->wire->peer);
}

bool weir_request_peer_ip(const weir_request *req, unsigned char out[16])
{
    struct weir__exchange *x = weir__checked_request(req, __func__);

    if (__builtin_expect(!x->taken_over, 1))
        return x->wire->peer_ip(x, out);
    memcpy(out, req->peer_ip, sizeof req->peer_ip);
    return req->has_peer_ip;
}

const char *weir_request_local(const weir_request *req)
{
    struct weir__exchange *x = weir__checked_request(req, __func__);

    return address(x, &x->request.local, x->wire->local);
}

weir_server *weir_request_server(const weir_request *req)
{
    return weir__checked_request(req, __func__)->home->server;
}

void *weir_request_data(const weir_request *req)
{
    (void)weir__checked_request(req, __func__);
    return req->route != NULL ? req->route->given->data : NULL;
}

void *weir_request_path_data(const weir_request *req)
{
    (void)weir__checked_request(req, __func__);
    return req->path_route != NULL ? req->path_route->given->data : NULL;
}

void *weir_request_data_at(const weir_request *req, const char *path)
{
    const struct weir__route *route =
        weir__route_at(weir__checked_request(req, __func__), weir_bytes_of(path));

    return route != NULL ? route->given->data : NULL;
}

void weir_request_note(weir_request *req, const void *note)
{
    (void)weir__checked_request(req, __func__);
    req->note = note;
}

void weir_request_set_user(weir_request *req, const char *user)
{
    (void)weir__checked_request(req, __func__);
    req->user = user;
}

const char *weir_request_user(const weir_request *req)
{
    (void)weir__checked_request(req, __func__);
    return req->user;
}

void *weir_request_alloc(weir_request *req, size_t bytes)
{
    return weir__arena_alloc(&weir__checked_request(req, __func__)->memory, bytes);
}
