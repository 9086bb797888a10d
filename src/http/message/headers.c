/* SPDX-License-Identifier: MIT */
#include "http/message/headers.h"

#include <stdint.h>
#include <string.h>

#include <weir/address.h>

#include "http/message/chars.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static weir_bytes trim(weir_bytes text)
{
    while (text.len > 0 && is_blank(text.data[0]))
        text.data++, text.len--;
    while (text.len > 0 && is_blank(text.data[text.len - 1]))
        text.len--;
    return text;
}

const struct weir__http_field *weir__http_field_find(const struct weir__http_field *fields, size_t count,
                                                     weir_bytes name)
{
    for (size_t i = 0; i < count; i++) {
        if (fields[i].name.len == name.len && weir_bytes_equal_nocase(fields[i].name, name))
            return &fields[i];
    }
    return NULL;
}

/* The length of the first element of a list, up to its separator or the end. */
static size_t element_len(weir_bytes list, char separator)
{
    bool quoted = false;

    for (size_t i = 0; i < list.len; i++) {
        char c = list.data[i];
        if (c == '"')
            quoted = !quoted;
        else if (c == '\\' && quoted)
            i++;
        else if (c == separator && !quoted)
            return i;
    }
    return list.len;
}

bool weir_list_next(weir_bytes *rest, char separator, weir_bytes *element)
{
    while (rest->len > 0) {
        size_t len = element_len(*rest, separator);
        size_t used;

        *element = trim((weir_bytes){rest->data, len});
        used = len < rest->len ? len + 1 : len;
        rest->data += used;
        rest->len -= used;
        if (element->len > 0)
            return true;
    }
    return false;
}

static bool is_listed(weir_bytes list, weir_bytes name)
{
    weir_bytes element;

    while (weir_list_next(&list, ',', &element))
        if (weir_bytes_equal_nocase(element, name))
            return true;
    return false;
}

static bool is_always_hop_by_hop(weir_bytes name)
{
    static const weir_bytes names[] = {
        {"connection", 10}, {"keep-alive", 10},        {"te", 2},
        {"trailer", 7},     {"transfer-encoding", 17}, {"upgrade", 7},
    };
    static const char proxy[] = "proxy-";
    weir_bytes start;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].len == name.len && weir_bytes_equal_nocase(names[i], name))
            return true;
    }
    start = (weir_bytes){name.data, sizeof proxy - 1};
    return name.len >= start.len && weir_bytes_equal_nocase(start, (weir_bytes){proxy, sizeof proxy - 1});
}

bool weir_header_is_hop_by_hop(weir_bytes name, weir_bytes connection)
{
    if (is_always_hop_by_hop(name))
        return true;
    if (weir_bytes_equal_nocase(name, WEIR__HTTP_TEXT("content-length")) ||
        weir_bytes_equal_nocase(name, WEIR__HTTP_TEXT("host")))
        return false;
    return is_listed(connection, name);
}

static bool all_are(weir_bytes text, int class)
{
    const unsigned char *at = (const unsigned char *)text.data;
    size_t left = text.len;
    int common = class;

    for (; left >= 4; left -= 4, at += 4)
        common &= weir__http_chars[at[0]] & weir__http_chars[at[1]] & weir__http_chars[at[2]] &
                  weir__http_chars[at[3]];
    for (; left > 0; left--, at++)
        common &= weir__http_chars[*at];
    return common != 0;
}

/* --- sixteen bytes at a time --- */

typedef uint8_t lanes __attribute__((vector_size(16)));
typedef uint64_t halves
    __attribute__((vector_size(16))); /* of lanes: not by way of memory, which would stall */

static inline uint64_t eight_at(const char *p)
{
    uint64_t eight;

    memcpy(&eight, p, sizeof eight);
    return eight;
}

/* The bytes of a text of 1 to 7, some of them more than once. */
static inline uint64_t eight_of(const char *p, size_t len)
{
    uint32_t first, last;

    if (len < sizeof first) {
        const unsigned char three[] = {(unsigned char)p[0], (unsigned char)p[len / 2],
                                       (unsigned char)p[len - 1]};
        return (uint64_t)three[0] * (UINT64_MAX / 255 << 16) | (uint64_t)three[1] << 8 | three[2];
    }
    memcpy(&first, p, sizeof first);
    memcpy(&last, p + len - sizeof last, sizeof last);
    return (uint64_t)last << 32 | first;
}

