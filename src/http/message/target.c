/* SPDX-License-Identifier: MIT */
#include "http/message/target.h"

#include <string.h>

#include "http/message/chars.h"
#include "http/message/headers.h"
#include "http/message/percent.h"

static int refuse(struct weir__http_fault *fault, int status, const char *message)
{
    fault->status = status;
    fault->message = message;
    return status == 414 ? -WEIR_ETOOLARGE : -WEIR_EPROTOCOL;
}

static weir_bytes from(weir_bytes text, size_t at)
{
    return (weir_bytes){text.data + at, text.len - at};
}

/* The first of two characters, or the end. */
static size_t find_either(weir_bytes text, char a, char b)
{
    size_t i = 0;

    while (i < text.len && text.data[i] != a && text.data[i] != b)
        i++;
    return i;
}

size_t weir__http_scheme_length(weir_bytes text, bool *tls)
{
    static const weir_bytes plain = {"http://", 7}, secure = {"https://", 8};

    *tls = false;
    if (text.len >= plain.len && memcmp(text.data, plain.data, plain.len) == 0) /* nearly always */
        return plain.len;
    *tls = text.len >= secure.len && weir_bytes_equal_nocase((weir_bytes){text.data, secure.len}, secure);
    if (*tls)
        return secure.len;
    return text.len >= plain.len && weir_bytes_equal_nocase((weir_bytes){text.data, plain.len}, plain)
               ? plain.len
               : 0;
}

static void split_query(weir_bytes text, struct weir__http_target *out)
{
    const char *mark = text.len > 0 ? memchr(text.data, '?', text.len) : NULL;
    size_t path_len = mark != NULL ? (size_t)(mark - text.data) : text.len;

    out->path = (weir_bytes){text.data, path_len};
    out->query = mark != NULL ? from(text, path_len + 1) : (weir_bytes){NULL, 0};
}

static int parse_absolute(weir_bytes target, struct weir__http_target *out, struct weir__http_fault *fault)
{
    bool tls;
    size_t start = weir__http_scheme_length(target, &tls);
    weir_bytes rest;
    size_t len;

    if (start == 0)
        return refuse(fault, 400, "the request target is neither a path nor an http URL");
    rest = from(target, start);
    len = find_either(rest, '/', '?');
    out->form = WEIR__HTTP_ABSOLUTE_FORM;
    out->authority = (weir_bytes){rest.data, len};
    if (!weir__http_is_host(out->authority))
        return refuse(fault, 400, "the URL in the request target does not name a valid host");
    split_query(from(rest, len), out);
    if (out->path.len == 0)
        out->path = WEIR__HTTP_TEXT("/");
    return 0;
}

int weir__http_target_parse(weir_bytes target, struct weir__http_target *out, struct weir__http_fault *fault)
{
    for (size_t i = 0; i < target.len; i++) {
        if (!weir__http_char_is(target.data[i], WEIR__HTTP_VISIBLE))
            return refuse(fault, 400, "the request target holds a character that must be escaped");
        if (target.data[i] == '#')
            return refuse(fault, 400, "the request target has a fragment, which is not for the server");
    }
    out->authority = (weir_bytes){"", 0};
    if (target.len > 0 && target.data[0] == '/') {
        out->form = WEIR__HTTP_ORIGIN_FORM;
        split_query(target, out);
        return 0;
    }
    if (target.len == 1 && target.data[0] == '*') {
        out->form = WEIR__HTTP_ASTERISK_FORM;
        out->path = (weir_bytes){target.data, 0};
        out->query = (weir_bytes){NULL, 0};
        return 0;
    }
    if (weir__http_is_host(target) && memchr(target.data, ':', target.len) != NULL)
        return refuse(fault, 501, "the request target is an authority: tunnels are not offered");
    return parse_absolute(target, out, fault);
}

/* --- the normal form --- */

/* Copies the segment at *in, up to the next '/' or the end, with unreserved characters decoded. Returns the
 * status of a fault, or 0. */
static int copy_segment(weir_bytes path, size_t *in, char *out, size_t *n, const char **wrong)
{
    size_t i = *in;

    for (; i < path.len && path.data[i] != '/'; i++) {
        char c = path.data[i];
        int byte;

        if (c != '%') {
            *wrong = "the path holds a character that must be escaped";
            if (!weir__http_char_is(c, WEIR__HTTP_VISIBLE) || c == '?' || c == '#')
                return 400;
            out[(*n)++] = c;
            continue;
        }
        byte = weir__percent_byte(path, i);
        *wrong = byte < 0 ? "the path holds a '%' without two hex digits" : "the path holds %00";
        if (byte <= 0)
            return 400;
        if (weir__http_char_is((char)byte, WEIR__HTTP_UNRESERVED))
            out[(*n)++] = (char)byte;
        else
            *n += weir__percent_escape((char)byte, out + *n);
        i += 2;
    }
    *in = i;
    return 0;
}

