/* SPDX-License-Identifier: MIT */
#include "routes/filing.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <weir/http_pump.h>
#include <weir/random.h>

#include "http/conditional.h"

/* An answer in the making. */
struct answer {
    const struct file_settings *settings;
    weir_response *res;
    const struct found_file *found;
    const char *etag;
    char sibling_etag[FILE_ETAG_BYTES + FILE_CODING_BYTES_MAX];
};

/* Makes the tag. A compressed sibling may have size and time of another sibling, so its coding belongs to its
 * tag. */
static void make_etag(struct answer *a)
{
    const char *tag = a->found->file->etag;

    a->etag = a->found->coding == NULL ? tag : a->sibling_etag;
    if (a->found->coding != NULL)
        (void)snprintf(a->sibling_etag, sizeof a->sibling_etag, "%.*s-%s\"", (int)strlen(tag) - 1, tag,
                       a->found->coding);
}

/* --- headers --- */

struct fields {
    weir_header list[6];
    size_t count;
};

static void put(struct fields *f, const char *name, const char *value)
{
    if (value != NULL)
        f->list[f->count++] = (weir_header){name, value};
}

/* Lists what 200, 206 and 304 have in common. */
static void put_validators(struct fields *f, const struct answer *a, const char *modified)
{
    put(f, "etag", a->etag);
    put(f, "last-modified", modified);
    put(f, "cache-control",
        a->found->is_fallback ? a->settings->fallback_cache_control : a->settings->cache_control);
    put(f, "vary", a->settings->varies ? "accept-encoding" : NULL);
}

/* Lists what 200 and 206 have. */
static void put_all(struct fields *f, const struct answer *a, const char *modified)
{
    put_validators(f, a, modified);
    put(f, "accept-ranges", "bytes");
    put(f, "content-encoding", a->found->coding);
}

static int add(const struct answer *a, const struct fields *f)
{
    int err = 0;

    for (size_t i = 0; i < f->count && err == 0; i++)
        err = weir_response_header_add(a->res, f->list[i].name, f->list[i].value);
    return err;
}

/* The time of a file is no later than the answer (RFC 9110, 8.8.2.1). */
static const char *modified_of(const struct cached_file *file, time_t now, char date[HTTP_DATE_BYTES])
{
    if (file->modified.tv_sec <= now)
        return file->last_modified;
    http_date(now, date);
    return date;
}

static int add_validators(const struct answer *a, time_t now)
{
    struct fields f = {0};
    char date[HTTP_DATE_BYTES];

    put_validators(&f, a, modified_of(a->found->file, now, date));
    return add(a, &f);
}

/* Makes the headers of a version, unless they have been made for such an answer. */
static int make_fields(const struct answer *a)
{
    struct cached_file *file = a->found->file;
    struct fields f = {0};

    if (file->fields != NULL && file->fields_coding == a->found->coding &&
        file->fields_of_fallback == a->found->is_fallback)
        return 0;
    weir_header_block_free(file->fields);
    file->fields_coding = a->found->coding;
    file->fields_of_fallback = a->found->is_fallback;
    put_all(&f, a, file->last_modified);
    return weir_header_block_make(f.list, f.count, &file->fields);
}

static int add_headers(const struct answer *a, time_t now)
{
    struct cached_file *file = a->found->file;
    struct fields f = {0};
    char date[HTTP_DATE_BYTES];
    int err;

    if (file->modified.tv_sec > now) { /* not the same for the next answer */
        put_all(&f, a, modified_of(file, now, date));
        return add(a, &f);
    }
    err = make_fields(a);
    return err < 0 ? err : weir_response_header_block_add(a->res, file->fields);
}

/* --- bodies --- */

