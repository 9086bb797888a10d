/* SPDX-License-Identifier: MIT */
/* A client of raw bytes, a server that pumps, and a backend of raw bytes, in one run: for the tests of the
 * pump.
 *
 * Threading: all of it is one loop's.
 */
#ifndef TEST_HTTP_PUMP_RIG_H
#define TEST_HTTP_PUMP_RIG_H

#include "base/sanitizer.h"
#include "http/client/client_rig.h"
#include "http/server/server_rig.h"

enum { SEND_BYTES = 300000 };

enum framing { BY_LENGTH, BY_CHUNKS, BY_SMALL_CHUNKS, BY_CLOSE };

/* What a backend or a client sends, and where it breaks off. */
struct sending {
    size_t bytes;
    enum framing framing;
    size_t breaks_at; /* after so many bytes of the body it resets its connection; SIZE_MAX: it does not */
    bool trailers;
};

struct proxied {
    struct rig rig; /* first: see proxied_of() */
    struct backend backend;
    weir_client *client;
    struct sending down, up; /* what the backend answers, and what the client sends */
    weir_body_pump_options options;
    bool with_filter;
    size_t backend_takes; /* of a request's body it reads so much; SIZE_MAX: all */
    size_t received;      /* by the backend, of the body of the last request */
    bool received_whole;  /* with its end */
    int up_result, down_result;
    weir_body_pumped pumped_up, pumped_down;
    int (*test)(struct proxied *p);
};

static inline struct proxied *proxied_of(struct rig *rig)
{
    return (struct proxied *)(void *)rig;
}

/* --- bytes that can be checked --- */

#ifdef WITH_TSAN /* which would look at each byte */
#define UNSEEN __attribute__((no_sanitize("thread")))
#else
#define UNSEEN
#endif

UNSEEN static inline char byte_at(size_t at)
{
    return (char)('a' + (at * 7 + at / 251) % 26);
}

UNSEEN static inline void fill_bytes(char *data, size_t from, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        data[i] = byte_at(from + i);
}

UNSEEN static inline void check_bytes(const char *data, size_t from, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (data[i] != byte_at(from + i))
            fail_msg("byte %zu of the body is wrong", from + i);
}

static inline size_t chunk_bytes(enum framing framing)
{
    return framing == BY_SMALL_CHUNKS ? 1000 : SEND_BYTES;
}

static inline int send_body_from(weir_stream *s, const struct sending *what, char *data)
{
    size_t stop = what->breaks_at < what->bytes ? what->breaks_at : what->bytes;
    bool chunked = what->framing == BY_CHUNKS || what->framing == BY_SMALL_CHUNKS;
    char line[32];
    int err = 0;

    for (size_t at = 0, n; at < stop && err == 0; at += n) {
        size_t chunk = chunked ? chunk_bytes(what->framing) : SEND_BYTES;

        chunk = chunk < what->bytes - at ? chunk : what->bytes - at;
        n = chunk < stop - at ? chunk : stop - at;
        fill_bytes(data, at, n);
        (void)snprintf(line, sizeof line, "%zx\r\n", chunk);
        if (chunked)
            err = send_text(s, line);
        if (err == 0)
            err = weir_write(s, data, n);
        if (err == 0 && chunked && n == chunk)
            err = send_text(s, "\r\n");
    }
    if (err == 0 && what->breaks_at <= what->bytes)
        return 1;
    if (err == 0 && chunked)
        err = send_text(s, what->trailers ? "0\r\nx-sum: 42\r\nconnection: no\r\n\r\n" : "0\r\n\r\n");
    return err;
}

/* Sends a body. Returns: 0; 1 it broke off, as it should; < 0. */
static inline int send_body(weir_stream *s, const struct sending *what)
{
    char *data = malloc(SEND_BYTES);
    int err = send_body_from(s, what, data);

    free(data);
    return err;
}

/* A reader of one body: by length, by chunks, or until the close. */
struct reading {
    struct weir__http_body body;
    bool is_error; /* an answer of the server's own */
    size_t bytes;
    char trailers[256];
    size_t trailer_len;
};

/* Takes bytes of a body. Returns: the bytes used; < 0 it is malformed. */
static inline ssize_t take_body(struct reading *r, const char *data, size_t len)
{
    size_t at = 0;

    while (at < len && !r->body.ended) {
        weir_bytes run;
        size_t used;
        int step = weir__http_body_next(&r->body, data + at, len - at, &used, &run);
        if (step < 0)
            return step;
        at += used;
        if (step == WEIR__HTTP_BODY_DATA) {
            if (!r->is_error)
                check_bytes(run.data, r->bytes, run.len);
            r->bytes += run.len;
        } else if (run.len > 0 && r->trailer_len + run.len < sizeof r->trailers) {
            memcpy(r->trailers + r->trailer_len, run.data, run.len);
            r->trailer_len += run.len;
        }
    }
    return (ssize_t)at;
}

/* --- the backend --- */

