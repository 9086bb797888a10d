/* SPDX-License-Identifier: MIT */
#include "config/yaml_fault.h"

#include <string.h>

static struct config_place place_of(yaml_mark_t mark)
{
    return (struct config_place){(unsigned)mark.line + 1, (unsigned)mark.column + 1};
}

/* --- the bytes --- */

static bool starts(const struct yaml_source *s, size_t at, const char *with, size_t length)
{
    return s->length - at >= length && memcmp(s->bytes + at, with, length) == 0;
}

static struct config_place place_of_offset(const struct yaml_source *s, size_t offset)
{
    struct config_place place = {1, 1};

    for (size_t i = 0; i < offset && i < s->length; i++) {
        if (s->bytes[i] == '\n') {
            place.line++;
            place.column = 1;
        } else if (((unsigned char)s->bytes[i] & 0xc0) != 0x80) {
            place.column++;
        }
    }
    return place;
}

/* Text that is mostly ASCII has a zero in every other byte, or in three of four. */
static const char *encoding_of(const struct yaml_source *s)
{
    bool zero[4];

    if (starts(s, 0, "\xff\xfe\0\0", 4) || starts(s, 0, "\0\0\xfe\xff", 4))
        return "UTF-32";
    if (starts(s, 0, "\xff\xfe", 2) || starts(s, 0, "\xfe\xff", 2))
        return "UTF-16";
    if (s->length < 4)
        return NULL;
    for (size_t i = 0; i < 4; i++)
        zero[i] = s->bytes[i] == '\0';
    if (zero[0] + zero[1] + zero[2] + zero[3] == 3)
        return "UTF-32";
    return zero[0] == zero[2] && zero[1] == zero[3] && zero[0] != zero[1] ? "UTF-16" : NULL;
}

bool yaml_source_open(struct yaml_source *s, struct config_faults *faults)
{
    static const char *const breaks[] = {"\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9"};
    static const char mark[] = "\xef\xbb\xbf";
    const char *encoding = encoding_of(s);
    const char *again;

    if (encoding != NULL) {
        config_fault(faults, (struct config_place){1, 1}, "the file is %s, expected UTF-8", encoding);
        return false;
    }
    if (starts(s, 0, mark, 3)) {
        s->bytes += 3;
        s->length -= 3;
    }
    again = memmem(s->bytes, s->length, mark, 3);
    if (again != NULL) {
        config_fault(faults, place_of_offset(s, (size_t)(again - s->bytes)),
                     "a byte order mark (U+FEFF) inside the file, expected none");
        return false;
    }
    for (size_t i = 0; i < sizeof breaks / sizeof *breaks; i++) {
        const char *at = memmem(s->bytes, s->length, breaks[i], strlen(breaks[i]));
        if (at != NULL) {
            config_fault(
                faults, place_of_offset(s, (size_t)(at - s->bytes)),
                "a line break that few programs show (U+0085, U+2028 or U+2029), expected a newline");
            return false;
        }
    }
    return true;
}

/* --- lines --- */

/* Where a line begins; the end of the text when there are not so many. */
static size_t line_at(const struct yaml_source *s, size_t line)
{
    size_t at = 0;

    while (line > 0 && at < s->length) {
        bool both = starts(s, at, "\r\n", 2);
        line -= s->bytes[at] == '\n' || s->bytes[at] == '\r';
        at += both ? 2 : 1;
    }
    return at;
}

static size_t length_of_line(const struct yaml_source *s, size_t at)
{
    size_t n = 0;

    while (at + n < s->length && s->bytes[at + n] != '\n' && s->bytes[at + n] != '\r')
        n++;
    return n;
}

/* The byte of a mark: libyaml counts characters. */
static size_t byte_at(const struct yaml_source *s, yaml_mark_t mark)
{
    size_t at = line_at(s, mark.line);

    for (size_t column = mark.column; column > 0 && at < s->length; column--) {
        at++;
        while (at < s->length && ((unsigned char)s->bytes[at] & 0xc0) == 0x80)
            at++;
    }
    return at;
}

static char char_at(const struct yaml_source *s, yaml_mark_t mark)
{
    size_t at = byte_at(s, mark);

    return at < s->length ? s->bytes[at] : '\0';
}

static size_t indentation(const struct yaml_source *s, size_t line)
{
    size_t at = line_at(s, line), n = 0;

    while (at + n < s->length && s->bytes[at + n] == ' ')
        n++;
    return n;
}

/* Whether a line has a key: "KEY:" at its end, or "KEY: ". */
static bool has_key(const struct yaml_source *s, size_t line)
{
    size_t at = line_at(s, line), length = length_of_line(s, at);

    return memmem(s->bytes + at, length, ": ", 2) != NULL || (length > 0 && s->bytes[at + length - 1] == ':');
}

