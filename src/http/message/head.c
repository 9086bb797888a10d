/* SPDX-License-Identifier: MIT */
#include "http/message/head.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

#include <llhttp/llhttp.h>

#include "http/message/chars.h"
#include "http/message/framing.h"
#include "http/message/headers.h"
#include "http/message/scan.h"

/* A complete head, from its first line to the empty one, on its way through the checks. */
struct reading {
    llhttp_t parser; /* first: the callbacks get its address */
    const char *start, *end;
    const char *fields_start; /* just after the first line */
    struct weir__http_field *fields;
    size_t field_max, field_count;
    bool too_many;
    struct weir__http_facts facts;
};

static int refuse(struct weir__http_fault *fault, int status, const char *message)
{
    fault->status = status;
    fault->message = message;
    return status == 414 || status == 431 ? -WEIR_ETOOLARGE : -WEIR_EPROTOCOL;
}

/* A response that is refused is always the backend's fault; what status a request would have got shows in the
 * code. */
static int refuse_response(struct weir__http_fault *fault, int status, const char *message)
{
    int err = refuse(fault, status, message);
    fault->status = 502;
    return err;
}

/* ---- fields ---- */

static int on_field(llhttp_t *parser, const char *at, size_t len)
{
    struct reading *r = (struct reading *)parser;
    if (r->field_count == r->field_max) {
        r->too_many = true;
        return HPE_USER;
    }
    struct weir__http_field *f = &r->fields[r->field_count++];
    f->name = (weir_bytes){at, len};
    f->value = (weir_bytes){at + len + 1, 0};
    return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t len)
{
    struct reading *r = (struct reading *)parser;
    if (r->field_count == 0)
        return HPE_USER;
    if (len > 0) /* an empty value is reported at the start of the next line */
        r->fields[r->field_count - 1].value = (weir_bytes){at, len};
    return 0;
}

/* The body is not llhttp's: it is held right after the empty line. */
static int on_complete(llhttp_t *parser)
{
    (void)parser;
    return HPE_PAUSED;
}

