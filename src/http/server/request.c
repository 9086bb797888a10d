/* SPDX-License-Identifier: MIT */
/* What a handler asks of its request. */
#include "http/server/request.h"

#include <errno.h>
#include <string.h>

#include "http/message/headers.h"

const char *weir_request_method(const weir_request *req)
{
    return req->method;
}

const char *weir_request_target(const weir_request *req)
{
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
    struct weir__exchange *x = weir__exchange_of_request(req);

    if (req->path_text == NULL)
        x->request.path_text = as_text(req, req->path);
    return req->path_text != NULL ? req->path_text : "";
}

const char *weir_request_query(const weir_request *req)
{
    return req->query;
}

const char *weir_request_param(const weir_request *req, const char *name)
{
    const struct weir__http_param *param;

    if (strcmp(name, "*") == 0)
        return req->route != NULL && req->route->pattern.star ? as_text(req, req->params.rest) : NULL;
    param = weir__http_params_find(&req->params, weir_bytes_of(name));
    return param != NULL ? as_text(req, param->value) : NULL;
}

const char *weir_request_header(const weir_request *req, const char *name)
{
    const struct weir__http_field *field =
        weir__http_field_find(req->head.fields, req->head.field_count, weir_bytes_of(name));

    if (field == NULL || field->value.len == 0)
        return field != NULL ? "" : NULL;
    /* The byte behind a span of the head may be written: see wire.h. */
    ((char *)(uintptr_t)field->value.data)[field->value.len] = '\0';
    return field->value.data;
}

/* Counts the fields of a name. *bytes: of their values, joined. */
static size_t count_fields(const weir_request *req, weir_bytes name, size_t *bytes)
{
    size_t found = 0;

    *bytes = 0;
    for (size_t i = 0; i < req->head.field_count; i++)
        if (weir_bytes_equal_nocase(req->head.fields[i].name, name)) {
            *bytes += req->head.fields[i].value.len + 2;
            found++;
        }
    return found;
}

const char *weir_request_header_joined(weir_request *req, const char *name)
{
    const weir_bytes wanted = weir_bytes_of(name);
    size_t bytes, found = count_fields(req, wanted, &bytes);
    char *text, *at;

    if (found <= 1)
        return weir_request_header(req, name);
    text = at = weir_request_alloc(req, bytes);
    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < req->head.field_count; i++) {
        const struct weir__http_field *field = &req->head.fields[i];
        if (!weir_bytes_equal_nocase(field->name, wanted))
            continue;
        if (at > text)
            *at++ = ',', *at++ = ' ';
        if (field->value.len > 0)
            memcpy(at, field->value.data, field->value.len);
        at += field->value.len;
    }
    *at = '\0';
    return text;
}

bool weir_request_header_at(const weir_request *req, size_t i, weir_bytes *name, weir_bytes *value)
{
    if (i >= req->head.field_count)
        return false;
    *name = req->head.fields[i].name;
    *value = req->head.fields[i].value;
    return true;
}

const char *weir_request_peer(const weir_request *req)
{
    struct weir__exchange *x = weir__exchange_of_request(req);
    char *text;

    if (req->peer == NULL) {
        text = weir__arena_alloc(&x->memory, WEIR_ADDRESS_BYTES);
        if (text == NULL)
            return "?";
        x->request.peer = x->wire->peer(x, text);
    }
    return req->peer;
}

weir_server *weir_request_server(const weir_request *req)
{
    return weir__exchange_of_request(req)->home->server;
}

void *weir_request_data(const weir_request *req)
{
    return req->route != NULL ? req->route->given->data : NULL;
}

void weir_request_note(weir_request *req, const void *note)
{
    req->note = note;
}

void *weir_request_alloc(weir_request *req, size_t bytes)
{
    return weir__arena_alloc(&weir__exchange_of_request(req)->memory, bytes);
}

/* --- the body --- */

static int await_more(struct weir__exchange *x)
{
    int err = 0;

    if (x->request.continue_due) {
        x->request.continue_due = false;
        if (!x->response.began) /* a final response tells the client the same */
            err = x->wire->send_informational(x, 100);
    }
    return err < 0 ? err : x->wire->await_body(x);
}

/* Takes the next payload, at most `most` bytes, where it lies; waits for it. Empty at the end of the body. */
static int next_payload(struct weir__exchange *x, size_t most, weir_bytes *payload)
{
    weir_request *req = &x->request;

    while (req->body_err == 0) {
        int step = x->wire->take_body(x, most, payload);

        if (step == WEIR__HTTP_BODY_MORE)
            step = await_more(x);
        else if (step >= 0)
            return step;
        if (step < 0)
            req->body_err = step;
    }
    return req->body_err;
}

ssize_t weir_request_read(weir_request *req, void *data, size_t bytes)
{
    struct weir__exchange *x = weir__exchange_of_request(req);
    weir_bytes payload;
    ssize_t got;
    int step;

    if (bytes == 0)
        return -EINVAL;
    if (req->body_err < 0 || req->body.ended)
        return req->body_err;
    got = x->wire->read_body(x, data, bytes);
    if (got != -EAGAIN) {
        if (got < 0)
            req->body_err = (int)got;
        return got;
    }
    step = next_payload(x, bytes, &payload);
    if (step < 0)
        return step;
    if (payload.len > 0)
        memcpy(data, payload.data, payload.len);
    x->wire->release_body(x, bytes);
    return (ssize_t)payload.len;
}

int weir_request_read_body(weir_request *req, weir_bytes *body, size_t max_bytes)
{
    struct weir__exchange *x = weir__exchange_of_request(req);
    uint64_t max = req->body.max < max_bytes ? req->body.max : max_bytes;

    *body = (weir_bytes){0};
    weir_buffer_free(&x->body);
    weir_buffer_init(&x->body, (size_t)max);
    if (req->body.taken + req->body.left > max)
        return -WEIR_ETOOLARGE;
    for (;;) {
        weir_bytes payload;
        int step = next_payload(x, SIZE_MAX, &payload);
        int err = step < 0 ? step : weir_buffer_append(&x->body, payload.data, payload.len);

        if (err < 0)
            return err;
        x->wire->release_body(x, 0);
        if (step == WEIR__HTTP_BODY_END)
            break;
    }
    *body = weir_buffer_bytes(&x->body);
    return 0;
}

int weir__request_discard_body(weir_request *req, uint64_t most)
{
    struct weir__exchange *x = weir__exchange_of_request(req);
    uint64_t from = req->body.taken;

    /* The client was not told to send the body, and may or may not send it: what comes next is unknown. */
    if (req->continue_due && !req->body.ended)
        return -WEIR_EPROTOCOL;
    while (!req->body.ended) {
        weir_bytes payload;
        int step;

        if (req->body.taken + req->body.left - from > most)
            return -WEIR_ETOOLARGE;
        step = next_payload(x, SIZE_MAX, &payload);
        if (step < 0)
            return step;
    }
    return 0;
}