static bool is_blank(const struct yaml_source *s, size_t line)
{
    size_t at = line_at(s, line), length = length_of_line(s, at), n = 0;

    while (n < length && (s->bytes[at + n] == ' ' || s->bytes[at + n] == '\t'))
        n++;
    return n == length || s->bytes[at + n] == '#';
}

/* --- the mistakes that are made --- */

/* Each is true after adding its fault. */
struct trouble {
    const struct yaml_source *source;
    const yaml_parser_t *parser;
    const struct yaml_quoted *quoted;
    struct config_faults *faults;
    const char *problem, *context; /* libyaml's; "" for none */
};

static bool says(const struct trouble *t, const char *words)
{
    return strstr(t->problem, words) != NULL;
}

static bool is_in(const struct trouble *t, const char *words)
{
    return strstr(t->context, words) != NULL;
}

/* Before the first character of the line that is none of white space, or where it was noticed. */
static bool of_tab(const struct trouble *t)
{
    bool leads;

    yaml_mark_t mark = t->parser->problem_mark;
    size_t at = line_at(t->source, mark.line), length = length_of_line(t->source, at), n = 0;
    while (n < length && t->source->bytes[at + n] == ' ')
        n++;
    leads = n < length && t->source->bytes[at + n] == '\t';
    if (!leads && char_at(t->source, mark) != '\t')
        return false;
    if (leads)
        mark.column = n;
    config_fault(t->faults, place_of(mark), "a tab: indent with spaces");
    return true;
}

static bool of_quote(const struct trouble *t)
{
    const struct yaml_quoted *q = t->quoted;

    if (is_in(t, "quoted scalar") && (says(t, "end of stream") || says(t, "document indicator"))) {
        char quote = char_at(t->source, t->parser->context_mark);
        config_fault(t->faults, place_of(t->parser->context_mark),
                     "the quote %c that begins here is never closed, expected another %c", quote, quote);
        return true;
    }
    if (says(t, "unknown escape")) {
        config_fault(
            t->faults, place_of(t->parser->problem_mark),
            "an escape that is unknown, expected \\\\ for a backslash, or single quotes around the text");
        return true;
    }
    if (!q->known || q->end.line != t->parser->problem_mark.line)
        return false;
    config_fault(
        t->faults, place_of(q->begin),
        "the quote %c that begins here is not closed before line %zu, expected another %c in its own line",
        char_at(t->source, q->begin), q->end.line + 1, char_at(t->source, q->begin));
    return true;
}

/* Whether a bracket has its partner: not one in quotes or in a comment. */
static bool is_closed(const struct yaml_source *s, size_t at)
{
    size_t depth = 0;
    char quote = '\0';

    for (; at < s->length; at++) {
        char c = s->bytes[at], before = at > 0 ? s->bytes[at - 1] : ' ';
        if (quote == '"' && c == '\\') {
            at++;
        } else if (quote) {
            quote = c == quote ? '\0' : quote;
        } else if ((c == '"' || c == '\'') && strchr(" ,:[{\n\t", before) != NULL) {
            quote = c;
        } else if (c == '#' && strchr(" \n\t", before) != NULL) {
            at += length_of_line(s, at);
        } else if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && --depth == 0) {
            return true;
        }
    }
    return false;
}

static bool of_bracket(const struct trouble *t)
{
    yaml_mark_t begin = t->parser->context_mark, here = t->parser->problem_mark;
    char open = is_in(t, "flow mapping") ? '{' : '[', close = open == '{' ? '}' : ']';
    char found = char_at(t->source, here);

    if (!is_in(t, "flow")) {
        if ((found != '}' && found != ']') || is_in(t, "scan"))
            return false;
        config_fault(t->faults, place_of(here), "a %c that closes nothing, expected none", found);
        return true;
    }
    if (is_in(t, "flow node"))
        config_fault(t->faults, place_of(here),
                     found ? "%c where a value should stand, expected a value"
                           : "the file ends, expected a value",
                     found);
    else if (char_at(t->source, begin) == open && !is_closed(t->source, byte_at(t->source, begin)))
        config_fault(t->faults, place_of(begin), "the %c that begins here is never closed, expected %c", open,
                     close);
    else if (found == '{')
        config_fault(t->faults, place_of(here),
                     "a { inside a value, expected ',' or %c; text with { or } needs quotes here", close);
    else
        config_fault(
            t->faults, place_of(here),
            "the %c of line %zu does not go on like this, expected ',' or %c; text with : or , needs "
            "quotes",
            open, begin.line + 1, close);
    return true;
}