static inline int answer_head(weir_stream *s, const struct sending *what)
{
    char head[256];

    if (what->framing == BY_LENGTH)
        (void)snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\ncontent-length: %zu\r\n\r\n", what->bytes);
    else if (what->framing == BY_CLOSE)
        (void)snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
    else
        (void)snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    return send_text(s, head);
}

/* Reads the body that follows a head in b->request. Returns: 0; 1 it wants no more; < 0. */
static inline int receive_body(struct proxied *p, weir_stream *s)
{
    const char *head = p->backend.request, *begun = strstr(head, "\r\n\r\n") + 4;
    const char *length = strstr(head, "content-length: ");
    struct reading r = {0};
    char data[20000];
    ssize_t n;

    p->received = 0;
    p->received_whole = false;
    weir__http_body_begin(&r.body,
                          strstr(head, "chunked") != NULL ? WEIR__HTTP_CHUNKED
                          : length != NULL                ? WEIR__HTTP_LENGTH
                                                          : WEIR__HTTP_NO_BODY,
                          length != NULL ? atol(length + 16) : 0, UINT64_MAX);
    n = take_body(&r, begun, strlen(begun));
    while (n >= 0 && !r.body.ended && r.bytes < p->backend_takes) {
        p->received = r.bytes;
        n = weir_read(s, data, sizeof data);
        if (n <= 0)
            return n == 0 ? -WEIR_ETRUNCATED : (int)n;
        n = take_body(&r, data, (size_t)n);
    }
    p->received = r.bytes;
    p->received_whole = r.body.ended;
    return n < 0 ? (int)n : r.body.ended ? 0 : 1;
}

static inline int serve_proxied(struct backend *b, weir_stream *s, int number)
{
    struct proxied *p = b->arg;
    int result;

    (void)number;
    while (read_request(b, s) > 0) {
        result = receive_body(p, s);
        if (result < 0)
            return 0;
        if (result == 1 || p->down.bytes == SIZE_MAX) /* it says nothing more */
            return weir_sleep(weir_seconds(3600));
        if (answer_head(s, &p->down) < 0)
            return 0;
        if (strncmp(b->request, "HEAD", 4) == 0)
            continue;
        result = send_body(s, &p->down);
        if (result == 1 && p->down.breaks_at % 2 == 1) { /* it breaks off by an end, or by a reset */
            (void)weir_stream_shutdown(s);
            return weir_sleep(weir_seconds(3600));
        }
        if (result == 1 && weir_sleep(weir_ms(5)) == 0)       /* a reset takes what is not on its way yet */
            s->transport->type->reset_on_close(s->transport); /* the caller closes it */
        if (result == 1)
            return 1;
        if (result < 0 || p->down.framing == BY_CLOSE)
            return 0;
    }
    return 0;
}

/* --- the proxy --- */

struct upload {
    struct proxied *p;
    weir_request *req;
    weir_fetch_stream *fetch;
};

static inline int pump_up(void *arg)
{
    struct upload *u = arg;
    struct proxied *p = u->p;

    p->up_result = weir_body_pump(&(weir_body_source){.request = u->req},
                                  &(weir_body_sink){.fetch = u->fetch}, &p->options, &p->pumped_up);
    if (p->up_result == 0)
        p->up_result = weir_fetch_end(u->fetch);
    return p->up_result < 0 ? p->up_result : 0;
}

static inline int answer_down(struct proxied *p, weir_response *res, weir_fetch_stream *fetch)
{
    weir_reply reply;
    int err = weir_fetch_head(fetch, &reply);

    p->down_result =
        err < 0 ? err
                : weir_respond_pump(res, reply.status, "text/plain", &(weir_body_source){.fetch = fetch},
                                    &p->options, &p->pumped_down);
    return p->down_result;
}

static inline int both_ways(struct proxied *p, weir_request *req, weir_response *res,
                            weir_fetch_stream *fetch)
{
    struct upload u = {p, req, fetch};
    weir_scope scope;
    int err, closed;

    weir_scope_open(&scope, weir_never(), 0);
    err = weir_spawn(&scope, "upload", pump_up, &u);
    if (err == 0)
        err = answer_down(p, res, fetch);
    weir_scope_cancel(&scope);
    closed = weir_scope_close(&scope);
    return err < 0 ? err : closed == -WEIR_ECANCELED ? 0 : closed;
}

static inline int filter_nothing(void *arg, weir_response *res, const weir_response_head *head)
{
    (void)arg, (void)res;
    return head->status == 200;
}

static inline int filter_piece(void *arg, weir_bytes in, bool last, weir_bytes *out)
{
    (void)arg, (void)last;
    *out = in;
    return 0;
}

static const weir_response_filter passing_filter = {filter_nothing, filter_piece, NULL};

