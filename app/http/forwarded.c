/* SPDX-License-Identifier: MIT */
#include "http/forwarded.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include <weir/http_text.h>

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

/* --- texts --- */

/* A text in progress, in memory that is known to have room for it. Runs for every request that is passed on,
 * so that it copies and does not format. */
struct text {
    char *start, *at;
};

static void put(struct text *t, const char *data, size_t bytes)
{
    t->at = mempcpy(t->at, data, bytes);
}

static void put_text(struct text *t, const char *text)
{
    put(t, text, strlen(text));
}

/* Ends a text. The next one may begin behind it. */
static const char *end_text(struct text *t)
{
    const char *text = t->start;

    *t->at++ = '\0';
    t->start = t->at;
    return text;
}

static void separate(struct text *t)
{
    if (t->at > t->start)
        put(t, ", ", 2);
}

/* --- lists --- */

static bool continues(const weir_header *header, const char *name)
{
    return header->value[0] != '\0' && strcasecmp(header->name, name) == 0;
}

/* The room that begin_list() takes at most. */
static size_t list_bytes(const weir_header *headers, size_t count, const char *name)
{
    size_t bytes = 0;

    for (size_t i = 0; i < count; i++)
        if (continues(&headers[i], name))
            bytes += strlen(headers[i].value) + 2;
    return bytes;
}

/* Begins a text with the list that the headers of a name make together. */
static void begin_list(struct text *list, const weir_header *headers, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (!continues(&headers[i], name))
            continue;
        separate(list);
        put_text(list, headers[i].value);
    }
}

/* --- the elements of this hop --- */

/* A value of Forwarded: a token, or quoted. */
static void put_value(struct text *out, weir_bytes value)
{
    if (weir_token_is_valid(value)) {
        put(out, value.data, value.len);
        return;
    }
    put(out, "\"", 1);
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] == '"' || value.data[i] == '\\')
            put(out, "\\", 1);
        put(out, &value.data[i], 1);
    }
    put(out, "\"", 1);
}

static void put_for(struct text *out, weir_bytes address)
{
    bool v6 = address.len > 0 && memchr(address.data, ':', address.len) != NULL;

    put_text(out, address.len == 0 ? "for=unknown" : v6 ? "for=\"[" : "for=");
    put(out, address.data, address.len);
    if (v6)
        put(out, "]\"", 2);
}

static void put_element(struct text *out, const struct proxy_request *request)
{
    separate(out);
    put_for(out, address_of(request->peer));
    if (request->authority[0] != '\0') {
        put_text(out, ";host=");
        put_value(out, weir_bytes_of(request->authority));
    }
    put_text(out, ";proto=");
    put_text(out, request->scheme);
}

static void put_address(struct text *out, const struct proxy_request *request)
{
    const weir_bytes address = address_of(request->peer);

    if (address.len == 0)
        return;
    separate(out);
    put(out, address.data, address.len);
}

/* The lists: what a trusted peer says, and the element of this hop. */
struct lists {
    const char *addresses, *elements;
};

static int make_lists(const weir_header *headers, size_t count, const struct proxy_request *request,
                      const struct proxy_memory *memory, struct lists *out)
{
    static const char addresses[] = "x-forwarded-for", elements[] = "forwarded";
    size_t room = 64 + 2 * strlen(request->peer) + 2 * strlen(request->authority) + strlen(request->scheme);
    struct text text;

    if (request->trusted)
        room += list_bytes(headers, count, addresses) + list_bytes(headers, count, elements);
    text.start = text.at = memory->take(memory->arg, room);
    if (text.start == NULL)
        return -ENOMEM;
    if (request->trusted)
        begin_list(&text, headers, count, addresses);
    put_address(&text, request);
    out->addresses = end_text(&text);
    if (request->trusted)
        begin_list(&text, headers, count, elements);
    put_element(&text, request);
    out->elements = end_text(&text);
    return 0;
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

int forwarded_add(const weir_header *headers, size_t count, const struct proxy_request *request,
                  const struct proxy_memory *memory, weir_header out[FORWARDED_HEADERS])
{
    const char *host = given_or(headers, count, request, "x-forwarded-host", request->authority);
    const char *scheme = given_or(headers, count, request, "x-forwarded-proto", request->scheme);
    struct lists lists;
    int n = 0, err = make_lists(headers, count, request, memory, &lists);

    if (err < 0)
        return err;
    if (lists.addresses[0] != '\0')
        out[n++] = (weir_header){"x-forwarded-for", lists.addresses};
    out[n++] = (weir_header){"x-forwarded-proto", scheme};
    if (host[0] != '\0')
        out[n++] = (weir_header){"x-forwarded-host", host};
    out[n++] = (weir_header){"forwarded", lists.elements};
    return n;
}