static bool of_character(const struct trouble *t)
{
    yaml_mark_t mark =
        is_in(t, "anchor") || is_in(t, "alias") ? t->parser->context_mark : t->parser->problem_mark;
    char found = char_at(t->source, mark);
    if (!says(t, "cannot start any token") && !says(t, "alphabetic or numeric"))
        return false;
    config_fault(t->faults, place_of(mark), "%c can't begin a value, expected quotes around it", found);
    return true;
}

/* The line before that says something; where there is none, this one. */
static size_t line_before(const struct yaml_source *s, size_t line)
{
    size_t before = line;

    while (before > 0)
        if (!is_blank(s, --before))
            return before;
    return line;
}

static bool of_colon(const struct trouble *t)
{
    yaml_mark_t mark = t->parser->problem_mark;

    if (says(t, "could not find expected ':'")) {
        config_fault(t->faults, place_of(t->parser->context_mark),
                     "no ': ' behind a key of at most 1024 characters, expected KEY: VALUE");
        return true;
    }
    if (!says(t, "mapping values are not allowed"))
        return false;
    size_t at = line_at(t->source, mark.line), here = byte_at(t->source, mark);
    size_t before = line_before(t->source, mark.line), indented = indentation(t->source, mark.line);
    if (memmem(t->source->bytes + at, here - at, ": ", 2) != NULL) {
        config_fault(t->faults, place_of(mark),
                     "a second ': ' in the line, expected quotes around the value");
    } else if (before < mark.line && !has_key(t->source, before)) {
        mark.line = before;
        mark.column = indentation(t->source, before);
        config_fault(t->faults, place_of(mark), "no ': ' behind the key, expected KEY: VALUE");
    } else {
        mark.column = indented;
        config_fault(t->faults, place_of(mark),
                     "indented by %zu, expected %zu as in line %zu, which has a value already", indented,
                     indentation(t->source, before), before + 1);
    }
    return true;
}

static bool of_indentation(const struct trouble *t)
{
    yaml_mark_t mark = t->parser->problem_mark, around = t->parser->context_mark;
    bool list = says(t, "'-' indicator");

    if (says(t, "document start")) {
        around.line = line_before(t->source, mark.line);
        around.column = indentation(t->source, around.line);
        if (t->source->length > 0 && t->source->bytes[line_at(t->source, around.line)] == '%') {
            config_fault(t->faults, place_of(mark),
                         "a directive (%%) stands before, expected --- behind it, or none");
            return true;
        }
    } else if (!list && !says(t, "did not find expected key")) {
        return false;
    }
    if (mark.column == around.column && !list && char_at(t->source, mark) == '-')
        config_fault(t->faults, place_of(mark),
                     "a list's '-' among the keys of line %zu, expected KEY: VALUE", around.line + 1);
    else if (mark.column == indentation(t->source, mark.line) && mark.column != around.column)
        config_fault(t->faults, place_of(mark), "indented by %zu, expected %zu as in line %zu%s", mark.column,
                     around.column, around.line + 1, list ? ", where the list begins" : "");
    else if (list)
        config_fault(t->faults, place_of(mark),
                     "no '-' here, expected one as in line %zu, or a line that is indented less",
                     around.line + 1);
    else
        config_fault(t->faults, place_of(mark),
                     "something behind a value, expected a new line with KEY: VALUE; text with quotes inside "
                     "needs quotes around all of it");
    return true;
}

static void of_bytes(const struct trouble *t)
{
    struct config_place place = place_of_offset(t->source, t->parser->problem_offset);

    if (!says(t, "control character"))
        config_fault(t->faults, place, "not text: %s, expected UTF-8", t->problem);
    else if (t->parser->problem_value == 0)
        config_fault(t->faults, place, "a NUL byte, expected text");
    else
        config_fault(t->faults, place, "a control character (0x%02x), expected text",
                     (unsigned)t->parser->problem_value);
}

void yaml_fault(const struct yaml_source *source, const yaml_parser_t *parser,
                const struct yaml_quoted *quoted, struct config_faults *faults)
{
    const struct trouble t = {
        .source = source,
        .parser = parser,
        .quoted = quoted,
        .faults = faults,
        .problem = parser->problem != NULL ? parser->problem : "it can't be read",
        .context = parser->context != NULL ? parser->context : "",
    };

    if (parser->error == YAML_READER_ERROR)
        of_bytes(&t);
    else if (!of_tab(&t) && !of_quote(&t) && !of_character(&t) && !of_colon(&t) && !of_bracket(&t) &&
             !of_indentation(&t))
        config_fault(faults, place_of(parser->problem_mark), "not YAML: %s%s%s", t.context,
                     *t.context ? ", " : "", t.problem);
}
