/* SPDX-License-Identifier: MIT */
/* What is sent before and behind the body of a request. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/reserved.h"
#include "core/scope.h"
#include "http/client/fetch_parts.h"
#include "http/message/headers.h"
#include "http/message/trailers.h"
#include "http/message/writer.h"

/* --- what callers may not send --- */

static bool is_clients_own(const char *name, size_t length)
{
    return length == 7 ? strcasecmp(name, "upgrade") == 0 || strcasecmp(name, "trailer") == 0
                       : weir__http_is_senders_own(name, length);
}

/* Runs for every header of every request; most differ in their first letter already. */
static bool is_host(const char *name)
{
    return (name[0] | 0x20) == 'h' && strcasecmp(name, "host") == 0;
}

static bool is_protocols(const char *list)
{
    weir_bytes rest = weir_bytes_of(list), protocol = {0};

    while (weir_list_next(&rest, ',', &protocol))
        if (!weir__http_is_protocol(protocol))
            return false;
    return protocol.len > 0;
}

static int refuse(struct weir__fetch *f, const char *why)
{
    f->why = why;
    return -EINVAL;
}

int weir__fetch_check(struct weir__fetch *f, const weir_fetch_options *o, int64_t body_length)
{
    if (!weir__reserved_is_zero(o->reserved, sizeof o->reserved))
        return refuse(f, "options.reserved is not zero: a newer header, or no initialiser");
    if (o->headers_max < 0 || o->headers_max > WEIR__CLIENT_HEADERS_MAX ||
        o->head_bytes_max > WEIR__CLIENT_HEAD_BYTES_MAX)
        return refuse(f, "head_bytes_max is at most 1 MiB, headers_max at most 1000");
    if (f->method == WEIR__HTTP_CONNECT && !f->streamed)
        return refuse(f, "CONNECT opens a tunnel: use weir_fetch_open() and weir_fetch_upgrade()");
    if (o->once && o->repeatable)
        return refuse(f, "options.once and options.repeatable contradict each other");
    if (o->upgrade != NULL && !f->streamed)
        return refuse(f, "an upgrade takes the connection: use weir_fetch_open() and weir_fetch_upgrade()");
    if (o->duplex && !f->streamed)
        return refuse(f, "duplex is for weir_fetch_open(); weir_fetch() reads while it writes anyway");
    if ((f->method == WEIR__HTTP_CONNECT || o->upgrade != NULL) && (body_length != 0 || o->trailer_count > 0))
        return refuse(f, "CONNECT and upgrades have no body");
    if (f->streamed && o->trailer_count > 0 && body_length != -1)
        return refuse(f, "trailers need a body_length of -1, since only chunked bodies have any");
    if (o->upgrade != NULL && !is_protocols(o->upgrade))
        return refuse(f, "options.upgrade is neither the name of a protocol nor a list of such names");
    if (o->target != NULL && o->target[0] != '/' && strcmp(o->target, "*") != 0)
        return refuse(f, "options.target does not begin with '/'");
    for (size_t i = 0; i < o->header_count; i++) {
        const weir_header *header = &o->headers[i];
        if (!is_host(header->name))
            continue;
        if (f->host != NULL || !weir__http_is_host(weir_bytes_of(header->value)))
            return refuse(f, "a Host that is no host with perhaps a port, or a second one");
        f->host = header->value;
    }
    for (size_t i = 0; i < o->trailer_count; i++)
        if (!weir_token_is_valid(weir_bytes_of(o->trailers[i].name)) ||
            !weir__http_is_trailer(weir_bytes_of(o->trailers[i].name)))
            return refuse(f, "a trailer that must be a header, or has no valid name");
    return 0;
}

/* --- the head --- */

static bool says_length(const struct weir__fetch *f, int64_t body_length)
{
    return body_length > 0 || f->method == WEIR__HTTP_POST || f->method == WEIR__HTTP_PUT ||
           f->method == WEIR__HTTP_PATCH;
}

static void write_request_line(weir__http_writer *w, const struct weir__fetch *f, const weir_fetch_options *o,
                               const weir_url *url, const char *label)
{
    weir_bytes target = o->target != NULL ? weir_bytes_of(o->target) : url->target;

    if (f->method == WEIR__HTTP_CONNECT) /* the label begins with host and port, the port always written */
        target = (weir_bytes){label, strcspn(label, " ")};
    weir__http_write_request_line(w, o->method != NULL ? weir_bytes_of(o->method) : WEIR__HTTP_TEXT("GET"),
                                  target);
}

