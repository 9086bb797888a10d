/* SPDX-License-Identifier: MIT */
#include "http/message/pattern.h"

#include <string.h>

#include "base/text_fault.h"
#include "http/message/chars.h"
#include "http/message/percent.h"
#include "http/message/segment.h"
#include "http/message/target.h"

/* --- compiling --- */

struct compiler {
    struct weir__http_pattern *out;
    weir_bytes text;
    size_t len; /* of out->text so far */
    weir_text_fault *fault;
};

static int refuse(const struct compiler *c, const char *at, const char *expected)
{
    return weir__text_fault(c->fault, (size_t)(at - c->text.data), expected);
}

/* Literal bytes are joined to the part before them if that is literal, too. */
static void add_literal(struct compiler *c, const char *data, size_t len)
{
    struct weir__http_pattern *p = c->out;

    if (p->part_count == 0 || p->part[p->part_count - 1].param) {
        p->part[p->part_count].at = (uint8_t)c->len;
        p->part[p->part_count].len = 0;
        p->part[p->part_count++].param = false;
    }
    p->part[p->part_count - 1].len = (uint8_t)(p->part[p->part_count - 1].len + len);
    memcpy(c->out->text + c->len, data, len);
    c->len += len;
}

static int add_param(struct compiler *c, weir_bytes segment, size_t index)
{
    struct weir__http_pattern *p = c->out;
    weir_bytes name = weir__http_segment_name(segment);

    if (!weir_pattern_name_is_valid(name))
        return refuse(c, name.data,
                      "parameter names of letters, digits and '_', starting with a letter or '_'");
    for (size_t i = 0; i < p->part_count; i++)
        if (p->part[i].param && weir_bytes_equal((weir_bytes){p->text + p->part[i].at, p->part[i].len}, name))
            return refuse(c, name.data, "each parameter name once");
    if (p->param_count == WEIR_PARAMS_MAX)
        return refuse(c, segment.data, "at most 8 parameters");
    add_literal(c, "/", 1);
    p->part[p->part_count].at = (uint8_t)c->len;
    p->part[p->part_count].len = (uint8_t)name.len;
    p->part[p->part_count].param = true;
    p->part[p->part_count++].segment = (uint8_t)index;
    p->param_count++;
    memcpy(p->text + c->len, name.data, name.len);
    c->len += name.len;
    return 0;
}

/* Says what was expected in place of an escape; NULL: it is valid. Paths are matched with unreserved
 * characters decoded, so a pattern with one encoded would match nothing. */
static const char *wrong_escape(int byte)
{
    if (byte < 0)
        return "two hexadecimal digits after '%'";
    if (byte == 0)
        return "no '%00'";
    return weir__http_char_is((char)byte, WEIR__HTTP_UNRESERVED)
               ? "letters, digits and -._~ as they are, not as '%XX'"
               : NULL;
}

static const char *wrong_literal(char c)
{
    if (c == '{' || c == '}')
        return "a parameter that fills its segment, /{name}/";
    if (c == '*')
        return "a '*' only as the last segment";
    if (c == '?' || c == '#')
        return "a path without '?' and '#'";
    return weir__http_char_is(c, WEIR__HTTP_TARGET) ? NULL : "other characters written as '%XX'";
}

static int add_plain(struct compiler *c, weir_bytes segment)
{
    if (weir__http_is_dots(segment))
        return refuse(c, segment.data, "no segment '.' or '..'");
    add_literal(c, "/", 1);
    for (size_t i = 0; i < segment.len;) {
        bool escaped = segment.data[i] == '%';
        int byte = escaped ? weir__percent_byte(segment, i) : segment.data[i];
        const char *expected = escaped ? wrong_escape(byte) : wrong_literal(segment.data[i]);
        char escape[3];
        if (expected != NULL)
            return refuse(c, segment.data + i, expected);
        if (escaped)
            add_literal(c, escape, weir__percent_escape((char)byte, escape));
        else
            add_literal(c, segment.data + i, 1);
        i += escaped ? 3 : 1;
    }
    return 0;
}

