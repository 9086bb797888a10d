/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <limits.h>
#include <string.h>

#include "http/message/fields.h"
#include "http/message/scan.h"

/* --- the first line --- */

static const char *skip_class(const char *p, const char *stop, int class)
{
    while (p < stop && weir__http_char_is(*p, class))
        p++;
    return p;
}

/* Reads "GET /path HTTP/1.1" from [line, stop). Returns 0, or a status and *wrong. */
static int read_request_line(const char *line, const char *stop, struct weir__http_request_head *out,
                             const char **wrong)
{
    const char *method_end = skip_class(line, stop, WEIR__HTTP_TCHAR);
    const char *target = method_end + 1;
    const char *target_end;

    if (method_end == line || method_end == stop || *method_end != ' ') {
        *wrong = "the request line does not start with a method and one space";
        return 400;
    }
    target_end = skip_class(target, stop, WEIR__HTTP_VISIBLE);
    if (target_end == target || (target_end < stop && *target_end != ' ')) {
        *wrong = "the request target is missing or holds a character that must be escaped";
        return 400;
    }
    if (stop - target_end != 9 || !weir__http_is_version(target_end + 1)) {
        *wrong = "the request line does not end with one space and HTTP/1.1";
        return 400;
    }
    if (target_end[6] != '1' || target_end[8] > '1') {
        *wrong = "an HTTP version that is not supported; HTTP/1.1 and 1.0 are";
        return 505;
    }
    out->method_text = (weir_bytes){line, (size_t)(method_end - line)};
    out->method = weir__http_method_of(out->method_text);
    out->target = (weir_bytes){target, (size_t)(target_end - target)};
    out->minor = target_end[8] - '0';
    return 0;
}

/* Whether "*", which stands for the server as a whole, has a method other than OPTIONS. */
static bool asterisk_is_misplaced(const struct weir__http_request_head *out)
{
    return out->target.data[0] == '*' && (out->target.len != 1 || out->method != WEIR__HTTP_OPTIONS);
}

/* --- whole heads --- */

static int refuse_too_large(const char *data, size_t len, size_t target_max, struct weir__http_fault *fault)
{
    size_t start = len >= 2 && memcmp(data, "\r\n", 2) == 0 ? 2 : 0;
    const char *stop = memchr(data + start, '\r', len - start);
    const char *space = memchr(data + start, ' ', len - start);
    bool line_goes_on;

    if (stop == NULL)
        stop = data + len;
    line_goes_on = stop == data + len;
    if (space != NULL && space < stop &&
        (line_goes_on || (target_max > 0 && (size_t)(stop - space) > target_max + 9)))
        return weir__http_refuse(fault, 414, "the request target is longer than allowed");
    return weir__http_refuse(fault, 431, "the request head is larger than allowed");
}

/* r->start and r->end are set. */
static int read_request(struct weir__http_reading *r, size_t target_max, struct weir__http_request_head *out,
                        struct weir__http_fault *fault)
{
    const char *wrong = NULL, *stop = weir__http_line_end(r->start, r->end);
    int status = read_request_line(r->start, stop, out, &wrong);
    const struct weir__http_facts *facts;

    if (status != 0)
        return weir__http_refuse(fault, status, wrong);
    if (target_max > 0 && out->target.len > target_max)
        return weir__http_refuse(fault, 414, "the request target is longer than allowed");
    r->fields_start = stop + 2;
    r->fields = out->fields;
    r->field_max = out->field_max;
    status = weir__http_read_fields(r, HTTP_REQUEST, out->minor, &wrong);
    if (status == WEIR__HTTP_NOT_THE_FIELDS && out->method == WEIR__HTTP_OTHER_METHOD)
        return weir__http_refuse(fault, 501, "a method that is not known");
    if (status == WEIR__HTTP_NOT_THE_FIELDS)
        return weir__http_refuse(fault, 400, "the request target is not valid");
    fault->too_many_fields = r->too_many;
    if (status != 0)
        return weir__http_refuse(fault, status, wrong);
    if (asterisk_is_misplaced(out))
        return weir__http_refuse(fault, 400, "the request target is '*', which only OPTIONS may ask for");
    facts = &r->facts;
    if (facts->host.data == NULL && out->minor == 1)
        return weir__http_refuse(fault, 400, "Host is missing, which HTTP/1.1 requires");
    out->field_count = r->field_count;
    out->host = facts->host;
    out->framing = weir__http_framing_of(facts, WEIR__HTTP_NO_BODY);
    out->content_length = facts->content_length;
    out->keep_alive = weir__http_keeps_alive(facts, out->minor);
    out->expect_continue = facts->expect_continue && out->minor == 1;
    out->upgrade = facts->upgrade;
    return 0;
}

int weir__http_request_head_parse(const char *data, size_t len, struct weir__http_scan *scan,
                                  const struct weir__http_head_limits *limits,
                                  struct weir__http_request_head *out, struct weir__http_fault *fault)
{
    const char *wrong;
    size_t seen;
    int end;
    struct weir__http_reading r;
    int err;

    assert(limits->head_bytes_max <= INT_MAX);
    seen = len < limits->head_bytes_max ? len : limits->head_bytes_max;
    end = weir__http_scan_head(data, seen, scan, &wrong);
    if (end < 0)
        return weir__http_refuse(fault, 400, wrong);
    if (end == 0)
        return len < limits->head_bytes_max ? 0
                                            : refuse_too_large(data, seen, limits->target_bytes_max, fault);
    r.start = data[0] == '\r' ? data + 2 : data; /* the empty line some clients send after a body */
    r.end = data + end;
    if (*r.start == '\r')
        return weir__http_refuse(fault, 400, "empty lines where a request line was expected");
    err = read_request(&r, limits->target_bytes_max, out, fault);
    return err < 0 ? err : end;
}
