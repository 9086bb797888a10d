/* SPDX-License-Identifier: MIT */
#include "config/yaml_source.h"

#include <string.h>

/* --- bytes --- */

static bool starts(const struct yaml_source *s, size_t at, const char *with, size_t length)
{
    return s->length - at >= length && memcmp(s->bytes + at, with, length) == 0;
}

struct config_place yaml_place_of_offset(const struct yaml_source *s, size_t offset)
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

/* Names an encoding that is not UTF-8, or NULL. Without a mark it is recognized by its zeros: text that is
 * mostly ASCII has them in every other byte, or in three of four. */
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
        config_fault(faults, yaml_place_of_offset(s, (size_t)(again - s->bytes)),
                     "a byte order mark (U+FEFF) inside the file, expected none");
        return false;
    }
    for (size_t i = 0; i < sizeof breaks / sizeof *breaks; i++) {
        const char *at = memmem(s->bytes, s->length, breaks[i], strlen(breaks[i]));
        if (at != NULL) {
            config_fault(
                faults, yaml_place_of_offset(s, (size_t)(at - s->bytes)),
                "a line break that few programs show (U+0085, U+2028 or U+2029), expected a newline");
            return false;
        }
    }
    return true;
}

/* --- lines --- */

size_t yaml_line_at(const struct yaml_source *s, size_t line)
{
    size_t at = 0;

    while (line > 0 && at < s->length) {
        bool both = starts(s, at, "\r\n", 2);
        line -= s->bytes[at] == '\n' || s->bytes[at] == '\r';
        at += both ? 2 : 1;
    }
    return at;
}

size_t yaml_line_length(const struct yaml_source *s, size_t at)
{
    size_t n = 0;

    while (at + n < s->length && s->bytes[at + n] != '\n' && s->bytes[at + n] != '\r')
        n++;
    return n;
}

size_t yaml_byte_at(const struct yaml_source *s, yaml_mark_t mark)
{
    size_t at = yaml_line_at(s, mark.line);

    for (size_t column = mark.column; column > 0 && at < s->length; column--) {
        at++;
        while (at < s->length && ((unsigned char)s->bytes[at] & 0xc0) == 0x80)
            at++;
    }
    return at;
}

char yaml_char_at(const struct yaml_source *s, yaml_mark_t mark)
{
    size_t at = yaml_byte_at(s, mark);

    return at < s->length ? s->bytes[at] : '\0';
}

size_t yaml_indentation(const struct yaml_source *s, size_t line)
{
    size_t at = yaml_line_at(s, line), n = 0;

    while (at + n < s->length && s->bytes[at + n] == ' ')
        n++;
    return n;
}

bool yaml_line_has_key(const struct yaml_source *s, size_t line)
{
    size_t at = yaml_line_at(s, line), length = yaml_line_length(s, at);

    return memmem(s->bytes + at, length, ": ", 2) != NULL || (length > 0 && s->bytes[at + length - 1] == ':');
}

static bool is_blank(const struct yaml_source *s, size_t line)
{
    size_t at = yaml_line_at(s, line), length = yaml_line_length(s, at), n = 0;

    while (n < length && (s->bytes[at + n] == ' ' || s->bytes[at + n] == '\t'))
        n++;
    return n == length || s->bytes[at + n] == '#';
}

size_t yaml_line_before(const struct yaml_source *s, size_t line)
{
    size_t before = line;

    while (before > 0)
        if (!is_blank(s, --before))
            return before;
    return line;
}
