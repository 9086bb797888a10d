/* SPDX-License-Identifier: MIT */
#include "config/path.h"

#include <string.h>

#include <weir/http_server.h>

enum { PATTERN_BYTES_MAX = 255 }; /* the server's limit */
_Static_assert(WEIR_PARAMS_MAX == 8, "a fault names this number");

/* A segment without its slash. */
struct segment {
    const char *text;
    size_t length;
};

static bool next_segment(const char **rest, struct segment *out)
{
    if (**rest != '/')
        return false;
    out->text = *rest + 1;
    out->length = strcspn(out->text, "/");
    *rest = out->text + out->length;
    return true;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool param_name_is_valid(const char *name, size_t length)
{
    if (length == 0 || !(is_letter(name[0]) || name[0] == '_'))
        return false;
    for (size_t i = 1; i < length; i++)
        if (!is_letter(name[i]) && !is_digit(name[i]) && name[i] != '_')
            return false;
    return true;
}

static bool is_param(struct segment s)
{
    return s.length > 2 && s.text[0] == '{' && s.text[s.length - 1] == '}';
}

static bool is_rest(const char *rest)
{
    return strcmp(rest, "/*") == 0;
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_unreserved(int c)
{
    return is_letter((char)c) || is_digit((char)c) || (c && strchr("-._~", c) != NULL);
}

/* Checks an escape. Paths are matched with unreserved characters decoded, so a pattern with one encoded would
 * match nothing. */
static const char *encoding_fault(const char *percent)
{
    int high = hex_value(percent[1]);
    int low = high < 0 ? -1 : hex_value(percent[2]);

    if (low < 0)
        return "two hexadecimal digits behind '%'";
    if (high == 0 && low == 0)
        return "no '%00'";
    if (is_unreserved(high * 16 + low))
        return "letters, digits and -._~ as they are, not as '%XX'";
    return NULL;
}

static const char *literal_fault(struct segment s)
{
    if ((s.length == 1 && s.text[0] == '.') || (s.length == 2 && memcmp(s.text, "..", 2) == 0))
        return "no segment '.' or '..'";
    for (size_t i = 0; i < s.length; i++) {
        char c = s.text[i];
        const char *fault;
        if (c == '{' || c == '}')
            return "a parameter that fills its segment, /{name}/";
        if (c == '*')
            return "a '*' only as the last segment";
        if (c == '?' || c == '#')
            return "a path without '?' and '#'";
        fault = c == '%' ? encoding_fault(s.text + i) : NULL;
        if (fault != NULL)
            return fault;
        if (c != '%' && !is_unreserved((unsigned char)c) && strchr("!$&'()+,;=:@", c) == NULL)
            return "other characters written as '%XX'";
    }
    return NULL;
}

static const char *param_fault(const char *pattern, struct segment s)
{
    const char *name = s.text + 1;
    size_t length = s.length - 2;
    const char *rest;

    if (!param_name_is_valid(name, length))
        return "parameter names of letters, digits and '_', starting with a letter or '_'";
    rest = pattern;
    for (struct segment other; next_segment(&rest, &other) && other.text < s.text;)
        if (other.length == s.length && memcmp(other.text, s.text, s.length) == 0)
            return "each parameter name once";
    return NULL;
}

const char *path_fault(const char *pattern)
{
    int params;
    const char *rest;

    if (pattern[0] != '/')
        return "a path that begins with '/'";
    if (strlen(pattern) > PATTERN_BYTES_MAX)
        return "at most 255 characters";
    params = 0;
    rest = pattern;
    for (struct segment s; !is_rest(rest) && next_segment(&rest, &s);) {
        const char *fault;

        if (is_param(s) && ++params > WEIR_PARAMS_MAX)
            return "at most 8 parameters";
        if (s.length == 0 && *rest)
            return "no empty segment, '//'";
        fault = is_param(s) ? param_fault(pattern, s) : literal_fault(s);
        if (fault != NULL)
            return fault;
    }
    return NULL;
}

bool path_has_param(const char *pattern, const char *name, size_t length)
{
    const char *rest = pattern;

    for (struct segment s; next_segment(&rest, &s);)
        if (is_param(s) && s.length == length + 2 && memcmp(s.text + 1, name, length) == 0)
            return true;
    return false;
}

/* A parameter matches any segment that is not empty. */
static bool segment_covers(struct segment earlier, struct segment later)
{
    if (is_param(earlier))
        return later.length > 0;
    return earlier.length == later.length && memcmp(earlier.text, later.text, later.length) == 0;
}

bool path_covers(const char *earlier, const char *later)
{
    for (;;) {
        struct segment e, l;
        bool more;

        if (is_rest(earlier))
            return true;
        if (is_rest(later))
            return false;
        more = next_segment(&earlier, &e);
        if (more != next_segment(&later, &l))
            return false;
        if (!more)
            return true;
        if (!segment_covers(e, l))
            return false;
    }
}
