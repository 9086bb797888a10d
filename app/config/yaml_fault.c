/* SPDX-License-Identifier: MIT */
#include "config/yaml_fault.h"

#include <string.h>

static struct config_place place_of(yaml_mark_t mark)
{
    return (struct config_place){(unsigned)mark.line + 1, (unsigned)mark.column + 1};
}

/* --- common mistakes --- */

/* The failure of the parser, for the functions below. Each returns true after adding its fault. */
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

/* A tab before the first character of the line, or where the parser stopped. */
static bool of_tab(const struct trouble *t)
{
    yaml_mark_t mark = t->parser->problem_mark;
    size_t at = yaml_line_at(t->source, mark.line), length = yaml_line_length(t->source, at), n = 0;
    bool leads;

    while (n < length && t->source->bytes[at + n] == ' ')
        n++;
    leads = n < length && t->source->bytes[at + n] == '\t';
    if (!leads && yaml_char_at(t->source, mark) != '\t')
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
        char quote = yaml_char_at(t->source, t->parser->context_mark);
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
        yaml_char_at(t->source, q->begin), q->end.line + 1, yaml_char_at(t->source, q->begin));
    return true;
}

/* Reports whether the bracket at an offset is closed. Brackets in quotes or comments don't count. */
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
            at += yaml_line_length(s, at);
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
    char found = yaml_char_at(t->source, here);

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
    else if (yaml_char_at(t->source, begin) == open && !is_closed(t->source, yaml_byte_at(t->source, begin)))
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
    char found = yaml_char_at(t->source, mark);

    if (!says(t, "cannot start any token") && !says(t, "alphabetic or numeric"))
        return false;
    config_fault(t->faults, place_of(mark), "%c cannot begin a value, expected quotes around it", found);
    return true;
}

static bool of_colon(const struct trouble *t)
{
    yaml_mark_t mark = t->parser->problem_mark;
    size_t at, here, before, indented;

    if (says(t, "could not find expected ':'")) {
        config_fault(t->faults, place_of(t->parser->context_mark),
                     "no ': ' after a key of at most 1024 characters, expected KEY: VALUE");
        return true;
    }
    if (!says(t, "mapping values are not allowed"))
        return false;
    at = yaml_line_at(t->source, mark.line);
    here = yaml_byte_at(t->source, mark);
    before = yaml_line_before(t->source, mark.line);
    indented = yaml_indentation(t->source, mark.line);
    if (memmem(t->source->bytes + at, here - at, ": ", 2) != NULL) {
        config_fault(t->faults, place_of(mark),
                     "a second ': ' in the line, expected quotes around the value");
    } else if (before < mark.line && !yaml_line_has_key(t->source, before)) {
        mark.line = before;
        mark.column = yaml_indentation(t->source, before);
        config_fault(t->faults, place_of(mark), "no ': ' after the key, expected KEY: VALUE");
    } else {
        mark.column = indented;
        config_fault(t->faults, place_of(mark),
                     "indented by %zu, expected %zu as in line %zu, which has a value already", indented,
                     yaml_indentation(t->source, before), before + 1);
    }
    return true;
}

static bool of_indentation(const struct trouble *t)
{
    yaml_mark_t mark = t->parser->problem_mark, around = t->parser->context_mark;
    bool list = says(t, "'-' indicator");

    if (says(t, "document start")) {
        around.line = yaml_line_before(t->source, mark.line);
        around.column = yaml_indentation(t->source, around.line);
        if (t->source->length > 0 && t->source->bytes[yaml_line_at(t->source, around.line)] == '%') {
            config_fault(t->faults, place_of(mark),
                         "a directive (%%) stands before, expected --- after it, or none");
            return true;
        }
    } else if (!list && !says(t, "did not find expected key")) {
        return false;
    }
    if (mark.column == around.column && !list && yaml_char_at(t->source, mark) == '-')
        config_fault(t->faults, place_of(mark),
                     "a list's '-' among the keys of line %zu, expected KEY: VALUE", around.line + 1);
    else if (mark.column == yaml_indentation(t->source, mark.line) && mark.column != around.column)
        config_fault(t->faults, place_of(mark), "indented by %zu, expected %zu as in line %zu%s", mark.column,
                     around.column, around.line + 1, list ? ", where the list begins" : "");
    else if (list)
        config_fault(t->faults, place_of(mark),
                     "no '-' here, expected one as in line %zu, or a line that is indented less",
                     around.line + 1);
    else
        config_fault(t->faults, place_of(mark),
                     "something after a value, expected a new line with KEY: VALUE; text with quotes inside "
                     "needs quotes around all of it");
    return true;
}

static void of_bytes(const struct trouble *t)
{
    struct config_place place = yaml_place_of_offset(t->source, t->parser->problem_offset);

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
        .problem = parser->problem != NULL ? parser->problem : "the text is not YAML",
        .context = parser->context != NULL ? parser->context : "",
    };

    if (parser->error == YAML_READER_ERROR)
        of_bytes(&t);
    else if (!of_tab(&t) && !of_quote(&t) && !of_character(&t) && !of_colon(&t) && !of_bracket(&t) &&
             !of_indentation(&t))
        config_fault(faults, place_of(parser->problem_mark), "not YAML: %s%s%s", t.context,
                     *t.context ? ", " : "", t.problem);
}
