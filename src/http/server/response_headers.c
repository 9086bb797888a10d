/* SPDX-License-Identifier: MIT */
#include "http/server/response_headers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/message/headers.h"
#include "http/message/trailers.h"
#include "http/message/writer.h"
#include "http/server/handler_check.h"

enum { HEADERS_BYTES_MIN = 256, HEADERS_BYTES_MAX = 64 << 10 };

/* --- adding --- */

static bool is_servers_own(const char *name, size_t length)
{
    return length == 4 ? strcasecmp(name, "date") == 0 : weir__http_is_senders_own(name, length);
}

static bool is_content_type(weir_bytes name)
{
    return name.len == 12 && weir_bytes_equal_nocase(name, WEIR__HTTP_TEXT("content-type"));
}

static bool is_valid(weir_bytes name, weir_bytes value)
{
    return !is_servers_own(name.data, name.len) && weir_token_is_valid(name) &&
           weir_header_value_is_valid(value);
}

/* Makes room for `need` bytes more. */
static int grow(struct weir__exchange *x, struct weir__header_lines *lines, size_t need)
{
    size_t room = lines->room == 0 ? HEADERS_BYTES_MIN : lines->room;
    char *text;

    while (room < lines->len + need)
        room *= 2;
    if (room > HEADERS_BYTES_MAX)
        return -EINVAL;
    text = weir__arena_alloc(&x->memory, room);
    if (text == NULL)
        return -ENOMEM;
    if (lines->len > 0)
        memcpy(text, lines->text, lines->len);
    lines->text = text;
    lines->room = room;
    return 0;
}

int weir__header_lines_add(struct weir__exchange *x, struct weir__header_lines *lines, const char *name,
                           const char *value)
{
    weir_bytes n = weir_bytes_of(name), v = weir_bytes_of(value);
    const size_t bytes = n.len + v.len + WEIR__HTTP_FIELD_MORE;
    int err = 0;

    if (!is_valid(n, v))
        return -EINVAL;
    if (lines->len + bytes > lines->room)
        err = grow(x, lines, bytes);
    if (err < 0)
        return err;
    (void)weir__http_put_field(lines->text + lines->len, n, v);
    lines->len += bytes;
    lines->may_have_type |= is_content_type(n);
    return 0;
}

int weir_response_header_add(weir_response *res, const char *name, const char *value)
{
    struct weir__exchange *x = weir__checked_response(res, __func__);

    return res->began ? -WEIR_EBUSY : weir__header_lines_add(x, &res->headers, name, value);
}

int weir_response_close(weir_response *res)
{
    (void)weir__checked_response(res, __func__);
    if (res->began)
        return -WEIR_EBUSY;
    res->close = true;
    return 0;
}

int weir_response_trailer_add(weir_response *res, const char *name, const char *value)
{
    struct weir__exchange *x = weir__checked_response(res, __func__);

    if (res->began && (!res->open_ended || res->ended))
        return -ENOTSUP;
    if (!weir__http_is_trailer(weir_bytes_of(name)))
        return -EINVAL;
    return weir__header_lines_add(x, &res->trailers, name, value);
}

/* --- blocks --- */

struct weir_header_block {
    size_t len;
    bool may_have_type;
    char text[]; /* lines, as of struct weir__header_lines */
};

static size_t line_bytes(const weir_header *header)
{
    return strlen(header->name) + strlen(header->value) + WEIR__HTTP_FIELD_MORE;
}

int weir_header_block_make(const weir_header *headers, size_t count, weir_header_block **out)
{
    size_t bytes = 0;
    char *at;

    *out = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!is_valid(weir_bytes_of(headers[i].name), weir_bytes_of(headers[i].value)))
            return -EINVAL;
        bytes += line_bytes(&headers[i]);
    }
    if (bytes > HEADERS_BYTES_MAX)
        return -EINVAL;
    *out = malloc(sizeof **out + bytes);
    if (*out == NULL)
        return -ENOMEM;
    **out = (weir_header_block){.len = bytes};
    at = (*out)->text;
    for (size_t i = 0; i < count; i++) {
        const weir_bytes name = weir_bytes_of(headers[i].name);
        at = weir__http_put_field(at, name, weir_bytes_of(headers[i].value));
        (*out)->may_have_type |= is_content_type(name);
    }
    return 0;
}

