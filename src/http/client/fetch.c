/* SPDX-License-Identifier: MIT */
/* One request and its answer. The answer is read where it comes in, on the loop's own stack; the task that
 * asked is woken once, when all of it is there. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/loop.h"
#include "core/scope.h"
#include "core/wait.h"
#include "http/client/client.h"
#include "http/message/headers.h"
#include "http/message/writer.h"

enum { PARTIAL_ROOM_MIN = 1024, BODY_ROOM_MIN = 1024, INTERIMS_MAX = 32 };

void weir__fetch_init(struct weir__fetch *f, weir_client *client, const weir_fetch_options *options,
                      bool streamed)
{
    *f = (struct weir__fetch){
        .client = client,
        .streamed = streamed,
        .method = weir__http_method_of(weir_bytes_of(options->method != NULL ? options->method : "GET")),
        .body_max = options->reply_bytes_max != 0 ? options->reply_bytes_max : client->options.reply_bytes,
    };
}

/* --- sending --- */

static bool is_clients_own(const char *name)
{
    static const char *const own[] = {"content-length", "transfer-encoding", "connection", "keep-alive",
                                      "host",           "upgrade",           "te",         "trailer"};

    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcasecmp(name, own[i]) == 0)
            return true;
    return false;
}

static bool says_length(const struct weir__fetch *f, int64_t body_length)
{
    return body_length > 0 || f->method == WEIR__HTTP_POST || f->method == WEIR__HTTP_PUT ||
           f->method == WEIR__HTTP_PATCH;
}

static int write_head(struct weir__fetch *f, const weir_fetch_options *o, const struct weir__http_url *url,
                      int64_t body_length, char *out, size_t room)
{
    weir__http_writer w = weir__http_writer_into(out, room);

    weir__http_write_request_line(&w, weir_bytes_of(o->method != NULL ? o->method : "GET"), url->target);
    weir__http_write_trusted(&w, WEIR__HTTP_TEXT("host"), url->authority);
    for (size_t i = 0; i < o->header_count; i++) {
        if (is_clients_own(o->headers[i].name))
            return -EINVAL;
        weir__http_write_field(&w, weir_bytes_of(o->headers[i].name), weir_bytes_of(o->headers[i].value));
    }
    if (o->identity)
        weir__http_write_raw(&w, WEIR__HTTP_TEXT("accept-encoding: identity\r\n"));
    if (body_length < 0)
        weir__http_write_chunked(&w);
    else if (says_length(f, body_length))
        weir__http_write_length(&w, (uint64_t)body_length);
    return weir__http_writer_end(&w);
}

static size_t head_bytes(const weir_fetch_options *o, const struct weir__http_url *url)
{
    size_t n = 160 + url->target.len + url->authority.len + (o->method != NULL ? strlen(o->method) : 3);

    for (size_t i = 0; i < o->header_count; i++)
        n += strlen(o->headers[i].name) + strlen(o->headers[i].value) + 4;
    return n;
}

int weir__fetch_write_head(struct weir__fetch *f, const weir_fetch_options *options,
                           const struct weir__http_url *url, int64_t body_length, char *small)
{
    size_t room = head_bytes(options, url);
    int len;

    if (f->method == WEIR__HTTP_CONNECT)
        return -EINVAL; /* what follows would be a tunnel */
    f->head_allocated = small == NULL || room > WEIR__FETCH_HEAD_ROOM;
    f->head = f->head_allocated ? malloc(room) : small;
    if (f->head == NULL)
        return -ENOMEM;
    len = write_head(f, options, url, body_length, f->head, room);
    if (len < 0) {
        weir__fetch_free_head(f);
        return len;
    }
    f->head_len = (size_t)len;
    return 0;
}

void weir__fetch_free_head(struct weir__fetch *f)
{
    if (f->head_allocated)
        free(f->head);
    f->head = NULL;
    f->head_allocated = false;
}

/* What comes in meanwhile is read: a backend that answers before it has read all of a request is heard, also
 * one that reads no more, or answers more than the kernel keeps for us. */
int weir__fetch_write(struct weir__fetch *f, struct iovec *pieces, size_t count)
{
    struct weir__stream_write write;
    int err;

    memset(&write, 0, sizeof write);
    f->writing = &write;
    if (!f->streamed || !f->head_done) /* else its reader asks, when there is room for a piece */
        weir__client_await(f->connection);
    err = weir__stream_write_pieces(weir__client_stream(f->connection), pieces, count, &write);
    f->writing = NULL;
    return err == -WEIR_ECLOSED && weir__stream_write_is_stopped(&write) ? 1 : err;
}

