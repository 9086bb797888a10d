/* SPDX-License-Identifier: MIT */
#include "http/forwarded.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include <weir/http_text.h>

enum { LIST_BYTES_MAX = 64 << 10 };

/* --- the peer --- */

/* The address without its port and brackets; empty if the peer has none. */
static weir_bytes address_of(const char *peer)
{
    const char *bracket = peer[0] == '[' ? strchr(peer, ']') : NULL, *colon;

    if (bracket != NULL)
        return (weir_bytes){peer + 1, (size_t)(bracket - peer) - 1};
    colon = strrchr(peer, ':');
    return colon != NULL ? (weir_bytes){peer, (size_t)(colon - peer)} : (weir_bytes){peer, 0};
}

/* --- lists --- */

/* Continues the list that the headers of a name make together. */
static int begin_list(weir_buffer *list, const weir_header *headers, size_t count, const char *name)
{
    int err = 0;

    for (size_t i = 0; i < count && err == 0; i++) {
        if (strcasecmp(headers[i].name, name) != 0 || headers[i].value[0] == '\0')
            continue;
        if (list->len > 0)
            err = weir_buffer_append_text(list, ", ");
        if (err == 0)
            err = weir_buffer_append_text(list, headers[i].value);
    }
    return err;
}

/* Ends a list. Returns: the text; NULL without memory. */
static const char *end_list(weir_buffer *list, const struct proxy_memory *memory)
{
    char *text = memory->take(memory->arg, list->len + 1);

    if (text == NULL)
        return NULL;
    if (list->len > 0)
        memcpy(text, list->data, list->len);
    text[list->len] = '\0';
    return text;
}

/* --- the elements of this hop --- */

static int append_address(weir_buffer *out, const char *peer)
{
    const weir_bytes address = address_of(peer);

    if (address.len == 0)
        return 0;
    return weir_buffer_printf(out, "%s%.*s", out->len > 0 ? ", " : "", (int)address.len, address.data);
}

/* A value of Forwarded: a token, or quoted. */
static int append_value(weir_buffer *out, const char *name, weir_bytes value)
{
    int err = weir_buffer_printf(out, "%s=", name);

    if (err < 0 || weir_token_is_valid(value))
        return err < 0 ? err : weir_buffer_append(out, value.data, value.len);
    err = weir_buffer_append_byte(out, '"');
    for (size_t i = 0; i < value.len && err == 0; i++) {
        if (value.data[i] == '"' || value.data[i] == '\\')
            err = weir_buffer_append_byte(out, '\\');
        if (err == 0)
            err = weir_buffer_append_byte(out, value.data[i]);
    }
    return err < 0 ? err : weir_buffer_append_byte(out, '"');
}

static int append_for(weir_buffer *out, const char *peer)
{
    const weir_bytes address = address_of(peer);
    bool v6 = address.len > 0 && memchr(address.data, ':', address.len) != NULL;

    if (address.len == 0)
        return weir_buffer_append_text(out, "for=unknown");
    return v6 ? weir_buffer_printf(out, "for=\"[%.*s]\"", (int)address.len, address.data)
              : weir_buffer_printf(out, "for=%.*s", (int)address.len, address.data);
}

static int append_element(weir_buffer *out, const struct proxy_request *request)
{
    int err = out->len > 0 ? weir_buffer_append_text(out, ", ") : 0;

    if (err == 0)
        err = append_for(out, request->peer);
    if (err == 0 && request->authority[0] != '\0') {
        err = weir_buffer_append_byte(out, ';');
        if (err == 0)
            err = append_value(out, "host", weir_bytes_of(request->authority));
    }
    return err < 0 ? err : weir_buffer_printf(out, ";proto=%s", request->scheme);
}

/* --- the headers --- */

/* The value that a trusted peer gives; NULL: it gives none, or is not trusted. */
static const char *given(const weir_header *headers, size_t count, const struct proxy_request *request,
                         const char *name)
{
    for (size_t i = 0; i < count && request->trusted; i++)
        if (strcasecmp(headers[i].name, name) == 0 && headers[i].value[0] != '\0')
            return headers[i].value;
    return NULL;
}

static const char *given_or(const weir_header *headers, size_t count, const struct proxy_request *request,
                            const char *name, const char *otherwise)
{
    const char *value = given(headers, count, request, name);

    return value != NULL ? value : otherwise;
}

/* Makes a list: what a trusted peer says, and the element of this hop. Returns: NULL without memory. */
static const char *make_list(const weir_header *headers, size_t count, const struct proxy_request *request,
                             const struct proxy_memory *memory, const char *name)
{
    bool addresses = name[0] == 'x';
    const char *text = NULL;
    weir_buffer list;
    int err;

    weir_buffer_init(&list, LIST_BYTES_MAX);
    err = request->trusted ? begin_list(&list, headers, count, name) : 0;
    if (err == 0)
        err = addresses ? append_address(&list, request->peer) : append_element(&list, request);
    if (err == 0)
        text = end_list(&list, memory);
    weir_buffer_free(&list);
    return text;
}

int forwarded_add(const weir_header *headers, size_t count, const struct proxy_request *request,
                  const struct proxy_memory *memory, weir_header out[FORWARDED_HEADERS])
{
    const char *addresses = make_list(headers, count, request, memory, "x-forwarded-for");
    const char *elements = make_list(headers, count, request, memory, "forwarded");
    const char *host = given_or(headers, count, request, "x-forwarded-host", request->authority);
    const char *scheme = given_or(headers, count, request, "x-forwarded-proto", request->scheme);
    int n = 0;

    if (addresses == NULL || elements == NULL)
        return -ENOMEM;
    if (addresses[0] != '\0')
        out[n++] = (weir_header){"x-forwarded-for", addresses};
    out[n++] = (weir_header){"x-forwarded-proto", scheme};
    if (host[0] != '\0')
        out[n++] = (weir_header){"x-forwarded-host", host};
    out[n++] = (weir_header){"forwarded", elements};
    return n;
}