static const llhttp_settings_t callbacks = {
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_headers_complete = on_complete,
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static const char *wrong_name(weir_bytes name)
{
    if (name.len == 0)
        return "a field without a name";
    if (is_blank(name.data[name.len - 1]))
        return "a space between a field name and its colon";
    return "a character in a field name that can't stand there";
}

/* Checks one field that llhttp found against its line, which starts at `line`: that nothing of the line was
 * taken for something else. Trims the value. Returns the start of the next line, or NULL. */
static const char *check_field(struct weir__http_field *f, const char *line, const char *end,
                               const char **wrong)
{
    *wrong = "a field line that is not 'name: value'";
    if (f->name.data != line || line[f->name.len] != ':')
        return NULL;
    if (!weir__http_is_token(f->name)) {
        *wrong = wrong_name(f->name);
        return NULL;
    }
    const char *value = f->value.data, *after = value + f->value.len;
    const char *stop = after;
    while (stop < end && is_blank(*stop))
        stop++;
    if (stop + 1 >= end || stop[0] != '\r' || stop[1] != '\n')
        return NULL;
    while (value < after && is_blank(*value))
        value++;
    while (after > value && is_blank(after[-1]))
        after--;
    f->value = (weir_bytes){value, (size_t)(after - value)};
    return stop + 2;
}

static const char *check_fields(struct reading *r)
{
    const char *line = r->fields_start, *wrong = NULL;
    for (size_t i = 0; i < r->field_count; i++) {
        struct weir__http_field *f = &r->fields[i];
        line = check_field(f, line, r->end, &wrong);
        if (line == NULL)
            return wrong;
        wrong = weir__http_facts_add(&r->facts, f->name, f->value);
        if (wrong != NULL)
            return wrong;
    }
    return line + 2 == r->end ? NULL : "a field line that is not 'name: value'";
}

/* llhttp refused something among the fields: finds out what, line by line, in our words. */
static const char *diagnose_fields(struct reading *r)
{
    r->facts = (struct weir__http_facts){.content_length = -1};
    for (const char *line = r->fields_start; line + 2 < r->end;) {
        const char *stop = memmem(line, (size_t)(r->end - line), "\r\n", 2);
        assert(stop != NULL); /* the head ends with one */
        const char *colon = memchr(line, ':', (size_t)(stop - line));
        if (colon == NULL)
            return "a field line without a colon";
        struct weir__http_field f = {{line, (size_t)(colon - line)}, {colon + 1, (size_t)(stop - colon - 1)}};
        const char *wrong;
        if (check_field(&f, line, r->end, &wrong) == NULL)
            return wrong;
        wrong = weir__http_facts_add(&r->facts, f.name, f.value);
        if (wrong != NULL)
            return wrong;
        line = stop + 2;
    }
    return NULL;
}

/* What read_fields() returns if llhttp stumbled over the first line, which looked good: an unknown method, an
 * odd URL. */
enum { NOT_THE_FIELDS = -1 };

/* Reads the fields of a head whose first line looks good. Returns 0, or a status and *wrong, or
 * NOT_THE_FIELDS. */
static int read_fields(struct reading *r, llhttp_type_t type, int minor, const char **wrong)
{
    r->facts = (struct weir__http_facts){.content_length = -1};
    r->field_count = 0;
    r->too_many = false;
    llhttp_init(&r->parser, type, &callbacks);
    llhttp_errno_t err = llhttp_execute(&r->parser, r->start, (size_t)(r->end - r->start));
    if (r->too_many) {
        *wrong = "more header fields than are allowed";
        return 431;
    }
    bool understood = err == HPE_PAUSED;
    if (!understood && llhttp_get_error_pos(&r->parser) < r->fields_start)
        return NOT_THE_FIELDS;
    *wrong = understood ? check_fields(r) : diagnose_fields(r);
    if (*wrong != NULL)
        return 400;
    int status = weir__http_facts_check(&r->facts, minor, wrong);
    if (status != 0 || understood)
        return status;
    *wrong = "a header field that can't be understood";
    return 400;
}

/* ---- first lines ---- */

static bool is_version(const char *p)
{
    return memcmp(p, "HTTP/", 5) == 0 && weir__http_char_is(p[5], WEIR__HTTP_DIGIT) && p[6] == '.' &&
           weir__http_char_is(p[7], WEIR__HTTP_DIGIT);
}

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
    if (method_end == line || method_end == stop || *method_end != ' ') {
        *wrong = "the request line does not start with a method and one space";
        return 400;
    }
    const char *target_end = skip_class(target, stop, WEIR__HTTP_VISIBLE);
    if (target_end == target || (target_end < stop && *target_end != ' ')) {
        *wrong = "the request target is missing or holds a character that must be escaped";
        return 400;
    }
    if (stop - target_end != 9 || !is_version(target_end + 1)) {
        *wrong = "the request line does not end with one space and HTTP/1.1";
        return 400;
    }
    if (target_end[6] != '1' || target_end[8] > '1') {
        *wrong = "an HTTP version that is not spoken here; HTTP/1.1 and 1.0 are";
        return 505;
    }
    out->method_text = (weir_bytes){line, (size_t)(method_end - line)};
    out->method = weir__http_method_of(out->method_text);
    out->target = (weir_bytes){target, (size_t)(target_end - target)};
    out->minor = target_end[8] - '0';
    return 0;
}

/* "*" asks about the server as a whole, which OPTIONS alone does. */
static bool asterisk_is_misplaced(const struct weir__http_request_head *out)
{
    return out->target.data[0] == '*' && (out->target.len != 1 || out->method != WEIR__HTTP_OPTIONS);
}

