/* SPDX-License-Identifier: MIT */
/* What a handler answers. One write for a small answer; nothing is sent that can't be ended as it was
 * announced. */
#include "http/server/server.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <weir/json.h>
#include <weir/text.h>

#include "base/clock.h"
#include "core/account/attribution.h"
#include "core/task.h"
#include "http/message/writer.h"

enum { HEAD_BYTES = 512, ONE_WRITE_BYTES = 4096, HEADERS_BYTES_MAX = 64 << 10, SLICE_BYTES = 64 << 10 };

void weir__response_begin_exchange(struct weir__exchange *x)
{
    x->response = (struct weir_response){
        .keep_alive = x->request.head.keep_alive && !x->refusal.close,
        .no_body = x->request.head.method == WEIR__HTTP_HEAD,
    };
}

/* --- sending --- */

/* What went out before the head, because the client had sent its last, is its first bytes: see leaving.c. */
static void skip_sent(struct weir__exchange *x, struct iovec *first)
{
    first->iov_base = (char *)first->iov_base + x->head_sent;
    first->iov_len -= x->head_sent;
    x->head_sent = 0;
}

/* TCP says how much the peer has taken of an operation under way; of others that is known when one is over.
 */
static int write_slices(struct weir__exchange *x, const struct iovec *pieces, size_t count)
{
    int err = 0;

    for (size_t i = 0; i < count; i++)
        for (size_t at = 0, n; at < pieces[i].iov_len && err == 0; at += n) {
            n = pieces[i].iov_len - at < SLICE_BYTES ? pieces[i].iov_len - at : SLICE_BYTES;
            weir__client_wait_to_take(x);
            err = weir_write(weir__connection_stream(x->connection), (char *)pieces[i].iov_base + at, n);
        }
    return err;
}

static bool is_more_than_a_slice(const struct iovec *pieces, size_t count)
{
    size_t bytes = 0;

    for (size_t i = 0; i < count; i++)
        bytes += pieces[i].iov_len;
    return bytes > SLICE_BYTES;
}

static int write_pieces(struct weir__exchange *x, struct iovec *pieces, size_t count)
{
    weir_stream *s = weir__connection_stream(x->connection);

    if (is_more_than_a_slice(pieces, count) && !weir__stream_counts_acknowledged(s))
        return write_slices(x, pieces, count);
    weir__client_wait_to_take(x);
    return weir_write_pieces(s, pieces, count);
}

/* Every write to the client: bounded by the timeouts for progress, its failure remembered. */
static int send_pieces(struct weir__exchange *x, struct iovec *pieces, size_t count)
{
    weir_response *res = &x->response;
    struct weir__task *self = weir__task_current();
    struct weir__attribution before;
    int err;

    if (res->err < 0)
        return res->err;
    if (x->head_sent > 0)
        skip_sent(x, pieces);
    before = weir__attribution_on(self, WEIR_CHARGE_SEND, NULL);
    err = write_pieces(x, pieces, count);
    weir__client_took(x);
    weir__attribution_back(self, before);
    if (res->err == 0)
        res->err = err;
    return res->err;
}

int weir__response_send_pieces(struct weir__exchange *x, struct iovec *pieces, size_t count)
{
    return send_pieces(x, pieces, count);
}

static int send_bytes(struct weir__exchange *x, const void *data, size_t bytes)
{
    struct iovec piece = {(void *)(uintptr_t)data, bytes};

    return send_pieces(x, &piece, 1);
}

int weir__response_send_continue(struct weir__exchange *x)
{
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";

    return send_bytes(x, line, sizeof line - 1);
}

static const char *date(struct weir__server_loop *home)
{
    int64_t now_ns = weir__loop_now_ns(home->loop);

    if (now_ns >= home->date_until_ns) {
        int64_t wall_ns = weir__clock_wall_ns();
        weir__http_date_format(wall_ns / 1000000000, home->date);
        home->date_until_ns = now_ns + 1000000000 - wall_ns % 1000000000;
    }
    return home->date;
}

/* --- headers --- */

static bool is_servers_own(const char *name)
{
    static const char *const own[] = {"content-length", "transfer-encoding", "connection", "date",
                                      "keep-alive"};

    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcasecmp(name, own[i]) == 0)
            return true;
    return false;
}

