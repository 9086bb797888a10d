/* SPDX-License-Identifier: MIT */
/* Sending a request. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/account/attribution.h"
#include "http/client/connection.h"
#include "http/client/fetch_parts.h"
#include "http/message/headers.h"
#include "http/message/writer.h"

/* --- the head --- */

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

/* --- sending --- */

/* Writes, and reads what comes in meanwhile. So a backend may answer before it has read all of a request,
 * also one that reads no more, or whose answer is more than the kernel keeps. */
int weir__fetch_write(struct weir__fetch *f, struct iovec *pieces, size_t count)
{
    struct weir__stream_write write;
    int err;

    memset(&write, 0, sizeof write);
    f->writing = &write;
    if (!f->streamed || !f->head_done) /* else the reading task asks, when there is room for a piece */
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

/* By RFC 9110, 9.2.2. */
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
    f->why = NULL;
}

const char *weir__fetch_charge_name(const weir_fetch_options *options, const struct weir__origin *origin)
{
    struct weir__ledger *l = weir__attribution_ledger(weir__task_current());

    if (l == NULL)
        return NULL;
    return options->name != NULL ? options->name : weir__ledger_name(l, origin->address);
}