static void write_trailer_names(weir__http_writer *w, const weir_fetch_options *o)
{
    weir__http_write_raw(w, WEIR__HTTP_TEXT("trailer: "));
    for (size_t i = 0; i < o->trailer_count; i++) {
        if (i > 0)
            weir__http_write_raw(w, WEIR__HTTP_TEXT(", "));
        weir__http_write_raw(w, weir_bytes_of(o->trailers[i].name));
    }
    weir__http_write_raw(w, WEIR__HTTP_TEXT("\r\n"));
}

/* TE belongs to this connection alone, and must be listed in Connection (RFC 9110, 10.1.4). */
static void write_connection(weir__http_writer *w, const weir_fetch_options *o, bool te)
{
    if (o->upgrade != NULL) {
        weir__http_write_field(w, WEIR__HTTP_TEXT("upgrade"), weir_bytes_of(o->upgrade));
        weir__http_write_raw(w, te ? WEIR__HTTP_TEXT("connection: upgrade, te\r\n")
                                   : WEIR__HTTP_TEXT("connection: upgrade\r\n"));
    } else if (te) {
        weir__http_write_raw(w, WEIR__HTTP_TEXT("connection: te\r\n"));
    }
}

/* The Host of an absolute name, "svc.ns.:80", goes without its dot. */
static void write_host(weir__http_writer *w, const weir_url *url)
{
    weir_bytes name = weir_host_without_dot(url->host), all = url->authority;

    if (__builtin_expect(name.len == url->host.len, 1)) {
        weir__http_write_trusted(w, WEIR__HTTP_TEXT("host"), all);
        return;
    }
    weir__http_write_raw(w, WEIR__HTTP_TEXT("host: "));
    weir__http_write_raw(w, name);
    weir__http_write_raw(w, (weir_bytes){all.data + url->host.len, all.len - url->host.len});
    weir__http_write_raw(w, WEIR__HTTP_TEXT("\r\n"));
}

/* --- what a backend is told of its attempts --- */

enum { TOLD_BYTES = 64 }; /* that takes at most */

static const char deadline_name[] = "x-weir-deadline-ms", attempt_name[] = "x-weir-attempt";

/* Returns: how much is left of the deadline, in milliseconds, at least 1; 0: there is none, or it is not told.
 */
static uint64_t deadline_to_tell(struct weir__fetch *f)
{
    int64_t deadline_ns, left_ns;

    if (!f->tells_deadline)
        return 0;
    deadline_ns = weir__task_current()->scope->deadline_ns;
    if (deadline_ns == INT64_MAX)
        return 0;
    f->told_ns = weir__loop_now_ns(f->client->loop);
    left_ns = deadline_ns - f->told_ns;
    return left_ns >= 2000000 ? (uint64_t)left_ns / 1000000 : 1;
}

static void write_told(weir__http_writer *w, const struct weir__fetch *f, uint64_t left_ms)
{
    if (left_ms > 0)
        weir__http_write_number(w, WEIR__HTTP_TEXT("x-weir-deadline-ms"), left_ms);
    if (f->attempt > 0)
        weir__http_write_number(w, WEIR__HTTP_TEXT("x-weir-attempt"), f->attempt);
}

/* Whether a header of the caller's has another value here. */
static bool is_told(const struct weir__fetch *f, uint64_t left_ms, weir_bytes name)
{
    return (left_ms > 0 && name.len == sizeof deadline_name - 1 &&
            strcasecmp(name.data, deadline_name) == 0) ||
           (f->attempt > 0 && name.len == sizeof attempt_name - 1 &&
            strcasecmp(name.data, attempt_name) == 0);
}

/* Inlined twice, so that a request that tells nothing pays for nothing of it. */
static inline __attribute__((always_inline)) int write_given(weir__http_writer *w, struct weir__fetch *f,
                                                             const weir_fetch_options *o, bool *te,
                                                             bool tells, uint64_t left_ms)
{
    for (size_t i = 0; i < o->header_count; i++) {
        const weir_bytes name = weir_bytes_of(o->headers[i].name);
        if (is_clients_own(name.data, name.len))
            return refuse(f, "a header that the client sends by itself, such as Content-Length");
        if (f->host != NULL && is_host(name.data))
            continue;
        if (tells && is_told(f, left_ms, name))
            continue;
        *te = *te || (name.len == 2 && strcasecmp(name.data, "te") == 0);
        weir__http_write_field(w, name, weir_bytes_of(o->headers[i].value));
    }
    return 0;
}

static __attribute__((noinline)) int write_given_and_told(weir__http_writer *w, struct weir__fetch *f,
                                                          const weir_fetch_options *o, bool *te)
{
    const uint64_t left_ms = deadline_to_tell(f);
    int err = write_given(w, f, o, te, true, left_ms);

    if (err == 0)
        write_told(w, f, left_ms);
    return err;
}