static int grow_headers(struct weir__exchange *x, size_t need)
{
    weir_response *res = &x->response;
    size_t room = res->headers_room == 0 ? 256 : res->headers_room;
    char *headers;

    if (res->headers_len + need <= res->headers_room)
        return 0;
    while (room < res->headers_len + need)
        room *= 2;
    if (room > HEADERS_BYTES_MAX)
        return -EINVAL;
    headers = weir__arena_alloc(&x->memory, room);
    if (headers == NULL)
        return -ENOMEM;
    if (res->headers_len > 0)
        memcpy(headers, res->headers, res->headers_len);
    res->headers = headers;
    res->headers_room = room;
    return 0;
}

int weir_reply_header(weir_response *res, const char *name, const char *value)
{
    struct weir__exchange *x = weir__exchange_of_response(res);
    weir_bytes n = weir_bytes_of(name), v = weir_bytes_of(value);
    weir__http_writer w;
    int err;

    if (res->began)
        return -WEIR_EBUSY;
    if (is_servers_own(name))
        return -EINVAL;
    err = grow_headers(x, n.len + v.len + 4);
    if (err < 0)
        return err;
    w = weir__http_writer_into(res->headers + res->headers_len, res->headers_room - res->headers_len);
    weir__http_write_field(&w, n, v);
    if (w.err == 0)
        res->headers_len += (size_t)(w.at - w.start);
    return w.err;
}

/* The line of a header at or behind `at`, with its length; NULL: there is none. */
static const char *find_header(const weir_response *res, const char *name, size_t at, size_t *length)
{
    size_t n = strlen(name);

    while (at < res->headers_len) {
        const char *line = res->headers + at;
        const char *end = memchr(line, '\n', res->headers_len - at);
        *length = (size_t)(end + 1 - line);
        if (*length > n && strncasecmp(line, name, n) == 0 && line[n] == ':')
            return line;
        at += *length;
    }
    return NULL;
}

static bool has_header(const weir_response *res, const char *name)
{
    size_t length;

    return res->headers_len > 0 && find_header(res, name, 0, &length) != NULL;
}

const char *weir_reply_header_get(weir_response *res, const char *name)
{
    size_t length, skip = strlen(name) + 2; /* the colon and a space */
    const char *line = find_header(res, name, 0, &length);

    return line == NULL
               ? NULL
               : weir__arena_memdup(&weir__exchange_of_response(res)->memory, line + skip, length - skip - 2);
}

const char *weir_reply_header_joined(weir_response *res, const char *name)
{
    struct weir__arena *memory = &weir__exchange_of_response(res)->memory;
    size_t length, skip = strlen(name) + 2;
    const char *text = NULL, *line = find_header(res, name, 0, &length);

    while (line != NULL) {
        const char *value = line + skip;
        int n = (int)(length - skip - 2);
        text = text == NULL ? weir__arena_printf(memory, "%.*s", n, value)
                            : weir__arena_printf(memory, "%s, %.*s", text, n, value);
        if (text == NULL)
            return NULL;
        line = find_header(res, name, (size_t)(line + length - res->headers), &length);
    }
    return text;
}

int weir_reply_header_set(weir_response *res, const char *name, const char *value)
{
    size_t length, before = res->headers_len;
    char *line;
    int err = 0;

    if (res->began)
        return -WEIR_EBUSY;
    if (is_servers_own(name))
        return -EINVAL;
    if (value != NULL) /* first, so that a failure changes nothing */
        err = weir_reply_header(res, name, value);
    if (err < 0)
        return err;
    while ((line = (char *)(uintptr_t)find_header(res, name, 0, &length)) != NULL &&
           line < res->headers + before) {
        memmove(line, line + length, res->headers_len - (size_t)(line + length - res->headers));
        res->headers_len -= length;
        before -= length;
    }
    return 0;
}

/* --- the head --- */

static bool status_has_no_body(int status)
{
    return status == 204 || status == 304;
}

bool weir__response_has_no_body(const struct weir__exchange *x, int status)
{
    return x->response.no_body || status_has_no_body(status);
}

