/* SPDX-License-Identifier: MIT */
#include "http/forwarded_list.h"

#include <string.h>

#include <weir/http_text.h>

#include "text/networks.h"

struct forwarded_list forwarded_choose(const struct forwarded_headers *headers)
{
    const bool is_forwarded = headers->addresses == NULL && headers->scheme == NULL && headers->host == NULL;
    const char *text = is_forwarded ? headers->elements : headers->addresses;

    return (struct forwarded_list){weir_bytes_of(text != NULL ? text : ""), is_forwarded};
}

/* --- from the end --- */

static weir_bytes trim(const char *begin, const char *end)
{
    while (begin < end && (*begin == ' ' || *begin == '\t'))
        begin++;
    while (end > begin && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    return (weir_bytes){begin, (size_t)(end - begin)};
}

static bool is_escaped(const char *begin, const char *at)
{
    size_t slashes = 0;

    while (at > begin && *--at == '\\')
        slashes++;
    return slashes % 2 == 1;
}

/* The last of a character outside quoted strings. Returns: NULL: there is none. */
static const char *last_unquoted(weir_bytes text, char wanted)
{
    bool quoted = false;

    for (const char *at = text.data + text.len; at > text.data;) {
        at--;
        if (*at == '"' && !is_escaped(text.data, at))
            quoted = !quoted;
        else if (*at == wanted && !quoted)
            return at;
    }
    return NULL;
}

/* Takes from a text what follows its last separator, which is at `at`; NULL: all. */
static weir_bytes take_after(weir_bytes *text, const char *at)
{
    const weir_bytes taken = trim(at != NULL ? at + 1 : text->data, text->data + text->len);

    text->len = at != NULL ? (size_t)(at - text->data) : 0;
    return taken;
}

weir_bytes forwarded_last_value(const char *value)
{
    weir_bytes text = weir_bytes_of(value);

    return take_after(&text, strrchr(value, ','));
}

/* --- elements of Forwarded --- */

/* A token or a quoted string. Unquoted may also be what proxies write so against the rules, as [::1]:80. */
static bool value_is_valid(weir_bytes value)
{
    if (value.len == 0 || value.data[0] != '"') {
        for (size_t i = 0; i < value.len; i++)
            if (strchr("\", \t;\\", value.data[i]) != NULL)
                return false;
        return true;
    }
    for (size_t i = 1; i < value.len; i++) {
        if (value.data[i] == '"')
            return i == value.len - 1;
        i += value.data[i] == '\\';
    }
    return false;
}

static weir_bytes *place_of(weir_bytes name, struct forwarded_hop *out)
{
    if (weir_bytes_equal_nocase(name, weir_bytes_of("for")))
        return &out->node;
    if (weir_bytes_equal_nocase(name, weir_bytes_of("host")))
        return &out->host;
    return weir_bytes_equal_nocase(name, weir_bytes_of("proto")) ? &out->scheme : NULL;
}

/* Returns: false: it is malformed, or a second of its name. */
static bool read_pair(weir_bytes pair, struct forwarded_hop *out)
{
    const char *equals = memchr(pair.data, '=', pair.len);
    weir_bytes name, value, *place;

    if (equals == NULL)
        return false;
    name = (weir_bytes){pair.data, (size_t)(equals - pair.data)};
    value = (weir_bytes){equals + 1, pair.len - name.len - 1};
    place = place_of(name, out);
    if (!weir_token_is_valid(name) || !value_is_valid(value) || (place != NULL && place->data != NULL))
        return false;
    if (place != NULL)
        *place = value;
    return true;
}

static bool read_element(weir_bytes element, struct forwarded_hop *out)
{
    weir_bytes *node = &out->node;

    while (element.len > 0) {
        const weir_bytes pair = take_after(&element, last_unquoted(element, ';'));
        if (pair.len > 0 && !read_pair(pair, out))
            return false;
    }
    if (node->len >= 2 && node->data[0] == '"')
        *node = (weir_bytes){node->data + 1, node->len - 2};
    return true;
}

/* --- both --- */

bool forwarded_last(struct forwarded_list *list, struct forwarded_hop *out)
{
    weir_bytes *text = &list->text;

    *out = (struct forwarded_hop){.element = {"", 0}};
    while (text->len > 0 && out->element.len == 0) /* an empty element means nothing (RFC 9110, 5.6.1) */
        out->element = take_after(text, list->is_forwarded ? last_unquoted(*text, ',')
                                                           : memrchr(text->data, ',', text->len));
    if (out->element.len == 0)
        return false;
    if (!list->is_forwarded) {
        out->node = out->element;
    } else if (!read_element(out->element, out)) {
        text->len = 0;
        return false;
    }
    if (out->node.len > 0 && network_address_of(out->node, out->ip))
        out->address = network_address_text(out->node);
    return true;
}