int weir__http_pattern_compile(weir_bytes text, struct weir__http_pattern *out, weir_text_fault *fault)
{
    struct compiler c = {.out = out, .text = text, .fault = fault};
    weir_bytes rest = text, segment;

    memset(out, 0, sizeof *out);
    if (text.len == 0 || text.data[0] != '/')
        return refuse(&c, text.data, "a path that begins with '/'");
    if (text.len > WEIR_PATTERN_BYTES_MAX)
        return refuse(&c, text.data + WEIR_PATTERN_BYTES_MAX, "at most 255 characters");
    for (size_t index = 0; weir__http_segment_next(&rest, &segment); index++) {
        int err = 0;
        if (rest.len == 0 && segment.len == 1 && segment.data[0] == '*')
            out->star = true;
        else if (segment.len == 0 && rest.len > 0)
            err = refuse(&c, segment.data, "no empty segment, '//'");
        else
            err = weir__http_segment_name(segment).len > 0 ? add_param(&c, segment, index)
                                                           : add_plain(&c, segment);
        if (err < 0)
            return err;
    }
    return 0;
}

int weir_pattern_check(weir_bytes pattern, weir_text_fault *fault)
{
    struct weir__http_pattern compiled;

    return weir__http_pattern_compile(pattern, &compiled, fault);
}

/* --- matching --- */

static bool match_end(const struct weir__http_pattern *p, weir_bytes rest, struct weir__http_params *params)
{
    if (!p->star)
        return rest.len == 0;
    if (rest.len > 0 && rest.data[0] != '/')
        return false;
    if (params != NULL)
        params->rest = rest.len > 0 ? (weir_bytes){rest.data + 1, rest.len - 1} : rest;
    return true;
}

bool weir__http_pattern_match(const struct weir__http_pattern *pattern, weir_bytes normal, weir_bytes path,
                              struct weir__http_params *params)
{
    weir_bytes rest = normal;

    if (normal.len == 0)
        return false; /* the target * is not a path */
    if (params != NULL)
        params->count = 0;
    for (size_t i = 0; i < pattern->part_count; i++) {
        size_t len = pattern->part[i].len;
        const char *slash;
        if (!pattern->part[i].param) {
            if (rest.len < len || memcmp(rest.data, pattern->text + pattern->part[i].at, len) != 0)
                return false;
        } else {
            slash = memchr(rest.data, '/', rest.len);
            len = slash != NULL ? (size_t)(slash - rest.data) : rest.len;
            if (len == 0)
                return false;
            if (params != NULL)
                params->item[params->count++] = (struct weir__http_param){
                    .name = {pattern->text + pattern->part[i].at, pattern->part[i].len},
                    .value = normal.data == path.data
                                 ? (weir_bytes){rest.data, len}
                                 : weir__http_path_segment(path, pattern->part[i].segment),
                };
        }
        rest.data += len;
        rest.len -= len;
    }
    return match_end(pattern, rest, params);
}

/* The length of a separator, or of what begins a servlet's parameters, at text[at] of a normal path, whose
 * escapes have upper-case digits. 0: neither is there. */
static size_t mark_at(weir_bytes text, size_t at, bool *parameters)
{
    static const char *const escapes[] = {"%2F", "%5C", "%3B"};
    char c = text.data[at];

    *parameters = c == ';';
    if (c == '/' || c == ';' || c == '\\')
        return 1;
    for (size_t i = 0; c == '%' && i < 3; i++)
        if (text.len - at >= 3 && memcmp(text.data + at, escapes[i], 3) == 0) {
            *parameters = i == 2;
            return 3;
        }
    return 0;
}

static bool has(weir_bytes text, char c)
{
    return memchr(text.data, c, text.len) != NULL;
}

bool weir__http_path_has_dots(weir_bytes normal)
{
    size_t start = 0, at = 0;
    bool inside = true; /* of the part, without parameters behind it */

    if (!has(normal, '%') && !has(normal, ';') && !has(normal, '\\'))
        return false; /* a normal path has no dot segments */
    while (at < normal.len) {
        bool parameters;
        size_t len = mark_at(normal, at, &parameters);
        if (len > 0 && inside && weir__http_is_dots((weir_bytes){normal.data + start, at - start}))
            return true;
        at += len > 0 ? len : 1;
        if (len > 0) {
            start = at;
            inside = !parameters;
        }
    }
    return inside && weir__http_is_dots((weir_bytes){normal.data + start, at - start});
}

const struct weir__http_param *weir__http_params_find(const struct weir__http_params *params, weir_bytes name)
{
    for (size_t i = 0; i < params->count; i++)
        if (weir_bytes_equal(params->item[i].name, name))
            return &params->item[i];
    return NULL;
}