int weir__fetch_send(struct weir__fetch *f, const void *body, size_t body_bytes)
{
    struct iovec pieces[2] = {{f->head, f->head_len}, {(void *)(uintptr_t)body, body_bytes}};

    return weir__fetch_write(f, pieces, 2);
}

void weir__fetch_stop_writing(struct weir__fetch *f)
{
    if (f->writing != NULL)
        weir__stream_write_stop(f->writing);
}

/* --- sending it once more --- */

/* RFC 9110, 9.2.2. */
static bool is_idempotent(enum weir__http_method method)
{
    switch (method) {
    case WEIR__HTTP_GET:
    case WEIR__HTTP_HEAD:
    case WEIR__HTTP_PUT:
    case WEIR__HTTP_DELETE:
    case WEIR__HTTP_OPTIONS:
    case WEIR__HTTP_TRACE:
        return true;
    default:
        return false;
    }
}

bool weir__fetch_is_stale(const struct weir__fetch *f, int err)
{
    bool broke_off = err == -WEIR_ETRUNCATED || err == -ECONNRESET || err == -EPIPE;

    return broke_off && f->connection != NULL && f->connection->reused && !f->began &&
           is_idempotent(f->method);
}

void weir__fetch_restart(struct weir__fetch *f)
{
    f->ended = f->news = false;
    f->err = 0;
    f->words = NULL;
}

/* --- waiting --- */

static void stop_waiting(struct weir__task *task)
{
    struct weir__fetch *f = task->wait_arg;

    f->waiter = NULL;
    weir__wake_cancelled(task);
}

/* The origin stays as long as a fetch of its is under way. */
static bool describe_answer(const struct weir__look *look, const struct weir__task *task,
                            struct weir__wait_words *out)
{
    struct weir__client_connection connection;
    struct weir__origin origin;
    struct weir__fetch fetch;

    return weir__peek(&look->peek, task->wait_arg, &fetch, sizeof fetch) &&
           weir__peek(&look->peek, fetch.connection, &connection, sizeof connection) &&
           weir__peek(&look->peek, connection.origin, &origin, sizeof origin) &&
           weir__peek_text(&look->peek, origin.waits_for, out->text, sizeof out->text);
}

static const struct weir__wait_class an_answer = {"an answer", describe_answer,
                                                  .charge = WEIR_CHARGE_BACKEND};

int weir__fetch_wait(struct weir__fetch *f)
{
    int err = weir__wait_begin();

    if (err < 0)
        return err;
    if (!f->ended && !f->news)
        weir__client_await(f->connection);
    if (f->ended || f->news) {
        f->news = false;
        return 0;
    }
    f->waiter = weir__task_current();
    return weir__park(&an_answer, stop_waiting, f);
}

void weir__fetch_wake(struct weir__fetch *f)
{
    struct weir__task *waiter = f->waiter;

    f->news = waiter == NULL;
    if (waiter == NULL)
        return;
    f->waiter = NULL;
    weir__wake(waiter, 0);
}

static bool end(struct weir__fetch *f, int err)
{
    f->ended = true;
    f->err = err;
    if (err < 0)
        f->keep = false;
    weir__fetch_stop_writing(f);
    weir__fetch_wake(f);
    return false;
}

/* --- memory of the answer --- */

static int begin_memory(struct weir__fetch *f)
{
    struct weir__arena memory;
    uint64_t most = f->streamed ? 0 : f->body_max < SIZE_MAX / 8 ? f->body_max : SIZE_MAX / 8;

    if (f->memory != NULL)
        return 0;
    /* Small buffers that grow leave their smaller selves behind: together they are smaller than the last. */
    weir__arena_init(&memory, &f->client->loop->chunks,
                     4 * ((size_t)most + f->client->options.head_bytes) + WEIR__REPLY_OVERHEAD_BYTES);
    weir__arena_charge(&memory, &f->client->loop->buffered);
    f->memory = weir__arena_alloc(&memory, sizeof *f->memory);
    if (f->memory == NULL)
        return -ENOMEM;
    weir__arena_move(f->memory, &memory);
    return 0;
}

void weir__fetch_drop_reply(struct weir__fetch *f)
{
    if (f->memory != NULL)
        weir__arena_free(f->memory);
    f->memory = NULL;
    f->reply = (weir_reply){0};
}