/* Answers with a part of the file, or the whole. */
static int send_part(const struct answer *a, int status, const struct byte_range *part)
{
    const struct cached_file *file = a->found->file;
    const weir_body_file body = {file->fd, part->first, part->bytes};

    if (file->content != NULL)
        return weir_respond_bytes(a->res, status, a->found->type, file->content + part->first, part->bytes);
    return weir_respond_pump(a->res, status, a->found->type, &(weir_body_source){.file = &body}, NULL, NULL);
}

static int write_part(const struct answer *a, const struct byte_range *part)
{
    const struct cached_file *file = a->found->file;
    const weir_body_file body = {file->fd, part->first, part->bytes};

    if (file->content != NULL)
        return weir_respond_write(a->res, file->content + part->first, part->bytes);
    return weir_body_pump(&(weir_body_source){.file = &body}, &(weir_body_sink){.response = a->res}, NULL,
                          NULL);
}

static int send_parts(const struct answer *a, const struct byte_ranges *ranges)
{
    struct multipart parts = {.ranges = ranges, .length = a->found->file->bytes, .type = a->found->type};
    char type[MULTIPART_TYPE_BYTES], head[PART_HEAD_BYTES];
    int err;

    multipart_begin(&parts, weir_random_u64());
    multipart_type(&parts, type);
    err = weir_respond_begin(a->res, 206, type, (int64_t)multipart_bytes(&parts));
    for (size_t i = 0; i <= ranges->count && err == 0; i++) {
        const size_t bytes = multipart_head(&parts, i, head);

        err = weir_respond_write(a->res, head, bytes);
        if (err == 0 && i < ranges->count)
            err = write_part(a, &ranges->range[i]);
    }
    return err;
}

/* --- answers --- */

static int answer_ranges(const struct answer *a, time_t now, const struct byte_ranges *ranges)
{
    char value[CONTENT_RANGE_BYTES];
    int err = add_headers(a, now);

    if (err < 0 || ranges->count > 1)
        return err < 0 ? err : send_parts(a, ranges);
    content_range_write(&ranges->range[0], a->found->file->bytes, value);
    err = weir_response_header_add(a->res, "content-range", value);
    return err < 0 ? err : send_part(a, 206, &ranges->range[0]);
}

static int answer_unsatisfiable(const struct answer *a)
{
    char value[CONTENT_RANGE_BYTES];
    int err;

    content_range_write(NULL, a->found->file->bytes, value);
    err = weir_response_header_add(a->res, "content-range", value);
    return err < 0 ? err
                   : weir_respond_fault(a->res, 416, "range_not_satisfiable",
                                        "the file ends before the range that is asked for");
}

static int answer_status(const struct answer *a, int status, time_t now, const struct byte_ranges *ranges)
{
    int err;

    switch (status) {
    case 206:
        return answer_ranges(a, now, ranges);
    case 304:
        err = add_validators(a, now);
        return err < 0 ? err : weir_respond_bytes(a->res, 304, NULL, NULL, 0);
    case 412:
        return weir_respond_fault(a->res, 412, "precondition_failed",
                                  "the file is not the version that the request is for");
    case 416:
        return answer_unsatisfiable(a);
    default:
        err = add_headers(a, now);
        return err < 0 ? err : send_part(a, 200, &(struct byte_range){0, a->found->file->bytes});
    }
}

int file_answer(const struct file_settings *settings, weir_request *req, weir_response *res,
                const struct found_file *found)
{
    struct answer a;
    struct representation what = {.modified = found->file->modified.tv_sec,
                                  .now = time(NULL),
                                  .bytes = found->file->bytes,
                                  .varies = settings->varies};
    struct conditions asked;
    struct byte_ranges ranges;
    int status;

    a.settings = settings; /* member by member: the buffer need not be cleared */
    a.res = res;
    a.found = found;
    make_etag(&a);
    what.etag = a.etag;
    conditions_of_request(req, &asked);
    status = conditions_decide(&asked, &what, strcmp(weir_request_method(req), "GET") == 0, &ranges);
    return answer_status(&a, status, what.now, &ranges);
}