static inline int proxy_handler(weir_request *req, weir_response *res, void *state)
{
    struct proxied *p = weir_request_data(req);
    const char *length = weir_request_header(req, "content-length");
    int64_t bytes = length != NULL                                          ? atol(length)
                    : weir_request_header(req, "transfer-encoding") != NULL ? -1
                                                                            : 0;
    weir_fetch_options options = {
        .method = weir_request_method(req), .url = p->backend.url, .duplex = bytes != 0};
    weir_fetch_stream *fetch;
    int err = weir_fetch_open(p->client, &options, bytes, &fetch);

    (void)state;
    p->up_result = p->down_result = 1000; /* not run */
    if (err == 0 && p->with_filter)
        err = weir_response_filter_add(res, &passing_filter, NULL);
    if (err < 0)
        return err;
    err = bytes != 0 ? both_ways(p, req, res, fetch) : answer_down(p, res, fetch);
    weir_fetch_close(fetch);
    return err;
}

/* Vital: not refused where a busy machine makes requests wait. */
#define PROXY_ROUTE(arg)                                                                                     \
    {                                                                                                        \
        .path = "/*", .handler = proxy_handler, .data = (arg), .body_bytes_max = UINT64_MAX, .vital = true   \
    }

/* --- the client --- */

static inline int send_request(const struct proxied *p, weir_stream *s, const char *method,
                               const char *version)
{
    char head[256];
    int err;

    if (p->up.bytes == 0)
        (void)snprintf(head, sizeof head, "%s / HTTP/%s\r\nHost: a\r\n\r\n", method, version);
    else if (p->up.framing == BY_LENGTH)
        (void)snprintf(head, sizeof head, "%s / HTTP/%s\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", method,
                       version, p->up.bytes);
    else
        (void)snprintf(head, sizeof head, "%s / HTTP/%s\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
                       method, version);
    err = send_text(s, head);
    return err == 0 && p->up.bytes > 0 ? send_body(s, &p->up) : err;
}

struct answer {
    char head[1024];
    int status;
    struct reading r;
    int err; /* 0 it came whole; why not */
};

struct request {
    struct proxied *p;
    weir_stream *s;
    const char *method, *version;
};

static inline int send_it(void *arg)
{
    struct request *r = arg;

    if (send_request(r->p, r->s, r->method, r->version) == 1)
        weir_stream_abort(r->s);
    return 0;
}

/* Reads an answer: its head, and its body. */
static inline void read_answer(weir_stream *s, bool bodiless, struct answer *a)
{
    char data[30000];
    size_t len = 0, have;
    ssize_t n = 0;
    const char *end = NULL, *length;

    memset(a, 0, sizeof *a);
    while (end == NULL && len + 1 < sizeof data &&
           (n = weir_read(s, data + len, sizeof data - 1 - len)) > 0) {
        len += (size_t)n;
        data[len] = '\0';
        end = strstr(data, "\r\n\r\n");
    }
    a->err = n < 0 ? (int)n : end == NULL ? -WEIR_ETRUNCATED : 0;
    if (end == NULL)
        return;
    have = (size_t)(end - data) + 4;
    assert_true(have < sizeof a->head);
    memcpy(a->head, data, have);
    a->status = atoi(a->head + 9);
    a->r.is_error = a->status >= 400;
    length = strstr(a->head, "content-length: ");
    weir__http_body_begin(&a->r.body,
                          bodiless                             ? WEIR__HTTP_NO_BODY
                          : strstr(a->head, "chunked") != NULL ? WEIR__HTTP_CHUNKED
                          : length != NULL                     ? WEIR__HTTP_LENGTH
                                                               : WEIR__HTTP_UNTIL_CLOSE,
                          length != NULL ? atol(length + 16) : 0, UINT64_MAX);
    a->r.body.chunked.keeps_trailers = true;
    n = take_body(&a->r, data + have, len - have);
    while (n >= 0 && !a->r.body.ended) {
        n = weir_read(s, data, sizeof data);
        if (n > 0)
            n = take_body(&a->r, data, (size_t)n);
        else if (n == 0)
            n = weir__http_body_closed(&a->r.body);
        if (n < 0)
            a->err = (int)n;
    }
}

/* One exchange: sends and reads at the same time. */
static inline void ask(struct proxied *p, weir_stream *s, const char *method, const char *version,
                       struct answer *a)
{
    struct request r = {p, s, method, version};
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "sender", send_it, &r), 0);
    read_answer(s, strcmp(method, "HEAD") == 0, a);
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
}

/* --- all of it --- */

static inline int proxied_test(struct rig *rig)
{
    return proxied_of(rig)->test(proxied_of(rig));
}

static inline int proxied_main(void *arg)
{
    struct proxied *p = arg;
    int result;

    p->down = p->up = (struct sending){.breaks_at = SIZE_MAX};
    p->options = (weir_body_pump_options){0};
    p->with_filter = false;
    p->backend_takes = SIZE_MAX;
    p->client = client_open(NULL);
    backend_open(&p->backend, serve_proxied, p);
    result = rig_main(&p->rig);
    backend_close(&p->backend);
    weir_client_close(p->client);
    return result;
}

static inline void proxied_run(int (*test)(struct proxied *p))
{
    static struct proxied p;
    static weir_route route = PROXY_ROUTE(&p);

    p = (struct proxied){.rig = {.routes = &route, .route_count = 1, .test = proxied_test}, .test = test};
    run_on_all_transports(proxied_main, &p);
}

#endif
