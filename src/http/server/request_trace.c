/* SPDX-License-Identifier: MIT */
/* The trace that a request belongs to, found when it is asked for. */
#include <string.h>

#include "base/random.h"
#include "http/message/headers.h"
#include "http/message/trace.h"
#include "http/server/handler_check.h"

/* Finds the parent in the only traceparent field: of two, neither is valid. */
static bool find_parent(const struct weir__http_request_head *head, weir_trace *trace)
{
    const struct weir__http_field *found = NULL;

    for (size_t i = 0; i < head->field_count; i++) {
        if (!weir_bytes_equal_nocase(head->fields[i].name, WEIR__HTTP_TEXT("traceparent")))
            continue;
        if (found != NULL)
            return false;
        found = &head->fields[i];
    }
    return found != NULL && weir_trace_parse(found->value, trace) == 0;
}

static bool is_state(const struct weir__http_field *field)
{
    return field->value.len > 0 && weir_bytes_equal_nocase(field->name, WEIR__HTTP_TEXT("tracestate"));
}

static const char *join_state(struct weir__exchange *x)
{
    const struct weir__http_request_head *head = &x->request.head;
    size_t room = 0, len = 0;
    char *text;

    for (size_t i = 0; i < head->field_count; i++)
        if (is_state(&head->fields[i]))
            room += head->fields[i].value.len + 1;
    text = room > 0 ? weir__arena_alloc(&x->memory, room) : NULL;
    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < head->field_count; i++) {
        if (!is_state(&head->fields[i]))
            continue;
        memcpy(text + len, head->fields[i].value.data, head->fields[i].value.len);
        len += head->fields[i].value.len;
        text[len++] = ',';
    }
    len = weir__trace_state_cut(text, len - 1);
    text[len] = '\0';
    return len > 0 ? text : NULL;
}

const weir_trace *weir_request_trace(const weir_request *req)
{
    struct weir__exchange *x = weir__checked_request(req, __func__);
    weir_trace *trace = &x->request.trace;

    if ((trace->id_high | trace->id_low) != 0)
        return trace;
    if (find_parent(&req->head, trace)) {
        x->request.trace_state = join_state(x);
        return trace;
    }
    trace->id_high = weir__random_u64(&x->home->loop->random);
    trace->id_low = weir__random_u64(&x->home->loop->random) | 1; /* not both 0 */
    trace->flags = WEIR_TRACE_SAMPLED | WEIR_TRACE_RANDOM;
    return trace;
}

const char *weir_request_trace_state(const weir_request *req)
{
    (void)weir_request_trace(req);
    return req->trace_state;
}
