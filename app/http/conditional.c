/* SPDX-License-Identifier: MIT */
#include "http/conditional.h"

#include <string.h>

#include <weir/http_text.h>

/* --- dates --- */

void http_date(time_t when, char out[HTTP_DATE_BYTES])
{
    struct tm parts;

    out[0] = '\0';
    if (gmtime_r(&when, &parts) != NULL)
        (void)strftime(out, HTTP_DATE_BYTES, "%a, %d %b %Y %H:%M:%S GMT", &parts); /* of the C locale */
}

static bool read_date(const char *value, const struct representation *what, int64_t *out)
{
    return value != NULL && weir_http_date_parse(weir_bytes_of(value), what->now, out) == 0;
}

/* --- tags --- */

static const char *without_weakness(const char *tag)
{
    return strncmp(tag, "W/", 2) == 0 ? tag + 2 : tag;
}

static bool is_star(const char *value)
{
    value += strspn(value, " \t,");
    return *value == '*' && value[1 + strspn(value + 1, " \t,")] == '\0';
}

/* Takes the next tag of a list, with its W/. Returns: false at the end, or where there is no tag. */
static bool next_tag(const char **at, weir_bytes *tag)
{
    const char *start = *at + strspn(*at, " \t,"), *opaque = without_weakness(start);
    const char *end = *opaque == '"' ? strchr(opaque + 1, '"') : NULL;

    if (end == NULL)
        return false;
    *tag = (weir_bytes){start, (size_t)(end + 1 - start)};
    *at = end + 1;
    return **at == '\0' || strchr(" \t,", **at) != NULL;
}

bool etag_is_named(const char *value, const char *etag, bool strongly)
{
    const weir_bytes wanted = weir_bytes_of(strongly ? etag : without_weakness(etag));
    weir_bytes tag;

    if (is_star(value))
        return true;
    if (strongly && *etag == 'W')
        return false;
    while (next_tag(&value, &tag)) {
        const size_t weakness = !strongly && *tag.data == 'W' ? 2 : 0;

        if (tag.len - weakness == wanted.len && memcmp(tag.data + weakness, wanted.data, wanted.len) == 0)
            return true;
    }
    return false;
}

/* --- the order --- */

static bool is_unchanged(const struct conditions *asked, const struct representation *what)
{
    int64_t since;

    if (asked->if_match != NULL)
        return etag_is_named(asked->if_match, what->etag, true);
    return !read_date(asked->if_unmodified_since, what, &since) || what->modified <= since;
}

static bool is_known(const struct conditions *asked, const struct representation *what)
{
    int64_t since;

    if (asked->if_none_match != NULL)
        return etag_is_named(asked->if_none_match, what->etag, false);
    return read_date(asked->if_modified_since, what, &since) && what->modified <= since;
}

/* Reports whether the part that is asked for belongs to the version that the client has. */
static bool is_same_version(const char *if_range, const struct representation *what)
{
    int64_t date;

    if (strchr(if_range, '"') != NULL)
        return strcmp(if_range, what->etag) == 0; /* a weak tag never equals ours */
    return !what->varies && read_date(if_range, what, &date) && date == what->modified &&
           what->now > what->modified;
}

int conditions_decide(const struct conditions *asked, const struct representation *what, bool is_get,
                      struct byte_ranges *ranges)
{
    ranges->count = 0;
    if (!is_unchanged(asked, what))
        return 412;
    if (is_known(asked, what))
        return 304;
    if (!is_get || asked->range == NULL ||
        (asked->if_range != NULL && !is_same_version(asked->if_range, what)))
        return 200;
    switch (ranges_read(asked->range, what->bytes, ranges)) {
    case RANGE_WANTED:
        return 206;
    case RANGE_UNSATISFIABLE:
        return 416;
    default:
        return 200;
    }
}

/* --- the request --- */

/* Most requests have none of these fields, and most fields are told by a letter. */
static bool may_be_condition(weir_bytes name)
{
    const char first = name.len >= 5 ? (char)(name.data[0] | 0x20) : '\0';

    return first == 'i' || first == 'r';
}

void conditions_of_request(weir_request *req, struct conditions *out)
{
    static const char *const names[] = {
        "if-match", "if-unmodified-since", "if-none-match", "if-modified-since", "range", "if-range"};
    const char **const values[] = {&out->if_match,      &out->if_unmodified_since,
                                   &out->if_none_match, &out->if_modified_since,
                                   &out->range,         &out->if_range};
    weir_bytes name, value;

    *out = (struct conditions){0};
    for (size_t i = 0; weir_request_header_at(req, i, &name, &value); i++)
        for (size_t k = 0; may_be_condition(name) && k < sizeof names / sizeof *names; k++)
            if (*values[k] == NULL && weir_bytes_equal_nocase(name, weir_bytes_of(names[k])))
                *values[k] = weir_request_header_joined(req, names[k]);
}