/* length: of the body, -1 chunked or until close. Writes into room; its bytes or an error. */
static int write_head(struct weir__exchange *x, char *out, size_t room, int status, const char *type,
                      int64_t length)
{
    weir_response *res = &x->response;
    weir__http_writer w = weir__http_writer_into(out, room);

    weir__http_write_status(&w, status);
    weir__http_write_date(&w, date(x->connection->home));
    if (type != NULL && !has_header(res, "content-type"))
        weir__http_write_field(&w, WEIR__HTTP_TEXT("content-type"), weir_bytes_of(type));
    if (length >= 0 && !status_has_no_body(status))
        weir__http_write_length(&w, (uint64_t)length);
    else if (res->chunked)
        weir__http_write_chunked(&w);
    if (!res->keep_alive)
        weir__http_write_trusted(&w, WEIR__HTTP_TEXT("connection"), WEIR__HTTP_TEXT("close"));
    else if (x->request.head.minor == 0)
        weir__http_write_trusted(&w, WEIR__HTTP_TEXT("connection"), WEIR__HTTP_TEXT("keep-alive"));
    if (res->headers_len > 0)
        weir__http_write_raw(&w, (weir_bytes){res->headers, res->headers_len});
    return weir__http_writer_end(&w);
}

/* Returns: enough room for all that write_head() writes then. */
static size_t finish_headers(struct weir__exchange *x, const char *type)
{
    if (x->connection->home->server->options.server_timing && x->activity.ledger.on)
        weir__exchange_tell_timing(x);
    return HEAD_BYTES + (type != NULL ? strlen(type) : 0) + x->response.headers_len;
}

/* What is left of the body will not be read before the next request: it is too much, or may never come. */
static bool leaves_body(const struct weir__exchange *x)
{
    const weir_request *req = &x->request;

    return !req->body.ended && (req->continue_due || req->body.left > WEIR__DISCARD_BYTES_MAX);
}

/* The client sends no more, and nothing of it is here that may be a further request. */
static bool is_the_last(const struct weir__exchange *x)
{
    return x->input_end < 0 || (x->input_end > 0 && (!x->request.body.ended || x->input_at == x->input_len));
}

static int begin(struct weir__exchange *x, int status, bool whole)
{
    weir_response *res = &x->response;

    if (res->began)
        return -WEIR_EBUSY;
    if (status < 200 || status > 599)
        return -EINVAL;
    if (atomic_load_explicit(&x->connection->home->server->draining, memory_order_relaxed) ||
        is_the_last(x) || x->request.body_err < 0 || (whole && leaves_body(x)))
        res->keep_alive = false;
    return 0;
}

int weir__response_begin(struct weir__exchange *x, int status, bool whole)
{
    return begin(x, status, whole);
}

/* --- whole answers --- */

int weir__response_send_whole(struct weir__exchange *x, int status, const char *type, const void *data,
                              size_t bytes)
{
    weir_response *res = &x->response;
    bool with_body = !weir__response_has_no_body(x, status) && bytes > 0;
    bool one_write = with_body && bytes <= ONE_WRITE_BYTES;
    struct iovec pieces[2];
    size_t room = finish_headers(x, type);
    char *out;
    int head, err;

    out = weir__arena_alloc(&x->memory, room + (one_write ? bytes : 0));
    if (out == NULL)
        return -ENOMEM;
    head = write_head(x, out, room, status, type, (int64_t)bytes);
    if (head < 0)
        return head;
    res->began = res->ended = true;
    res->status = status;
    pieces[0] = (struct iovec){out, (size_t)head};
    pieces[1] = (struct iovec){(void *)(uintptr_t)data, bytes};
    if (one_write) {
        memcpy(out + head, data, bytes);
        pieces[0].iov_len += bytes;
    }
    err = send_pieces(x, pieces, with_body && !one_write ? 2 : 1);
    if (err == 0 && with_body)
        res->sent = bytes;
    return err;
}

int weir_reply_bytes(weir_response *res, int status, const char *type, const void *data, size_t bytes)
{
    struct weir__exchange *x = weir__exchange_of_response(res);
    int err = begin(x, status, true);

    if (err < 0)
        return err;
    return res->filter != NULL ? weir__filter_whole(x, status, type, data, bytes)
                               : weir__response_send_whole(x, status, type, data, bytes);
}

int weir_reply_text(weir_response *res, int status, const char *text)
{
    return weir_reply_bytes(res, status, "text/plain; charset=utf-8", text, strlen(text));
}

int weir_reply_body(weir_response *res, int status, const char *type, const weir_buffer *body)
{
    return weir_reply_bytes(res, status, type, body->data, body->len);
}

