/* SPDX-License-Identifier: MIT */
/* Receives a body while its client reads nothing of the response.
 *
 * A client that sends all of a body before it reads anything, of a response that is sent while the body
 * comes, would wait for the server as the server waits for it, for ever. So when the client takes nothing
 * more, what it still sends is received and kept, up to a maximum for each exchange and for the server.
 * Clients that read as they send keep nothing here. What comes before the end of a client that sends no more
 * is kept, too: only behind it shows whether the body is whole (h1_watch.c).
 */
#include "http/server/h1.h"

enum { BURST_BYTES = 256 << 10 }; /* received before others have their turn of the loop */

struct weir__h1_read_ahead {
    weir_buffer kept;            /* the input lies in it, unless it is empty */
    weir_buffer aside;           /* came while payload was lent, which must stay where it lies */
    struct weir__http_body body; /* as of the last byte that came */
    size_t counted;              /* in server->read_ahead_bytes */
    size_t burst;                /* since the loop was last left to others */
    bool over;                   /* the body's end has come, or a fault */
    struct weir__timeout again;
    struct weir__h1_exchange *exchange;
};

/* Reads the body along by a copy of its state, to know its end: what comes behind the end is not kept. */
static void follow(struct weir__h1_exchange *h, const char *data, size_t len)
{
    struct weir__h1_read_ahead *ahead = h->ahead;
    weir_bytes payload;
    size_t used;
    int step = WEIR__HTTP_BODY_DATA;

    while (step == WEIR__HTTP_BODY_DATA) {
        step = weir__http_body_next(&ahead->body, data, len, &used, &payload);
        data += used;
        len -= used;
    }
    ahead->over = ahead->over || step != WEIR__HTTP_BODY_MORE;
}

/* --- beginning and ending --- */

static void go_on(struct weir__timeout *again)
{
    struct weir__h1_read_ahead *ahead = weir__container_of(again, struct weir__h1_read_ahead, again);

    ahead->burst = 0;
    weir__h1_read_ahead(ahead->exchange);
}

static void begin(struct weir__h1_exchange *h)
{
    h->ahead = weir__arena_calloc(&h->exchange.memory, 1, sizeof *h->ahead);
    if (h->ahead == NULL)
        return;
    h->ahead->exchange = h;
    weir__timeout_init(&h->ahead->again, go_on);
    weir_buffer_init(&h->ahead->kept, SIZE_MAX);
    weir_buffer_init(&h->ahead->aside, SIZE_MAX);
    h->ahead->body = h->exchange.request.body;
    h->ahead->body.chunked.keeps_trailers = false;
    if (h->input_len > h->input_at)
        follow(h, h->input + h->input_at, h->input_len - h->input_at);
}

void weir__h1_read_ahead(struct weir__h1_exchange *h)
{
    const weir_request *req = &h->exchange.request;

    if (req->body.ended || h->input_end != 0 || req->continue_due || (h->progress.waits & WEIR__H1_WAIT_BODY))
        return;
    if (h->ahead == NULL)
        begin(h);
    if (weir__h1_read_ahead_wants_more(h))
        weir__h1_receive(h->connection);
}

/* What is kept has changed. */
static void count(struct weir__h1_exchange *h)
{
    struct weir__h1_read_ahead *ahead = h->ahead;
    size_t now = ahead->kept.len + ahead->aside.len;

    atomic_fetch_add_explicit(&h->exchange.home->server->read_ahead_bytes, now - ahead->counted,
                              memory_order_relaxed);
    ahead->counted = now;
}

void weir__h1_read_ahead_end(struct weir__h1_exchange *h)
{
    weir__timeout_cancel(h->exchange.home->loop, &h->ahead->again);
    weir_buffer_free(&h->ahead->kept);
    weir_buffer_free(&h->ahead->aside);
    count(h);
}

/* --- keeping --- */

/* Makes the input lie in the buffer. The part of it that was used is removed once it is large: moving the
 * rest takes a while. Returns: 0 the input begins with the buffer; 1 where it did; < 0. */
static int collect(struct weir__h1_exchange *h)
{
    weir_buffer *kept = &h->ahead->kept;

    if (h->input != kept->data) {
        weir_buffer_clear(kept);
        return weir_buffer_append(kept, h->input + h->input_at, h->input_len - h->input_at);
    }
    if (kept->len < WEIR__H1_READ_AHEAD_BYTES_MAX || h->input_at < kept->len / 4)
        return 1;
    weir_buffer_consume(kept, h->input_at);
    return 0;
}

static int keep(struct weir__h1_exchange *h, const char *data, size_t len)
{
    struct weir__h1_read_ahead *ahead = h->ahead;
    int moved = collect(h), err = moved < 0 ? moved : weir_buffer_append(&ahead->kept, data, len);

    if (moved == 0)
        h->input_at = 0;
    if (moved < 0)
        return moved;
    h->input = ahead->kept.data;
    h->input_len = h->input_room = ahead->kept.len;
    return err;
}

int weir__h1_read_ahead_settle(struct weir__h1_exchange *h)
{
    weir_buffer *aside = &h->ahead->aside;
    int err;

    if (aside->len == 0)
        return 0;
    if (h->input_at < h->input_len) {
        err = keep(h, aside->data, aside->len);
        weir_buffer_free(aside);
        count(h);
        return err;
    }
    weir_buffer_free(&h->ahead->kept);
    h->ahead->kept = *aside;
    weir_buffer_init(aside, SIZE_MAX);
    h->input = h->ahead->kept.data;
    h->input_at = 0;
    h->input_len = h->input_room = h->ahead->kept.len;
    count(h);
    return 0;
}

int weir__h1_read_ahead_add(struct weir__h1_exchange *h, const char *data, size_t len)
{
    int err = h->lends ? weir_buffer_append(&h->ahead->aside, data, len) : keep(h, data, len);

    if (err < 0)
        return err;
    count(h);
    follow(h, data, len);
    h->ahead->burst += len;
    if (h->ahead->burst >= BURST_BYTES && !weir__timer_is_set(&h->ahead->again.timer)) {
        struct weir__loop *loop = h->exchange.home->loop;
        weir__timeout_set(loop, &h->ahead->again, weir__loop_now_ns(loop));
    }
    return 0;
}

void weir__h1_read_ahead_used(struct weir__h1_exchange *h, const char *data, size_t len)
{
    if (h->ahead->kept.data != NULL) {
        weir_buffer_free(&h->ahead->kept);
        count(h);
    }
    follow(h, data, len);
}

void weir__h1_read_ahead_passed(struct weir__h1_exchange *h)
{
    if (h->ahead == NULL)
        return;
    h->ahead->body = h->exchange.request.body;
    h->ahead->body.chunked.keeps_trailers = false;
}

static bool has_room(const struct weir__h1_exchange *h)
{
    const struct weir_server *server = h->exchange.home->server;

    return h->input_len - h->input_at + h->ahead->aside.len < WEIR__H1_READ_AHEAD_BYTES_MAX &&
           atomic_load_explicit(&server->read_ahead_bytes, memory_order_relaxed) <
               WEIR__H1_READ_AHEAD_BYTES_MAX_OF_ALL;
}

bool weir__h1_read_ahead_wants_more(const struct weir__h1_exchange *h)
{
    const struct weir__h1_read_ahead *ahead = h->ahead;

    return ahead != NULL && !ahead->over && ahead->burst < BURST_BYTES &&
           (h->sent_last || (h->progress.waits & WEIR__H1_WAIT_TAKE)) && has_room(h);
}

bool weir__h1_read_ahead_is_cut(const struct weir__h1_exchange *h)
{
    return !h->ahead->over;
}