/* The bytes of a text of 1 to 16, some of them more than once. */
static inline lanes lanes_of(const char *p, size_t len)
{
    const uint64_t first = len < sizeof first ? eight_of(p, len) : eight_at(p);

    return (lanes)(halves){first, len < sizeof first ? first : eight_at(p + len - sizeof first)};
}

static inline lanes lanes_at(const char *p)
{
    lanes v;

    memcpy(&v, p, sizeof v);
    return v;
}

/* Which bytes are letters, digits or '-'. */
static inline lanes names(lanes v)
{
    return (lanes)((v | 0x20) - 'a' < 26) | (lanes)(v - '0' < 10) | (lanes)(v == '-');
}

/* Which bytes may stand in a value, but for tabs. */
static inline lanes values(lanes v)
{
    return (lanes)(v >= ' ') & (lanes)(v != 0x7f);
}

static inline bool are_all(lanes v)
{
    const halves half = (halves)v;

    return (half[0] & half[1]) == UINT64_MAX;
}

/* Whether all bytes of a text, which is not empty, are so. The last sixteen overlap those before. */
static inline __attribute__((always_inline)) bool all_lanes(weir_bytes text, lanes (*are)(lanes v))
{
    lanes all;

    if (text.len <= sizeof all)
        return are_all(are(lanes_of(text.data, text.len)));
    all = are(lanes_at(text.data + text.len - sizeof all));
    for (size_t at = 0; at + sizeof all < text.len; at += sizeof all)
        all &= are(lanes_at(text.data + at));
    return are_all(all);
}

bool weir_token_is_valid(weir_bytes text)
{
    return text.len > 0 && (all_lanes(text, names) || all_are(text, WEIR__HTTP_TCHAR));
}

bool weir_header_value_is_valid(weir_bytes text)
{
    return text.len == 0 || all_lanes(text, values) || all_are(text, WEIR__HTTP_VCHAR);
}

/* Whether it is ":" and a port, ":" alone, or nothing. */
static bool is_port(const char *p, size_t len)
{
    uint16_t port;

    return len == 0 ||
           (p[0] == ':' && (len == 1 || weir_port_parse((weir_bytes){p + 1, len - 1}, &port) == 0));
}

static bool is_ip6_host(weir_bytes text)
{
    const char *close = memchr(text.data, ']', text.len);
    size_t len;

    if (close == NULL)
        return false;
    len = (size_t)(close - text.data) - 1;
    return weir_host_type_of((weir_bytes){text.data + 1, len}) == WEIR_HOST_IPV6 &&
           is_port(close + 1, text.len - len - 2);
}

bool weir__http_is_host(weir_bytes text)
{
    size_t name = 0;

    if (text.len == 0)
        return false;
    if (text.data[0] == '[')
        return is_ip6_host(text);
    while (name < text.len && weir__http_char_is(text.data[name], WEIR__HTTP_HOSTCHAR))
        name++;
    return name > 0 && is_port(text.data + name, text.len - name);
}

bool weir__http_is_protocol(weir_bytes text)
{
    const char *slash = text.len > 0 ? memchr(text.data, '/', text.len) : NULL;
    size_t name = slash != NULL ? (size_t)(slash - text.data) : text.len;

    return weir_token_is_valid((weir_bytes){text.data, name}) &&
           (slash == NULL || weir_token_is_valid((weir_bytes){slash + 1, text.len - name - 1}));
}

weir_bytes weir__http_host_without_port(weir_bytes text)
{
    const char *from = text.len > 0 && *text.data == '[' ? memchr(text.data, ']', text.len) : text.data;
    const char *colon =
        from != NULL && text.len > 0 ? memchr(from, ':', text.len - (size_t)(from - text.data)) : NULL;

    return colon != NULL ? (weir_bytes){text.data, (size_t)(colon - text.data)} : text;
}
