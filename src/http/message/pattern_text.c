/* SPDX-License-Identifier: MIT */
/* Patterns as they are written: questions that need no compiled pattern. */
#include <weir/http_text.h>

#include <string.h>

#include <weir/address.h>

#include "base/text_fault.h"
#include "http/message/method.h"
#include "http/message/segment.h"

bool weir_pattern_name_is_valid(weir_bytes name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return name.len > 0;
}

bool weir_pattern_has_param(weir_bytes pattern, weir_bytes name)
{
    weir_bytes segment;

    while (weir__http_segment_next(&pattern, &segment)) {
        weir_bytes each = weir__http_segment_name(segment);
        if (each.len > 0 && weir_bytes_equal(each, name))
            return true;
    }
    return false;
}

static bool is_star(weir_bytes rest)
{
    return rest.len == 2 && rest.data[0] == '/' && rest.data[1] == '*';
}

/* Compares literals of valid patterns: escapes may differ in the case of their digits. */
static bool same_literal(weir_bytes a, weir_bytes b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        bool digit = (i > 0 && a.data[i - 1] == '%') || (i > 1 && a.data[i - 2] == '%');
        if (a.data[i] != b.data[i] && (!digit || (a.data[i] | 0x20) != (b.data[i] | 0x20)))
            return false;
    }
    return true;
}

/* A parameter matches any segment that is not empty. */
static bool segment_covers(weir_bytes earlier, weir_bytes later)
{
    if (weir__http_segment_name(earlier).len > 0)
        return later.len > 0;
    return same_literal(earlier, later);
}

bool weir_pattern_covers(weir_bytes earlier, weir_bytes later)
{
    for (;;) {
        weir_bytes e, l;
        bool more;

        if (is_star(earlier))
            return true;
        if (is_star(later))
            return false;
        more = weir__http_segment_next(&earlier, &e);
        if (more != weir__http_segment_next(&later, &l))
            return false;
        if (!more)
            return true;
        if (!segment_covers(e, l))
            return false;
    }
}

/* --- hosts --- */

/* A host in the form in which hosts are compared: without a dot at the end, and "*.example.com" as
 * ".example.com". */
static weir_bytes comparable(weir_bytes host)
{
    host = weir_host_without_dot(host);
    return host.len > 0 && host.data[0] == '*' ? (weir_bytes){host.data + 1, host.len - 1} : host;
}

static bool is_bracketed(weir_bytes host)
{
    return host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']' &&
           weir_host_type_of((weir_bytes){host.data + 1, host.len - 2}) == WEIR_HOST_IPV6;
}

int weir_route_host_check(weir_bytes host, weir_text_fault *fault)
{
    static const char expected[] = "a name or address without a port, or '*.' and a name";
    bool wildcard = host.len > 2 && host.data[0] == '*' && host.data[1] == '.';
    size_t from = wildcard ? 2 : 0;
    weir_bytes name = {host.data + from, host.len - from};
    const char *star = name.len > 0 ? memchr(name.data, '*', name.len) : NULL;
    enum weir_host_type type;

    if (star != NULL)
        return weir__text_fault(fault, (size_t)(star - host.data), "a '*' only at the beginning, as '*.'");
    if (!wildcard && is_bracketed(host))
        return 0;
    type = weir_host_type_of(name);
    if (type == WEIR_HOST_NAME || (type == WEIR_HOST_IPV4 && !wildcard))
        return 0;
    return weir__text_fault(fault, from, expected);
}

bool weir_route_host_covers(weir_bytes earlier, weir_bytes later)
{
    weir_bytes e = comparable(earlier), l = comparable(later);

    if (e.len == 0)
        return true;
    if (e.data[0] == '.' && l.len > e.len) { /* below it */
        l.data += l.len - e.len;
        l.len = e.len;
    }
    return weir_bytes_equal_nocase(e, l);
}

/* --- methods --- */

int weir_methods_check(weir_bytes methods, weir_text_fault *fault)
{
    weir_bytes rest = methods, word;
    bool any = false;

    while (weir__http_method_next(&rest, &word)) {
        any = true;
        if (!weir_token_is_valid(word))
            return weir__text_fault(fault, (size_t)(word.data - methods.data),
                                    "methods such as GET, with spaces or commas between them");
    }
    return any ? 0 : weir__text_fault(fault, methods.len, "at least one method");
}