/* Writes the headers that the caller gives. *te: one is TE. */
static inline __attribute__((always_inline)) int write_headers(weir__http_writer *w, struct weir__fetch *f,
                                                               const weir_fetch_options *o, bool *te)
{
    return __builtin_expect(f->tells_deadline || f->attempt > 0, 0) ? write_given_and_told(w, f, o, te)
                                                                    : write_given(w, f, o, te, false, 0);
}

static int write_head(struct weir__fetch *f, const weir_fetch_options *o, const weir_url *url,
                      const char *label, int64_t body_length, char *out, size_t room)
{
    weir__http_writer w = weir__http_writer_into(out, room);
    bool te = false;
    int err;

    write_request_line(&w, f, o, url, label);
    if (f->host != NULL)
        weir__http_write_trusted(&w, WEIR__HTTP_TEXT("host"), weir_bytes_of(f->host));
    else
        write_host(&w, url);
    err = write_headers(&w, f, o, &te);
    if (err < 0)
        return err;
    if (te || o->upgrade != NULL)
        write_connection(&w, o, te);
    if (o->identity)
        weir__http_write_raw(&w, WEIR__HTTP_TEXT("accept-encoding: identity\r\n"));
    if (o->trailer_count > 0)
        write_trailer_names(&w, o);
    if (body_length < 0 || o->trailer_count > 0)
        weir__http_write_chunked(&w);
    else if (says_length(f, body_length))
        weir__http_write_length(&w, (uint64_t)body_length);
    return weir__http_writer_end(&w);
}

/* The room that a head takes at most. */
static size_t head_bytes(const weir_fetch_options *o, const weir_url *url)
{
    size_t n = 160 + TOLD_BYTES + url->target.len + url->authority.len;

    n += o->method != NULL ? strlen(o->method) : 3;
    for (size_t i = 0; i < o->header_count; i++)
        n += strlen(o->headers[i].name) + strlen(o->headers[i].value) + 4;
    if (o->target != NULL)
        n += strlen(o->target);
    if (o->upgrade != NULL)
        n += 64 + strlen(o->upgrade);
    for (size_t i = 0; i < o->trailer_count; i++)
        n += strlen(o->trailers[i].name) + 2;
    return n;
}

/* --- behind the body --- */

size_t weir__fetch_tail_bytes(const weir_header *trailers, size_t count)
{
    size_t n = 8;

    for (size_t i = 0; i < count; i++)
        n += strlen(trailers[i].name) + strlen(trailers[i].value) + 4;
    return n;
}

int weir__fetch_write_tail(const weir_header *trailers, size_t count, char *out, size_t room)
{
    weir__http_writer w = weir__http_writer_into(out, room);

    weir__http_write_raw(&w, WEIR__HTTP_TEXT("0\r\n"));
    for (size_t i = 0; i < count; i++)
        weir__http_write_field(&w, weir_bytes_of(trailers[i].name), weir_bytes_of(trailers[i].value));
    return weir__http_writer_end(&w);
}

/* --- both --- */

int weir__fetch_write_head(struct weir__fetch *f, const weir_fetch_options *o, const weir_url *url,
                           const char *label, int64_t body_length, struct weir__fetch_room small)
{
    size_t tail = 0;
    int len = -WEIR_ETOOLARGE, tail_len = 0;

    if (o->trailer_count > 0 && !f->streamed)
        tail = weir__fetch_tail_bytes(o->trailers, o->trailer_count);
    f->head = small.data;
    if (tail < small.bytes)
        len = write_head(f, o, url, label, body_length, f->head, small.bytes - tail);
    if (len == -WEIR_ETOOLARGE) {
        const size_t room = head_bytes(o, url);
        f->head = malloc(room + tail);
        if (f->head == NULL)
            return -ENOMEM;
        f->head_allocated = true;
        len = write_head(f, o, url, label, body_length, f->head, room);
    }
    if (len >= 0 && tail > 0)
        tail_len = weir__fetch_write_tail(o->trailers, o->trailer_count, f->head + len, tail);
    if (len < 0 || tail_len < 0) {
        weir__fetch_free_head(f);
        if (f->why != NULL)
            return -EINVAL;
        return refuse(
            f,
            "the method, or the name or value of a header, contains a character that is not allowed there");
    }
    f->head_len = (size_t)len;
    f->tail = f->head + len;
    f->tail_len = (size_t)tail_len;
    return 0;
}

void weir__fetch_free_head(struct weir__fetch *f)
{
    if (f->head_allocated)
        free(f->head);
    f->head = NULL;
    f->head_allocated = false;
}
