/* SPDX-License-Identifier: MIT */
/* Sending a request. */
#include <errno.h>
#include <string.h>

#include "core/account/attribution.h"
#include "http/client/connection.h"
#include "http/client/fetch_parts.h"
#include "http/client/secure.h"
#include "net/idle_limit.h"

/* --- sending --- */

/* What comes in meanwhile is read. So a backend may answer before it has read all of a request, also one that
 * reads no more, or whose answer is more than the kernel keeps. */
void weir__fetch_begin_write(struct weir__fetch *f, struct weir__stream_write *write)
{
    memset(write, 0, sizeof *write);
    f->writing = write;
    if (!f->streamed || !f->head_done) /* else the reading task asks, when there is room for a piece */
        weir__client_await(f->connection);
}

int weir__fetch_end_write(struct weir__fetch *f, const struct weir__stream_write *write, int err)
{
    f->writing = NULL;
    return err == -WEIR_ECLOSED && weir__stream_write_is_stopped(write) ? 1 : weir__fetch_broke(f, err);
}

bool weir__fetch_is_unsent(int sent)
{
    return sent < 0 && (sent == weir_cancelled() || sent == -ENOMEM || sent == -ENOBUFS);
}

int weir__fetch_failure(const struct weir__fetch *f, int sent)
{
    return sent < 0 && !f->began && f->err != -WEIR_ETLS ? sent : f->err;
}

int weir__fetch_broke(struct weir__fetch *f, int err)
{
    if (err == -WEIR_ETLS)
        f->why = weir__client_tls_why(f->connection);
    return err;
}

int weir__fetch_write(struct weir__fetch *f, struct iovec *pieces, size_t count, int64_t idle_ns)
{
    weir_stream *stream = weir__client_stream(f->connection);
    struct weir__stream_write write;
    struct weir__idle_limit limit;
    int err;

    weir__fetch_begin_write(f, &write);
    if (idle_ns > 0)
        weir__idle_limit_begin(&limit, stream, &write.wait, idle_ns);
    err = weir__stream_write_pieces(stream, pieces, count, &write);
    if (idle_ns > 0)
        err = (int)weir__idle_limit_end(&limit, err);
    return weir__fetch_end_write(f, &write, err);
}

int weir__fetch_send(struct weir__fetch *f, const void *body, size_t body_bytes)
{
    char line[WEIR__HTTP_CHUNK_LINE_BYTES_MAX];
    struct iovec pieces[5] = {{f->head, f->head_len}, {(void *)(uintptr_t)body, body_bytes}};
    size_t count = body_bytes > 0 ? 2 : 1;

    if (f->tail_len > 0) { /* chunked, because trailers follow */
        count = 1;
        if (body_bytes > 0) {
            pieces[count++] = (struct iovec){line, weir__http_chunk_line(line, body_bytes)};
            pieces[count++] = (struct iovec){(void *)(uintptr_t)body, body_bytes};
            pieces[count++] = (struct iovec){(void *)(uintptr_t) "\r\n", 2};
        }
        pieces[count++] = (struct iovec){(void *)(uintptr_t)f->tail, f->tail_len};
    }
    return weir__fetch_write(f, pieces, count, 0);
}

void weir__fetch_stop_writing(struct weir__fetch *f)
{
    if (f->writing != NULL)
        weir__stream_write_stop(f->writing);
}

/* --- sending it once more --- */

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

bool weir__fetch_is_repeatable(const struct weir__fetch *f)
{
    return !f->once && is_idempotent(f->method);
}

/* A connection that had been closed says so within a round trip. One that breaks off later does so because of
 * the request: a backend in trouble must not get that twice. */
static bool is_lost_at_once(const struct weir__client_connection *c)
{
    static const int64_t at_once_ns = INT64_C(1000000000);

    return c->reused_ns != 0 && weir__loop_now_ns(c->client->loop) - c->reused_ns < at_once_ns;
}

bool weir__fetch_is_stale(const struct weir__fetch *f, int err)
{
    bool broke_off = err == -WEIR_ETRUNCATED || err == -ECONNRESET || err == -EPIPE;

    return broke_off && f->connection != NULL && is_lost_at_once(f->connection) && !f->began &&
           weir__fetch_is_repeatable(f);
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
    return options->name != NULL ? options->name : weir__ledger_name(l, origin->label);
}
