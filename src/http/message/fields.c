/* SPDX-License-Identifier: MIT */
#include "http/message/fields.h"

int weir__http_refuse(struct weir__http_fault *fault, int status, const char *message)
{
    fault->status = status;
    fault->message = message;
    return status == 414 || status == 431 ? -WEIR_ETOOLARGE : -WEIR_EPROTOCOL;
}

/* --- what llhttp finds --- */

static int on_field(llhttp_t *parser, const char *at, size_t len)
{
    struct weir__http_reading *r = (struct weir__http_reading *)parser;
    struct weir__http_field *f;

    if (r->field_count == r->field_max) {
        r->too_many = true;
        return HPE_USER;
    }
    f = &r->fields[r->field_count++];
    f->name = (weir_bytes){at, len};
    f->value = (weir_bytes){at + len + 1, 0};
    return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t len)
{
    struct weir__http_reading *r = (struct weir__http_reading *)parser;

    if (r->field_count == 0)
        return HPE_USER;
    if (len > 0) /* an empty value is reported at the start of the next line */
        r->fields[r->field_count - 1].value = (weir_bytes){at, len};
    return 0;
}

/* Stops llhttp behind the empty line: it does not read bodies. */
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

/* --- checks --- */

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
    return "a character that is not allowed in a field name";
}

/* Checks one field that llhttp found against its line, which starts at `line`: all of the line must be name
 * and value. Trims the value. Returns the start of the next line, or NULL. */
static const char *check_field(struct weir__http_field *f, const char *line, const char *end,
                               const char **wrong)
{
    const char *value, *after, *stop;

    *wrong = "a field line that is not 'name: value'";
    if (f->name.data != line || line[f->name.len] != ':')
        return NULL;
    if (!weir_token_is_valid(f->name)) {
        *wrong = wrong_name(f->name);
        return NULL;
    }
    value = f->value.data;
    after = value + f->value.len;
    stop = after;
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

static const char *check_fields(struct weir__http_reading *r)
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

/* Finds out, line by line, what llhttp refused among the fields. */
static const char *diagnose_fields(struct weir__http_reading *r)
{
    r->facts = (struct weir__http_facts){.content_length = -1};
    for (const char *line = r->fields_start; line + 2 < r->end;) {
        const char *stop = memmem(line, (size_t)(r->end - line), "\r\n", 2);
        const char *colon;
        struct weir__http_field f;
        const char *wrong;

        assert(stop != NULL); /* the head ends with one */
        colon = memchr(line, ':', (size_t)(stop - line));
        if (colon == NULL)
            return "a field line without a colon";
        f = (struct weir__http_field){{line, (size_t)(colon - line)},
                                      {colon + 1, (size_t)(stop - colon - 1)}};
        if (check_field(&f, line, r->end, &wrong) == NULL)
            return wrong;
        wrong = weir__http_facts_add(&r->facts, f.name, f.value);
        if (wrong != NULL)
            return wrong;
        line = stop + 2;
    }
    return NULL;
}

int weir__http_read_fields(struct weir__http_reading *r, llhttp_type_t type, int minor, const char **wrong)
{
    llhttp_errno_t err;
    bool understood;
    int status;

    r->facts = (struct weir__http_facts){.content_length = -1};
    r->field_count = 0;
    r->too_many = false;
    llhttp_init(&r->parser, type, &callbacks);
    err = llhttp_execute(&r->parser, r->start, (size_t)(r->end - r->start));
    if (r->too_many) {
        *wrong = "more header fields than are allowed";
        return 431;
    }
    understood = err == HPE_PAUSED;
    if (!understood && llhttp_get_error_pos(&r->parser) < r->fields_start)
        return WEIR__HTTP_NOT_THE_FIELDS;
    *wrong = understood ? check_fields(r) : diagnose_fields(r);
    if (*wrong != NULL)
        return 400;
    status = weir__http_facts_check(&r->facts, minor, wrong);
    if (status != 0 || understood)
        return status;
    *wrong = "a header field that is not valid";
    return 400;
}