static int keep_partial(struct weir__fetch *f, const char *data, size_t len)
{
    size_t room = f->partial_room == 0 ? PARTIAL_ROOM_MIN : f->partial_room;
    char *partial;

    while (room < f->partial_len + len)
        room *= 2;
    if (room > f->partial_room) {
        partial = weir__arena_alloc(f->memory, room);
        if (partial == NULL)
            return -ENOMEM;
        if (f->partial_len > 0)
            memcpy(partial, f->partial, f->partial_len);
        f->partial = partial;
        f->partial_room = room;
    }
    memmove(f->partial + f->partial_len, data, len); /* data may be a part of it, behind a 1xx */
    f->partial_len += len;
    return 0;
}

/* --- the body --- */

/* Makes the body room bytes large. */
static int set_body_room(struct weir__fetch *f, size_t room)
{
    char *body;

    if (room > WEIR__REPLY_SMALL_BYTES && !weir__client_has_room(f->client, room - f->body_room)) {
        f->words = "the answers of all backends together hold as much memory as they may";
        return -WEIR_EBUSY;
    }
    body = f->body_room > 0 ? (char *)(uintptr_t)f->reply.body : NULL;
    body = weir__arena_resize(f->memory, body, f->reply.body_bytes, room);
    if (body == NULL)
        return -ENOMEM;
    f->reply.body = body;
    f->body_room = room;
    return 0;
}

static int make_body_room(struct weir__fetch *f, size_t len)
{
    size_t room = f->body_room == 0 ? BODY_ROOM_MIN : f->body_room;

    if (f->reply.body_bytes + len < f->body_room)
        return 0;
    while (room <= f->reply.body_bytes + len)
        room *= 2;
    return set_body_room(f, room);
}

void weir__fetch_trim_body(struct weir__fetch *f)
{
    size_t need = f->reply.body_bytes + 1;
    char *body;

    if (f->body_room - need <= f->body_room / 8)
        return;
    body = weir__arena_resize(f->memory, (char *)(uintptr_t)f->reply.body, need - 1, need);
    if (body != NULL) /* else it did not become smaller */
        f->reply.body = body;
}

static int begin_body(struct weir__fetch *f, const struct weir__http_response_head *head)
{
    weir__http_body_begin(&f->body, head->framing, head->content_length, f->body_max);
    if (f->streamed)
        f->body.max = UINT64_MAX;
    else if (weir__http_body_is_too_large(&f->body))
        return -WEIR_ETOOLARGE;
    f->reply.body = "";
    if (f->streamed || f->body.left == 0)
        return 0;
    /* The length is known: the body comes into one piece of memory of its size. */
    if (f->body.left >= WEIR__REPLY_SMALL_BYTES)
        return set_body_room(f, (size_t)f->body.left + 1);
    f->body_room = (size_t)f->body.left + 1;
    f->reply.body = weir__arena_alloc(f->memory, f->body_room);
    return f->reply.body == NULL ? -ENOMEM : 0;
}

static int take_body(struct weir__fetch *f, const char *data, size_t len)
{
    size_t used = 0;

    while (!f->body.ended && used < len) {
        weir_bytes run;
        size_t n;
        int step = weir__http_body_next(&f->body, data + used, len - used, &n, &run);
        if (step < 0) {
            f->words = f->body.chunked.fault;
            return step;
        }
        used += n;
        if (run.len == 0)
            continue;
        step = make_body_room(f, run.len);
        if (step < 0)
            return step;
        memcpy((char *)(uintptr_t)f->reply.body + f->reply.body_bytes, run.data, run.len);
        f->reply.body_bytes += run.len;
    }
    if (used < len)
        f->keep = false; /* more than the answer came: what follows can't be trusted */
    return 0;
}

static int keep_piece(struct weir__fetch *f, const char *data, size_t len)
{
    if (f->piece == NULL)
        f->piece = malloc(WEIR__STREAM_LENT_BYTES_MAX);
    if (f->piece == NULL)
        return -ENOMEM;
    memcpy(f->piece, data, len);
    f->piece_at = 0;
    f->piece_len = len;
    return 0;
}

/* --- the head --- */

static char *end_text(char *copy, const char *original, weir_bytes span)
{
    char *text = copy + (span.data - original);

    text[span.len] = '\0'; /* in place of the ':' or of the end of the line */
    return text;
}

/* On the way of every field of every answer: a look at its length is all for most. */
static void heed(const struct weir__http_field *field, struct weir__keep_alive *told, bool *coded)
{
    if (field->name.len == sizeof "keep-alive" - 1) {
        if (weir_bytes_equal_nocase(field->name, WEIR__HTTP_TEXT("keep-alive")))
            weir__keep_alive_read(told, field->value);
    } else if (field->name.len == sizeof "content-encoding" - 1) {
        if (weir_bytes_equal_nocase(field->name, WEIR__HTTP_TEXT("content-encoding")))
            *coded = true;
    }
}