/* When a place may be had: what the pool that refused expected, rounded up; a second when nothing is known.
 */
static int add_retry_after(weir_response *res)
{
    int64_t busy_ns = weir__exchange_of_response(res)->activity.busy_for_ns;
    char seconds[24];

    (void)snprintf(seconds, sizeof seconds, "%" PRId64, busy_ns > 0 ? (busy_ns - 1) / 1000000000 + 1 : 1);
    return weir_reply_header(res, "retry-after", seconds);
}

int weir_reply_fault(weir_response *res, int status, const char *code, const char *message)
{
    weir_buffer text;
    int err;

    weir_buffer_init(&text, 4096);
    err = weir_buffer_append_text(&text, "{\"error\":{\"code\":");
    if (err == 0)
        err = weir_json_append_string(&text, code, strlen(code));
    if (err == 0)
        err = weir_buffer_append_text(&text, ",\"message\":");
    if (err == 0)
        err = weir_json_append_string(&text, message, strlen(message));
    if (err == 0)
        err = weir_buffer_append_text(&text, "}}\n");
    if (err == 0 && status == 503)
        err = add_retry_after(res);
    if (err == 0)
        err = weir_reply_body(res, status, "application/json", &text);
    weir_buffer_free(&text);
    return err;
}

static int reply_busy(weir_response *res)
{
    const char *why = weir__exchange_of_response(res)->activity.busy_why;
    char message[80];

    (void)snprintf(message, sizeof message, "%s; try again later", why != NULL ? why : "a limit is reached");
    return weir_reply_fault(res, 503, "busy", message);
}

/* The word for a refusal on behalf of the handler; NULL: it is none. */
static const char *reason_of(const weir_response *res, int err)
{
    const char *pool = weir__exchange_of_response(res)->activity.busy_reason;

    switch (-err) {
    case WEIR_EBUSY:
    case WEIR_ELATE:
        return pool != NULL ? pool : "busy";
    case WEIR_ENESTED:
    case EAGAIN:
        return "pool_other";
    case ENOMEM:
        return "memory";
    case WEIR_ETOOLARGE:
    case WEIR_ECPU:
        return "too_large";
    case WEIR_EPROTOCOL:
        return "malformed";
    case WEIR_ETRUNCATED:
        return "truncated";
    case WEIR_ESLOW:
        return weir__exchange_of_response(res)->refusal.reason; /* it is known already */
    default:
        return NULL;
    }
}

static int reply_slow(weir_response *res)
{
    const struct weir__exchange *x = weir__exchange_of_response(res);
    const weir_server_options *o = &x->connection->home->server->options;
    const char *reason = x->refusal.reason;
    char message[160], time[WEIR_DURATION_TEXT_MAX];

    if (reason != NULL && strcmp(reason, "body_rate") == 0)
        (void)snprintf(message, sizeof message,
                       "the request's body came in too slowly: %" PRIu64 " bytes a second at least (%s)",
                       o->limits.body_rate_bytes, o->limit_names.body_rate);
    else
        (void)snprintf(message, sizeof message, "nothing more of the request's body came in for %s (%s)",
                       weir_format_duration(time, sizeof time, o->limits.idle_timeout),
                       o->limit_names.idle_timeout);
    return weir_reply_fault(res, 408, "timeout", message);
}

int weir_reply_error(weir_response *res, int err)
{
    struct weir__exchange *x = weir__exchange_of_response(res);

    if (!res->began && x->refusal.status == 0)
        x->refusal.reason = reason_of(res, err);
    switch (-err) {
    case WEIR_EBUSY:
        return reply_busy(res);
    case ENOMEM:
        return weir_reply_fault(res, 503, "busy", "out of memory; try again later");
    case WEIR_ENESTED:
    case EAGAIN:
        return weir_reply_fault(res, 503, "busy", "no thread is free; try again later");
    case WEIR_EDEADLINE:
        return weir_reply_fault(res, 504, "deadline", "deadline exceeded");
    case WEIR_ELATE:
        return weir_reply_fault(res, 504, "deadline", "it would not have been done before the deadline");
    case WEIR_ETOOLARGE:
        return weir_reply_fault(res, 413, "too_large",
                                x->request.body_err == -WEIR_ETOOLARGE ||
                                        weir__http_body_is_too_large(&x->request.body)
                                    ? weir__body_limit_text(x)
                                    : "the body is larger than the limit");
    case WEIR_ECPU:
        return weir_reply_fault(res, 422, "too_large",
                                "it takes more computing than is allowed for one request");
    case WEIR_EPROTOCOL:
        return weir_reply_fault(res, 400, "malformed", "the request body can't be understood");
    case WEIR_ESLOW:
        return reply_slow(res);
    case WEIR_ETRUNCATED:
        return weir_reply_fault(res, 400, "truncated", "the request body ended early");
    default:
        return weir_reply_fault(res, 500, "internal", weir_error_text(err));
    }
}

