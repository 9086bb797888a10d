/* SPDX-License-Identifier: MIT */
/* What requests and responses have in common: the fields of a complete head, and faults.
 *
 * Threading: pure functions over the caller's memory.
 */
#ifndef WEIR__HTTP_MESSAGE_FIELDS_H
#define WEIR__HTTP_MESSAGE_FIELDS_H

#include <assert.h>
#include <string.h>

#include <llhttp.h>

#include "http/message/chars.h"
#include "http/message/head.h"

/* A complete head, from its first line to the empty one, on its way through the checks. */
struct weir__http_reading {
    llhttp_t parser; /* first: the callbacks get its address */
    const char *start, *end;
    const char *fields_start; /* just after the first line */
    struct weir__http_field *fields;
    size_t field_max, field_count;
    bool too_many;
    struct weir__http_facts facts;
};

/* llhttp refused the first line although it looked good: an unknown method, an odd URL. */
enum { WEIR__HTTP_NOT_THE_FIELDS = -1 };

/* Reads the fields of a head whose first line looks good; start, end, fields_start, fields and field_max are
 * set.
 * Returns: 0; the status to answer, with *wrong saying why (static text); WEIR__HTTP_NOT_THE_FIELDS. */
int weir__http_read_fields(struct weir__http_reading *r, llhttp_type_t type, int minor, const char **wrong);

/* Fills a fault. Returns: the code of its status. */
int weir__http_refuse(struct weir__http_fault *fault, int status, const char *message);

/* --- lines --- */

/* Where the line that starts at `line` ends. In a scanned head each CR has its LF. */
static inline const char *weir__http_line_end(const char *line, const char *end)
{
    const char *stop = memchr(line, '\r', (size_t)(end - line));

    assert(stop != NULL);
    return stop;
}

/* Whether "HTTP/" and two digits stand there. */
static inline bool weir__http_is_version(const char *p)
{
    return memcmp(p, "HTTP/", 5) == 0 && weir__http_char_is(p[5], WEIR__HTTP_DIGIT) && p[6] == '.' &&
           weir__http_char_is(p[7], WEIR__HTTP_DIGIT);
}

/* --- what the fields say --- */

static inline bool weir__http_keeps_alive(const struct weir__http_facts *facts, int minor)
{
    return !facts->close && (minor == 1 || facts->keep_alive);
}

static inline enum weir__http_framing weir__http_framing_of(const struct weir__http_facts *facts,
                                                            enum weir__http_framing otherwise)
{
    if (facts->coded)
        return WEIR__HTTP_CHUNKED;
    return facts->content_length >= 0 ? WEIR__HTTP_LENGTH : otherwise;
}

#endif
