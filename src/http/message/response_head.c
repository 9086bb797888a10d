/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <limits.h>

#include "http/message/fields.h"
#include "http/message/scan.h"

/* Refuses a response, always with 502, because the backend is at fault. Returns: the code that a request with
 * this status would have. */
static int refuse_response(struct weir__http_fault *fault, int status, const char *message)
{
    int err = weir__http_refuse(fault, status, message);

    fault->status = 502;
    return err;
}

/* Reads "HTTP/1.1 200 OK" from [line, stop). Returns what is wrong, or NULL. */
static const char *read_status_line(const char *line, const char *stop, struct weir__http_response_head *out)
{
    int status = 0;
    const char *reason;

    if (stop - line < 12 || !weir__http_is_version(line) || line[8] != ' ')
        return "the response does not start with HTTP/1.1, one space and a status";
    if (line[5] != '1' || line[7] > '1')
        return "a response in an HTTP version that is not supported; HTTP/1.1 and 1.0 are";
    for (int i = 9; i < 12; i++) {
        if (!weir__http_char_is(line[i], WEIR__HTTP_DIGIT))
            return "the response status is not three digits";
        status = status * 10 + (line[i] - '0');
    }
    if (status < 100 || status > 599)
        return "the response status is not between 100 and 599";
    if (status == 101 && !out->upgrades)
        return "the response switches protocols, which the request did not ask for";
    /* A server that gives no reason often leaves out the space before it, too. */
    if (line + 12 < stop && line[12] != ' ')
        return "the response status is not followed by a space";
    reason = line + 12 < stop ? line + 13 : stop;
    out->status = status;
    out->reason = (weir_bytes){reason, (size_t)(stop - reason)};
    out->minor = line[7] - '0';
    return NULL;
}

/* Fills what follows from the fields. Returns what is wrong, or NULL. */
static const char *conclude_response(const struct weir__http_facts *facts, enum weir__http_method method,
                                     struct weir__http_response_head *out)
{
    bool announces = facts->coded || facts->content_length > 0;

    out->content_length = facts->content_length;
    out->chunked = facts->coded;
    out->keep_alive = weir__http_keeps_alive(facts, out->minor);
    out->framing = weir__http_framing_of(facts, WEIR__HTTP_UNTIL_CLOSE);
    if (out->status < 200) {
        out->framing = WEIR__HTTP_NO_BODY;
        return announces ? "an informational response with a body" : NULL;
    }
    if (method == WEIR__HTTP_CONNECT && out->status < 300) {
        out->framing = WEIR__HTTP_NO_BODY; /* what follows is a tunnel */
        out->keep_alive = false;
    } else if (out->status == 204) {
        out->framing = WEIR__HTTP_NO_BODY;
        out->keep_alive =
            out->keep_alive && !announces; /* a server that announces a body there might send it */
    } else if (method == WEIR__HTTP_HEAD || out->status == 304) {
        out->framing = WEIR__HTTP_NO_BODY;
    } else if (out->framing == WEIR__HTTP_UNTIL_CLOSE) {
        out->keep_alive = false;
    }
    return NULL;
}

int weir__http_response_head_parse(const char *data, size_t len, struct weir__http_scan *scan,
                                   const struct weir__http_head_limits *limits, enum weir__http_method method,
                                   struct weir__http_response_head *out, struct weir__http_fault *fault)
{
    const char *wrong = NULL;
    size_t seen;
    int end;
    struct weir__http_reading r;
    const char *stop;
    int status;

    assert(limits->head_bytes_max <= INT_MAX);
    seen = len < limits->head_bytes_max ? len : limits->head_bytes_max;
    end = weir__http_scan_head(data, seen, scan, &wrong);
    if (end < 0)
        return refuse_response(fault, 400, wrong);
    if (end == 0)
        return len < limits->head_bytes_max
                   ? 0
                   : refuse_response(fault, 431, "the response head is larger than allowed");
    r.start = data;
    r.end = data + end;
    stop = weir__http_line_end(r.start, r.end);
    wrong = read_status_line(r.start, stop, out);
    if (wrong != NULL)
        return refuse_response(fault, 400, wrong);
    r.fields_start = stop + 2;
    r.fields = out->fields;
    r.field_max = out->field_max;
    status = weir__http_read_fields(&r, HTTP_RESPONSE, out->minor, &wrong);
    if (status == WEIR__HTTP_NOT_THE_FIELDS)
        return refuse_response(fault, 400, "the status line is not valid");
    if (status != 0)
        return refuse_response(fault, status, wrong);
    out->field_count = r.field_count;
    wrong = conclude_response(&r.facts, method, out);
    return wrong != NULL ? refuse_response(fault, 400, wrong) : end;
}
