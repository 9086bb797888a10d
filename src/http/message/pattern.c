/* SPDX-License-Identifier: MIT */
#include "http/message/pattern.h"

#include <string.h>

#include "http/message/chars.h"
#include "http/message/target.h"

/* --- compiling --- */

struct compiler {
    struct weir__http_pattern *out;
    weir_bytes text;
    size_t at;  /* of the segment being read */
    size_t len; /* of out->text so far */
    struct weir__http_pattern_fault *fault;
};

static int refuse(struct compiler *c, size_t at, const char *message)
{
    *c->fault = (struct weir__http_pattern_fault){at, message};
    return -WEIR_ECONFIG;
}

static int append(struct compiler *c, const char *data, size_t len)
{
    if (c->len + len > WEIR__HTTP_PATTERN_BYTES_MAX)
        return refuse(c, c->at, "a path of more than 255 bytes, expected a shorter one");
    memcpy(c->out->text + c->len, data, len);
    c->len += len;
    return 0;
}

/* Literal bytes are joined to the part before them if that is literal, too. */
static int add_literal(struct compiler *c, const char *data, size_t len)
{
    struct weir__http_pattern *p = c->out;
    size_t at = c->len;
    int err = append(c, data, len);

    if (err < 0)
        return err;
    if (p->part_count == 0 || p->part[p->part_count - 1].param) {
        p->part[p->part_count].at = (uint8_t)at;
        p->part[p->part_count].len = 0;
        p->part[p->part_count++].param = false;
    }
    p->part[p->part_count - 1].len = (uint8_t)(p->part[p->part_count - 1].len + len);
    return 0;
}

static bool is_name(weir_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return text.len > 0;
}

static bool is_taken(const struct weir__http_pattern *p, weir_bytes name)
{
    for (size_t i = 0; i < p->part_count; i++)
        if (p->part[i].param && weir_bytes_equal((weir_bytes){p->text + p->part[i].at, p->part[i].len}, name))
            return true;
    return false;
}

static int add_param(struct compiler *c, weir_bytes segment, size_t index)
{
    struct weir__http_pattern *p = c->out;
    weir_bytes name = {segment.data + 1, segment.len - 2};
    int err;

    if (!is_name(name))
        return refuse(c, c->at, "expected a name of letters, digits and _ between { and }");
    if (is_taken(p, name))
        return refuse(c, c->at, "this name stands twice in the path, expected different ones");
    if (p->param_count == WEIR__HTTP_PARAMS_MAX)
        return refuse(c, c->at, "more than 8 parameters, expected fewer");
    err = add_literal(c, "/", 1);
    if (err < 0)
        return err;
    p->part[p->part_count].at = (uint8_t)c->len;
    p->part[p->part_count].len = (uint8_t)name.len;
    p->part[p->part_count].param = true;
    p->part[p->part_count].segment = (uint8_t)index;
    err = append(c, name.data, name.len);
    if (err < 0)
        return err;
    p->part_count++;
    p->param_count++;
    return 0;
}

static int add_plain(struct compiler *c, weir_bytes segment)
{
    char slashed[WEIR__HTTP_PATTERN_BYTES_MAX + 1], normal_room[WEIR__HTTP_PATTERN_BYTES_MAX + 1];
    struct weir__http_fault why = {0};
    weir_bytes normal;

    if (memchr(segment.data, '{', segment.len) != NULL || memchr(segment.data, '}', segment.len) != NULL)
        return refuse(c, c->at, "{ or } inside a segment, expected {name} for a whole one");
    if (memchr(segment.data, '*', segment.len) != NULL)
        return refuse(c, c->at, "a star that is not alone at the end, expected /* there");
    if (segment.len + 1 > sizeof slashed)
        return refuse(c, c->at, "a path of more than 255 bytes, expected a shorter one");
    slashed[0] = '/';
    memcpy(slashed + 1, segment.data, segment.len);
    if (weir__http_path_normalize((weir_bytes){slashed, segment.len + 1}, normal_room, sizeof normal_room,
                                  &normal, &why) < 0)
        return refuse(c, c->at, why.message);
    if (segment.len > 0 && normal.len <= 1)
        return refuse(c, c->at, "a segment . or .. never matches, because paths are resolved first");
    return add_literal(c, normal.data, normal.len);
}

int weir__http_pattern_compile(weir_bytes text, struct weir__http_pattern *out,
                               struct weir__http_pattern_fault *fault)
{
    struct compiler c = {.out = out, .text = text, .fault = fault};

    memset(out, 0, sizeof *out);
    if (text.len == 0 || text.data[0] != '/')
        return refuse(&c, 0, "expected a path that begins with /");
    for (size_t index = 0; c.at < text.len; index++) {
        weir_bytes segment = {text.data + c.at + 1, 0};
        size_t room = text.len - c.at - 1;
        const char *slash = memchr(segment.data, '/', room);
        int err;
        segment.len = slash != NULL ? (size_t)(slash - segment.data) : room;
        if (slash == NULL && segment.len == 1 && segment.data[0] == '*') {
            out->star = true;
            err = 0;
        } else if (segment.len >= 2 && segment.data[0] == '{' && segment.data[segment.len - 1] == '}') {
            err = add_param(&c, segment, index);
        } else {
            err = add_plain(&c, segment);
        }
        if (err < 0)
            return err;
        c.at += 1 + segment.len;
    }
    return 0;
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

static bool is_dots(const char *part, size_t len)
{
    return (len == 1 && part[0] == '.') || (len == 2 && part[0] == '.' && part[1] == '.');
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
        if (len > 0 && inside && is_dots(normal.data + start, at - start))
            return true;
        at += len > 0 ? len : 1;
        if (len > 0) {
            start = at;
            inside = !parameters;
        }
    }
    return inside && is_dots(normal.data + start, at - start);
}

const struct weir__http_param *weir__http_params_find(const struct weir__http_params *params, weir_bytes name)
{
    for (size_t i = 0; i < params->count; i++)
        if (weir_bytes_equal(params->item[i].name, name))
            return &params->item[i];
    return NULL;
}