enum segment { PLAIN, HERE, UP };

static enum segment kind_of(const char *segment, size_t len)
{
    if (len == 1 && segment[0] == '.')
        return HERE;
    return len == 2 && segment[0] == '.' && segment[1] == '.' ? UP : PLAIN;
}

/* Whether the path may hold anything that has to be changed or refused: most don't. */
static bool is_plainly_normal(weir_bytes path)
{
    for (size_t i = 0; i < path.len; i++) {
        char c = path.data[i];
        if (c == '%' || c == '?' || c == '#' || !weir__http_char_is(c, WEIR__HTTP_VISIBLE))
            return false;
        if (c == '.' && path.data[i - 1] == '/') /* the first byte is '/' */
            return false;
    }
    return true;
}

int weir__http_path_normalize(weir_bytes path, char *out, size_t room, weir_bytes *normal,
                              struct weir__http_fault *fault)
{
    size_t n = 0, in = 0;

    if (path.len == 0 || path.data[0] != '/')
        return refuse(fault, 400, "the path does not start with '/'");
    if (is_plainly_normal(path)) {
        *normal = path;
        return 0;
    }
    if (room < path.len)
        return refuse(fault, 414, "the path is longer than allowed");
    while (in < path.len) { /* path.data[in] is the '/' before a segment */
        size_t slash = n;
        const char *wrong;
        int status;
        enum segment kind;

        out[n++] = '/';
        in++;
        status = copy_segment(path, &in, out, &n, &wrong);
        if (status != 0)
            return refuse(fault, status, wrong);
        kind = kind_of(out + slash + 1, n - slash - 1);
        if (kind == PLAIN)
            continue;
        n = slash;
        if (kind == UP && n == 0)
            return refuse(fault, 400, "the path leads above the root");
        while (kind == UP && out[--n] != '/')
            continue;
        if (in == path.len) /* "/a/." is "/a/" */
            out[n++] = '/';
    }
    *normal = (weir_bytes){out, n};
    return 0;
}

/* Whether a segment as it came is a dot segment, its dots escaped or not. */
static enum segment kind_of_raw(weir_bytes segment)
{
    char dots[3];
    size_t n = 0;

    for (size_t i = 0; i < segment.len; i++) {
        int c = segment.data[i] == '%' ? weir__percent_byte(segment, i) : segment.data[i];
        if (c != '.' || n == 2)
            return PLAIN;
        dots[n++] = '.';
        i += segment.data[i] == '%' ? 2 : 0;
    }
    return kind_of(dots, n);
}

size_t weir__http_path_resolve(weir_bytes path, char *out)
{
    bool changed = false;
    size_t n = 0;

    for (size_t in = 0; in < path.len;) { /* path.data[in] is the '/' before a segment */
        weir_bytes segment = from(path, in + 1);
        enum segment kind;

        segment.len = find_either(segment, '/', '/');
        in += 1 + segment.len;
        kind = kind_of_raw(segment);
        changed = changed || kind != PLAIN;
        while (kind == UP && n > 0 && out[--n] != '/')
            continue;
        if (kind == PLAIN || in == path.len) { /* "/a/." is "/a/" */
            out[n++] = '/';
            segment.len = kind == PLAIN ? segment.len : 0;
            memcpy(out + n, segment.data, segment.len);
            n += segment.len;
        }
    }
    return changed ? n : 0;
}

weir_bytes weir__http_path_segment(weir_bytes path, size_t index)
{
    weir_bytes found = {"", 0};
    size_t depth = 0; /* how many segments before this one remain */

    for (size_t in = 0; in < path.len;) {
        weir_bytes segment = from(path, in + 1);
        enum segment kind;

        segment.len = find_either(segment, '/', '/');
        in += 1 + segment.len;
        kind = kind_of_raw(segment);
        if (kind == UP && depth > 0)
            depth--;
        if (kind != PLAIN)
            continue;
        if (depth == index) /* a later segment at the same depth replaces it: then ".." left this one */
            found = segment;
        depth++;
    }
    return found;
}