/* Reads "HTTP/1.1 200 OK" from [line, stop). Returns what is wrong, or NULL. */
static const char *read_status_line(const char *line, const char *stop, struct weir__http_response_head *out)
{
    if (stop - line < 12 || !is_version(line) || line[8] != ' ')
        return "the response does not start with HTTP/1.1, one space and a status";
    if (line[5] != '1' || line[7] > '1')
        return "a response in an HTTP version that is not spoken here; HTTP/1.1 and 1.0 are";
    int status = 0;
    for (int i = 9; i < 12; i++) {
        if (!weir__http_char_is(line[i], WEIR__HTTP_DIGIT))
            return "the response status is not three digits";
        status = status * 10 + (line[i] - '0');
    }
    if (status < 100 || status > 599)
        return "the response status is not between 100 and 599";
    if (status == 101)
        return "the response switches protocols, which nobody asked for";
    /* Servers that have no reason to give often leave its space out too. */
    if (line + 12 < stop && line[12] != ' ')
        return "the response status is not followed by a space";
    const char *reason = line + 12 < stop ? line + 13 : stop;
    out->status = status;
    out->reason = (weir_bytes){reason, (size_t)(stop - reason)};
    out->minor = line[7] - '0';
    return NULL;
}

static bool keeps_alive(const struct weir__http_facts *facts, int minor)
{
    return !facts->close && (minor == 1 || facts->keep_alive);
}

/* ---- whole heads ---- */

static const char *line_end(const char *line, const char *end)
{
    const char *stop = memchr(line, '\r', (size_t)(end - line)); /* a CR in a scanned head has its LF */
    assert(stop != NULL);
    return stop;
}

static int refuse_too_large(const char *data, size_t len, size_t target_max, struct weir__http_fault *fault)
{
    size_t start = len >= 2 && memcmp(data, "\r\n", 2) == 0 ? 2 : 0;
    const char *stop = memchr(data + start, '\r', len - start);
    const char *space = memchr(data + start, ' ', len - start);
    if (stop == NULL)
        stop = data + len;
    bool line_goes_on = stop == data + len;
    if (space != NULL && space < stop &&
        (line_goes_on || (target_max > 0 && (size_t)(stop - space) > target_max + 9)))
        return refuse(fault, 414, "the request target is longer than allowed");
    return refuse(fault, 431, "the request head is larger than allowed");
}

static enum weir__http_framing framing_of(const struct weir__http_facts *facts,
                                          enum weir__http_framing otherwise)
{
    if (facts->coded)
        return WEIR__HTTP_CHUNKED;
    return facts->content_length >= 0 ? WEIR__HTTP_LENGTH : otherwise;
}

/* r->start and r->end are set. */
static int read_request(struct reading *r, size_t target_max, struct weir__http_request_head *out,
                        struct weir__http_fault *fault)
{
    const char *wrong = NULL, *stop = line_end(r->start, r->end);
    int status = read_request_line(r->start, stop, out, &wrong);
    if (status != 0)
        return refuse(fault, status, wrong);
    if (target_max > 0 && out->target.len > target_max)
        return refuse(fault, 414, "the request target is longer than allowed");
    r->fields_start = stop + 2;
    r->fields = out->fields;
    r->field_max = out->field_max;
    status = read_fields(r, HTTP_REQUEST, out->minor, &wrong);
    if (status == NOT_THE_FIELDS && out->method == WEIR__HTTP_OTHER_METHOD)
        return refuse(fault, 501, "a method that is not known");
    if (status == NOT_THE_FIELDS)
        return refuse(fault, 400, "the request target can't be understood");
    fault->too_many_fields = r->too_many;
    if (status != 0)
        return refuse(fault, status, wrong);
    if (asterisk_is_misplaced(out))
        return refuse(fault, 400, "the request target is '*', which only OPTIONS may ask for");
    const struct weir__http_facts *facts = &r->facts;
    if (facts->host.data == NULL && out->minor == 1)
        return refuse(fault, 400, "Host is missing, which HTTP/1.1 requires");
    out->field_count = r->field_count;
    out->host = facts->host;
    out->framing = framing_of(facts, WEIR__HTTP_NO_BODY);
    out->content_length = facts->content_length;
    out->keep_alive = keeps_alive(facts, out->minor);
    out->expect_continue = facts->expect_continue && out->minor == 1;
    out->upgrade = facts->upgrade;
    return 0;
}