/* --- streamed answers --- */

int weir__response_make_head(struct weir__exchange *x, int status, const char *type, int64_t length,
                             struct iovec *made)
{
    weir_response *res = &x->response;
    size_t room = finish_headers(x, type);
    char *out;
    int head;

    res->no_body = res->no_body || status_has_no_body(status);
    if (length < 0 && !res->no_body) {
        res->chunked = x->request.head.minor == 1;
        if (!res->chunked)
            res->keep_alive = false; /* HTTP/1.0: the end of the connection is the end of the body */
    }
    out = weir__arena_alloc(&x->memory, room);
    if (out == NULL)
        return -ENOMEM;
    head = write_head(x, out, room, status, type, length);
    if (head < 0)
        return head;
    res->began = true;
    res->status = status;
    res->left = length >= 0 ? (uint64_t)length : UINT64_MAX;
    *made = (struct iovec){out, (size_t)head};
    return 0;
}

int weir__response_send_head(struct weir__exchange *x, int status, const char *type, int64_t length)
{
    struct iovec head;
    int err = weir__response_make_head(x, status, type, length, &head);

    return err < 0 ? err : send_pieces(x, &head, 1);
}

int weir_reply_begin(weir_response *res, int status, const char *type, int64_t length)
{
    struct weir__exchange *x = weir__exchange_of_response(res);
    int err = begin(x, status, false);

    if (err < 0)
        return err;
    return res->filter != NULL ? weir__filter_head(x, status, type, length)
                               : weir__response_send_head(x, status, type, length);
}

int weir__response_send_body(struct weir__exchange *x, const void *data, size_t bytes)
{
    weir_response *res = &x->response;
    char line[WEIR__HTTP_CHUNK_LINE_BYTES_MAX];
    struct iovec pieces[3];
    size_t n = 0;
    int err;

    if (bytes == 0 || res->no_body)
        return res->err;
    if (res->chunked)
        pieces[n++] = (struct iovec){line, weir__http_chunk_line(line, bytes)};
    pieces[n++] = (struct iovec){(void *)(uintptr_t)data, bytes};
    if (res->chunked)
        pieces[n++] = (struct iovec){"\r\n", 2};
    err = send_pieces(x, pieces, n);
    if (err == 0)
        res->sent += bytes;
    return err;
}

int weir_reply_write(weir_response *res, const void *data, size_t bytes)
{
    struct weir__exchange *x = weir__exchange_of_response(res);
    int err;

    if (!res->began || res->ended || bytes > res->left)
        return -EINVAL;
    err = res->filtered ? weir__filter_body(x, data, bytes) : weir__response_send_body(x, data, bytes);
    if (err == 0 && res->left != UINT64_MAX && !res->no_body)
        res->left -= bytes;
    return err;
}

void weir__response_finish(struct weir__exchange *x, int outcome)
{
    weir_response *res = &x->response;

    if (!res->began) {
        if (x->input_end < 0)
            res->err = -ECONNRESET; /* nobody is there to be answered */
        else if (outcome < 0)
            (void)weir_reply_error(res, outcome);
        else
            (void)weir_reply_fault(res, 500, "internal", "the handler gave no answer");
    }
    if (res->ended || res->err < 0)
        return;
    res->ended = outcome >= 0 && (res->no_body || res->left == 0 || res->left == UINT64_MAX);
    if (res->ended && res->filtered) {
        outcome = weir__filter_finish(x);
        res->ended = outcome >= 0;
    }
    if (res->ended && res->chunked && !res->no_body)
        (void)send_bytes(x, "0\r\n\r\n", 5);
    else if (!res->ended)
        res->err = outcome < 0 ? outcome : -WEIR_ETRUNCATED;
}
