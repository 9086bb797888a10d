/* SPDX-License-Identifier: MIT */
/* What a handler asks of the request. All text was made NUL-terminated when the head was taken. */
#include "http/server/server.h"

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

/* Handlers take text; what is a part of a longer one is copied when it is asked for. */
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
    /* The byte behind it belongs to the end of its line, which nobody reads again. */
    ((char *)(uintptr_t)field->value.data)[field->value.len] = '\0';
    return field->value.data;
}

/* Returns: how many fields have the name; *bytes is what their values take, joined. */
static size_t measure(const weir_request *req, weir_bytes name, size_t *bytes)
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
    size_t bytes, found = measure(req, wanted, &bytes);
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
        x->request.peer = weir__peers_of(&x->connection->home->peers, x->connection, text);
    }
    return req->peer;
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

/* Waits for more of it. 0; < 0 there is no more, and that is not where it ends. */
static int more_body(struct weir__exchange *x)
{
    int got;

    if (x->request.continue_due) {
        x->request.continue_due = false;
        got = x->response.began ? 0 : weir__response_send_continue(x); /* an answer says it, too */
        if (got < 0)
            return got;
    }
    got = weir__exchange_fill(x);
    if (got == 0)
        got = weir__http_body_closed(&x->request.body);
    return got < 0 ? got : 0;
}

/* The next run of payload, at most `most` bytes, where it lies in the input; empty at the end. */
static int next_run(struct weir__exchange *x, size_t most, weir_bytes *payload)
{
    weir_request *req = &x->request;

    while (req->body_err == 0) {
        size_t used, here = x->input_len - x->input_at;
        int step = weir__http_body_next(&req->body, x->input + x->input_at, here < most ? here : most, &used,
                                        payload);

        x->input_at += used;
        if (step == WEIR__HTTP_BODY_END)
            weir__exchange_watch_behind(x);
        if (step == WEIR__HTTP_BODY_DATA || step == WEIR__HTTP_BODY_END)
            return step;
        if (step == WEIR__HTTP_BODY_MORE && x->input_at == x->input_len)
            step = more_body(x);
        if (step < 0)
            req->body_err = step;
    }
    return req->body_err;
}

/* There is so much to come, and room for it, that it is worth a receive of its own. While that is so the
 * input is not asked for more: it would come in small pieces, and each be copied. */
static bool is_read_straight(const struct weir__exchange *x, size_t bytes)
{
    const struct weir__http_body *body = &x->request.body;

    return body->framing == WEIR__HTTP_LENGTH && body->left >= WEIR__STREAM_LENT_BYTES_MAX &&
           bytes >= WEIR__STREAM_LENT_BYTES_MAX && !x->request.continue_due;
}

static bool has_input(const struct weir__exchange *x)
{
    return x->input_at < x->input_len || x->input_end != 0 || x->connection->awaiting;
}

static ssize_t read_straight(struct weir__exchange *x, void *data, size_t bytes)
{
    struct weir__http_body *body = &x->request.body;
    size_t used, most = bytes < body->left ? bytes : (size_t)body->left;
    weir_bytes payload;
    ssize_t got = weir__exchange_read(x, data, most);
    int step;

    if (got <= 0)
        return x->request.body_err = got < 0 ? (int)got : weir__http_body_closed(body);
    step = weir__http_body_next(body, data, (size_t)got, &used, &payload);
    return step < 0 ? x->request.body_err = step : got;
}

ssize_t weir_request_read(weir_request *req, void *data, size_t bytes)
{
    struct weir__exchange *x = weir__exchange_of_request(req);
    weir_bytes run;
    int step;

    if (bytes == 0)
        return -EINVAL;
    if (req->body_err == 0 && is_read_straight(x, bytes) && !has_input(x))
        return read_straight(x, data, bytes);
    step = next_run(x, bytes, &run);
    if (step < 0)
        return step;
    if (run.len > 0)
        memcpy(data, run.data, run.len);
    if (!is_read_straight(x, bytes))
        weir__exchange_used(x);
    return (ssize_t)run.len;
}

int weir_read_body(weir_request *req, weir_bytes *body, size_t max_bytes)
{
    struct weir__exchange *x = weir__exchange_of_request(req);
    uint64_t max = req->body.max < max_bytes ? req->body.max : max_bytes;

    *body = (weir_bytes){0};
    weir_buffer_free(&x->body);
    weir_buffer_init(&x->body, (size_t)max);
    if (req->body.taken + req->body.left > max)
        return -WEIR_ETOOLARGE;
    for (;;) {
        weir_bytes run;
        int step = next_run(x, SIZE_MAX, &run);
        int err = step < 0 ? step : weir_buffer_append(&x->body, run.data, run.len);

        if (err < 0)
            return err;
        weir__exchange_used(x);
        if (step == WEIR__HTTP_BODY_END)
            break;
    }
    *body = weir_buffer_bytes(&x->body);
    return 0;
}

/* After the answer: what the handler left unread, so that the next request can be found. */
int weir__request_discard_body(weir_request *req)
{
    struct weir__exchange *x = weir__exchange_of_request(req);
    uint64_t from = req->body.taken;

    /* A client told nothing to go on will not send the body, or it will: nobody can know. */
    if (req->continue_due && !req->body.ended)
        return -WEIR_EPROTOCOL;
    while (!req->body.ended) {
        weir_bytes run;
        int step;

        if (req->body.taken + req->body.left - from > WEIR__DISCARD_BYTES_MAX)
            return -WEIR_ETOOLARGE;
        step = next_run(x, SIZE_MAX, &run);
        if (step < 0)
            return step;
    }
    return 0;
}