int weir__http_request_head_parse(const char *data, size_t len, struct weir__http_scan *scan,
                                  const struct weir__http_head_limits *limits,
                                  struct weir__http_request_head *out, struct weir__http_fault *fault)
{
    assert(limits->head_bytes_max <= INT_MAX);
    const char *wrong;
    size_t seen = len < limits->head_bytes_max ? len : limits->head_bytes_max;
    int end = weir__http_scan_head(data, seen, scan, &wrong);
    if (end < 0)
        return refuse(fault, 400, wrong);
    if (end == 0)
        return len < limits->head_bytes_max ? 0
                                            : refuse_too_large(data, seen, limits->target_bytes_max, fault);
    struct reading r;
    r.start = data[0] == '\r' ? data + 2 : data; /* the empty line some clients send after a body */
    r.end = data + end;
    if (*r.start == '\r')
        return refuse(fault, 400, "empty lines where a request line was expected");
    int err = read_request(&r, limits->target_bytes_max, out, fault);
    return err < 0 ? err : end;
}

/* Fills what follows from the fields. Returns what is wrong, or NULL. */
static const char *conclude_response(const struct weir__http_facts *facts, enum weir__http_method method,
                                     struct weir__http_response_head *out)
{
    bool announces = facts->coded || facts->content_length > 0;
    out->content_length = facts->content_length;
    out->keep_alive = keeps_alive(facts, out->minor);
    out->framing = framing_of(facts, WEIR__HTTP_UNTIL_CLOSE);
    if (out->status < 200) {
        out->framing = WEIR__HTTP_NO_BODY;
        return announces ? "an interim response with a body" : NULL;
    }
    if (method == WEIR__HTTP_CONNECT && out->status < 300) {
        out->framing = WEIR__HTTP_NO_BODY; /* what follows is a tunnel */
        out->keep_alive = false;
    } else if (out->status == 204) {
        out->framing = WEIR__HTTP_NO_BODY;
        out->keep_alive = out->keep_alive && !announces; /* who announces a body there might send it */
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
    assert(limits->head_bytes_max <= INT_MAX);
    const char *wrong = NULL;
    size_t seen = len < limits->head_bytes_max ? len : limits->head_bytes_max;
    int end = weir__http_scan_head(data, seen, scan, &wrong);
    if (end < 0)
        return refuse_response(fault, 400, wrong);
    if (end == 0)
        return len < limits->head_bytes_max
                   ? 0
                   : refuse_response(fault, 431, "the response head is larger than allowed");
    struct reading r;
    r.start = data;
    r.end = data + end;
    const char *stop = line_end(r.start, r.end);
    wrong = read_status_line(r.start, stop, out);
    if (wrong != NULL)
        return refuse_response(fault, 400, wrong);
    r.fields_start = stop + 2;
    r.fields = out->fields;
    r.field_max = out->field_max;
    int status = read_fields(&r, HTTP_RESPONSE, out->minor, &wrong);
    if (status == NOT_THE_FIELDS)
        return refuse_response(fault, 400, "the status line can't be understood");
    if (status != 0)
        return refuse_response(fault, status, wrong);
    out->field_count = r.field_count;
    wrong = conclude_response(&r.facts, method, out);
    return wrong != NULL ? refuse_response(fault, 400, wrong) : end;
}

enum weir__http_method weir__http_method_of(weir_bytes text)
{
#define IS(literal) (memcmp(text.data, literal, sizeof(literal) - 1) == 0)
    switch (text.len) {
    case 3:
        return IS("GET") ? WEIR__HTTP_GET : IS("PUT") ? WEIR__HTTP_PUT : WEIR__HTTP_OTHER_METHOD;
    case 4:
        return IS("POST") ? WEIR__HTTP_POST : IS("HEAD") ? WEIR__HTTP_HEAD : WEIR__HTTP_OTHER_METHOD;
    case 5:
        return IS("PATCH") ? WEIR__HTTP_PATCH : IS("TRACE") ? WEIR__HTTP_TRACE : WEIR__HTTP_OTHER_METHOD;
    case 6:
        return IS("DELETE") ? WEIR__HTTP_DELETE : WEIR__HTTP_OTHER_METHOD;
    case 7:
        return IS("OPTIONS")   ? WEIR__HTTP_OPTIONS
               : IS("CONNECT") ? WEIR__HTTP_CONNECT
                               : WEIR__HTTP_OTHER_METHOD;
    default:
        return WEIR__HTTP_OTHER_METHOD;
    }
#undef IS
}