void weir_header_block_free(weir_header_block *block)
{
    free(block);
}

int weir_response_header_block_add(weir_response *res, const weir_header_block *block)
{
    struct weir__exchange *x = weir__checked_response(res, __func__);
    struct weir__header_lines *lines = &res->headers;
    int err = 0;

    if (res->began)
        return -WEIR_EBUSY;
    if (lines->len + block->len > lines->room)
        err = grow(x, lines, block->len);
    if (err < 0)
        return err;
    memcpy(lines->text + lines->len, block->text, block->len);
    lines->len += block->len;
    lines->may_have_type |= block->may_have_type;
    return 0;
}

/* --- reading --- */

bool weir__header_next(const weir_response *res, size_t *at, weir_bytes *name, weir_bytes *value)
{
    const char *line = res->headers.text + *at, *colon, *end;

    if (*at >= res->headers.len)
        return false;
    end = memchr(line, '\n', res->headers.len - *at);
    colon = memchr(line, ':', (size_t)(end - line));
    *name = (weir_bytes){line, (size_t)(colon - line)};
    *value = (weir_bytes){colon + 2, (size_t)(end - 1 - (colon + 2))};
    *at += (size_t)(end + 1 - line);
    return true;
}

/* Finds the next field of a name at or behind *at. */
static bool find_header(const weir_response *res, weir_bytes name, size_t *at, weir_bytes *value)
{
    weir_bytes each;

    while (weir__header_next(res, at, &each, value))
        if (weir_bytes_equal_nocase(each, name))
            return true;
    return false;
}

bool weir__response_has_type(const weir_response *res)
{
    size_t at = 0;
    weir_bytes value;

    return res->headers.may_have_type && find_header(res, WEIR__HTTP_TEXT("content-type"), &at, &value);
}

const char *weir_response_header(weir_response *res, const char *name)
{
    size_t at = 0;
    weir_bytes value;

    if (!find_header(res, weir_bytes_of(name), &at, &value))
        return NULL;
    return weir__arena_memdup(&weir__checked_response(res, __func__)->memory, value.data, value.len);
}

const char *weir_response_header_joined(weir_response *res, const char *name)
{
    struct weir__arena *memory = &weir__checked_response(res, __func__)->memory;
    const char *text = NULL;
    size_t at = 0;
    weir_bytes value;

    while (find_header(res, weir_bytes_of(name), &at, &value)) {
        text = text == NULL ? weir__arena_printf(memory, "%.*s", (int)value.len, value.data)
                            : weir__arena_printf(memory, "%s, %.*s", text, (int)value.len, value.data);
        if (text == NULL)
            return NULL;
    }
    return text;
}

/* --- replacing --- */

/* Removes the fields of a name from the first `before` bytes. */
static void remove_headers(weir_response *res, weir_bytes name, size_t before)
{
    size_t from = 0, at = 0;
    weir_bytes each, value;

    while (at < before && weir__header_next(res, &at, &each, &value)) {
        if (weir_bytes_equal_nocase(each, name)) {
            memmove(res->headers.text + from, res->headers.text + at, res->headers.len - at);
            res->headers.len -= at - from;
            before -= at - from;
            at = from;
        }
        from = at;
    }
}

int weir_response_header_set(weir_response *res, const char *name, const char *value)
{
    size_t before = res->headers.len;
    int err = 0;

    (void)weir__checked_response(res, __func__);
    if (res->began)
        return -WEIR_EBUSY;
    if (is_servers_own(name, strlen(name)))
        return -EINVAL;
    if (value != NULL) /* first, so that a failure changes nothing */
        err = weir_response_header_add(res, name, value);
    if (err == 0)
        remove_headers(res, weir_bytes_of(name), before);
    return err;
}