static int take_head(struct weir__fetch *f, const struct weir__http_response_head *head, const char *data,
                     size_t len)
{
    char *copy = weir__arena_memdup(f->memory, data, len);
    weir_header *headers = weir__arena_calloc(f->memory, head->field_count, sizeof *headers);
    struct weir__keep_alive told = {0};

    if (copy == NULL || headers == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < head->field_count; i++) {
        const struct weir__http_field *field = &head->fields[i];
        heed(field, &told, &f->reply.coded);
        headers[i].name = end_text(copy, data, field->name);
        headers[i].value = field->value.len > 0 ? end_text(copy, data, field->value) : "";
    }
    f->reply.status = head->status;
    f->reply.headers = headers;
    f->reply.header_count = head->field_count;
    f->reply.memory = f->memory;
    f->head_done = true;
    f->keep = head->keep_alive && head->framing != WEIR__HTTP_UNTIL_CLOSE && !told.ends;
    f->connection->unused_ns = told.unused_ns;
    return begin_body(f, head);
}

/* Reads heads off data, those of 1xx too. Returns: the bytes used; 0 the head is not whole yet; < 0. */
static int parse_head(struct weir__fetch *f, const char *data, size_t len)
{
    struct weir__http_head_limits limits = {.head_bytes_max = f->client->options.head_bytes};
    struct weir__http_response_head head = {.fields = f->client->fields,
                                            .field_max = (size_t)f->client->options.headers};
    struct weir__http_fault fault = {0};
    size_t used = 0;
    int n, err;

    for (;;) {
        n = weir__http_response_head_parse(data + used, len - used, &f->scan, &limits, f->method, &head,
                                           &fault);
        if (n <= 0)
            break;
        f->scan = (struct weir__http_scan){0};
        if (head.status >= 200) {
            err = take_head(f, &head, data + used, (size_t)n);
            return err < 0 ? err : (int)used + n;
        }
        if (++f->interims > INTERIMS_MAX) {
            f->words = "it has more than 32 interim answers (1xx)";
            return -WEIR_EPROTOCOL;
        }
        used += (size_t)n;
    }
    if (n < 0) {
        f->words = fault.message;
        return n == -WEIR_ETOOLARGE ? -WEIR_EPROTOCOL : n;
    }
    if (used > 0) { /* 1xx heads alone so far */
        f->partial_len = 0;
        err = keep_partial(f, data + used, len - used);
        return err < 0 ? err : 0;
    }
    return f->partial_len > 0 ? 0 : keep_partial(f, data, len);
}

static int take_head_bytes(struct weir__fetch *f, const char **data, size_t *len)
{
    size_t before = f->partial_len;
    int used, err;

    if (before == 0) {
        used = parse_head(f, *data, *len);
    } else {
        err = keep_partial(f, *data, *len);
        if (err < 0)
            return err;
        used = parse_head(f, f->partial, f->partial_len);
        if (used > 0)
            used -= (int)before;
    }
    if (used < 0 || !f->head_done)
        return used;
    *data += used;
    *len -= (size_t)used;
    return 0;
}

static int closed_by_peer(struct weir__fetch *f)
{
    f->keep = false;
    if (!f->head_done)
        return -WEIR_ETRUNCATED;
    return f->streamed ? 0 : weir__http_body_closed(&f->body); /* a stream's reader finds out itself */
}

bool weir__fetch_feed(struct weir__fetch *f, const char *data, int32_t result)
{
    size_t len = (size_t)result;
    int err;

    if (f->ended)
        return false;
    if (result <= 0)
        return end(f, result < 0 ? result : closed_by_peer(f));
    f->began = true;
    err = begin_memory(f);
    if (err == 0 && !f->head_done)
        err = take_head_bytes(f, &data, &len);
    if (err < 0)
        return end(f, err);
    if (!f->head_done)
        return true;
    if (f->streamed) {
        err = len > 0 ? keep_piece(f, data, len) : 0;
        if (err < 0)
            return end(f, err);
        if (!f->both_ways)
            weir__fetch_stop_writing(f);
        weir__fetch_wake(f);
        return false; /* the reader asks for more */
    }
    err = take_body(f, data, len);
    if (err < 0 || f->body.ended)
        return end(f, err);
    return true;
}
