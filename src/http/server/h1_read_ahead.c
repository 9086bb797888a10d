/* SPDX-License-Identifier: MIT */
/* A client that sends all of a body before it reads anything of the answer, while the answer already goes
 * out: each would wait for the other for ever. So when it takes nothing more, what it still sends is read and
 * kept, up to a maximum for it and one for all of the server. Those that read as they send keep nothing here.
 */
#include "http/server/server.h"

enum { BURST_BYTES = 256 << 10 }; /* then others have their turn of the loop */

/* What comes after the body is not ours: the body is read along, by a copy of its state, to know its end. */
static void follow(struct weir__exchange *x, const char *data, size_t len)
{
    struct weir__read_ahead *ahead = x->ahead;
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

static void go_on(struct weir__timeout *again)
{
    struct weir__read_ahead *ahead = weir__container_of(again, struct weir__read_ahead, again);

    ahead->burst = 0;
    weir__read_ahead(ahead->exchange);
}

static void begin(struct weir__exchange *x)
{
    x->ahead = weir__arena_calloc(&x->memory, 1, sizeof *x->ahead);
    if (x->ahead == NULL)
        return;
    x->ahead->exchange = x;
    weir__timeout_init(&x->ahead->again, go_on);
    weir_buffer_init(&x->ahead->kept, SIZE_MAX);
    x->ahead->body = x->request.body;
    if (x->input_len > x->input_at)
        follow(x, x->input + x->input_at, x->input_len - x->input_at);
}

void weir__read_ahead(struct weir__exchange *x)
{
    if (x->request.body.ended || x->input_end != 0 || x->request.continue_due ||
        (x->waits.what & WEIR__FOR_BODY))
        return;
    if (x->ahead == NULL)
        begin(x);
    if (weir__read_ahead_wants_more(x))
        weir__connection_await(x->connection);
}

static void uncount(struct weir__exchange *x)
{
    atomic_fetch_sub_explicit(&x->connection->home->server->ahead_bytes, x->ahead->counted,
                              memory_order_relaxed);
    x->ahead->counted = 0;
}

void weir__read_ahead_end(struct weir__exchange *x)
{
    uncount(x);
    weir__timeout_cancel(x->connection->home->loop, &x->ahead->again);
    weir_buffer_free(&x->ahead->kept);
}

/* Makes the input lie in the buffer. What was used of it goes once there is much of it: moving the rest down
 * takes a while. Returns: 0 the input begins with the buffer; 1 where it did. */
static int collect(struct weir__exchange *x)
{
    weir_buffer *kept = &x->ahead->kept;

    if (x->input != kept->data) {
        weir_buffer_clear(kept);
        return weir_buffer_append(kept, x->input + x->input_at, x->input_len - x->input_at);
    }
    if (kept->len < WEIR__AHEAD_BYTES_MAX || x->input_at < kept->len / 4)
        return 1;
    weir_buffer_consume(kept, x->input_at);
    return 0;
}

static int keep(struct weir__exchange *x, const char *data, size_t len)
{
    struct weir__read_ahead *ahead = x->ahead;
    int moved = collect(x), err = moved < 0 ? moved : weir_buffer_append(&ahead->kept, data, len);

    if (moved == 0)
        x->input_at = 0;
    if (moved < 0)
        return moved;
    x->input = ahead->kept.data;
    x->input_len = x->input_room = ahead->kept.len;
    if (err < 0)
        return err;
    ahead->counted += len;
    atomic_fetch_add_explicit(&x->connection->home->server->ahead_bytes, len, memory_order_relaxed);
    return 0;
}

int weir__read_ahead_take(struct weir__exchange *x, const char *data, size_t len)
{
    int err = keep(x, data, len);

    if (err < 0)
        return err;
    follow(x, data, len);
    x->ahead->burst += len;
    if (x->ahead->burst >= BURST_BYTES && !weir__timer_is_set(&x->ahead->again.timer)) {
        struct weir__loop *loop = x->connection->home->loop;
        weir__timeout_set(loop, &x->ahead->again, weir__loop_now_ns(loop));
    }
    return 0;
}

void weir__read_ahead_used(struct weir__exchange *x, const char *data, size_t len)
{
    if (x->ahead->kept.data != NULL) {
        weir_buffer_free(&x->ahead->kept);
        uncount(x);
    }
    follow(x, data, len);
}

static bool has_room(const struct weir__exchange *x)
{
    const struct weir__server *server = x->connection->home->server;

    return x->input_len - x->input_at < WEIR__AHEAD_BYTES_MAX &&
           atomic_load_explicit(&server->ahead_bytes, memory_order_relaxed) < WEIR__AHEAD_BYTES_MAX_OF_ALL;
}

bool weir__read_ahead_wants_more(const struct weir__exchange *x)
{
    const struct weir__read_ahead *ahead = x->ahead;

    return ahead != NULL && !ahead->over && ahead->burst < BURST_BYTES &&
           (x->waits.what & WEIR__FOR_ANSWER) && has_room(x);
}
