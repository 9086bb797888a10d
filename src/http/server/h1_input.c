/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/account/attribution.h"
#include "core/task.h"
#include "core/wait.h"
#include "http/server/exchange.h"
#include "http/server/h1.h"
#include "http/server/h1_progress.h"
#include "net/splice.h"

enum { INPUT_ROOM_MIN = 512 };

/* --- what came --- */

static int make_room(struct weir__h1_exchange *h, size_t len)
{
    size_t room = h->input_room == 0 ? INPUT_ROOM_MIN : h->input_room;
    char *input;

    if (h->input_len + len <= h->input_room)
        return 0;
    while (room < h->input_len + len)
        room *= 2;
    input = weir__arena_alloc(&h->exchange.memory, room);
    if (input == NULL)
        return -ENOMEM;
    if (h->input_len > 0)
        memcpy(input, h->input, h->input_len);
    h->input = input;
    h->input_room = room;
    return 0;
}

/* Behind the head: one buffer, filled when it is empty. */
static int use_later_input(struct weir__h1_exchange *h)
{
    if (h->later_input == NULL) {
        h->later_input = weir__arena_alloc(&h->exchange.memory, WEIR__STREAM_LENT_BYTES_MAX);
        if (h->later_input == NULL)
            return -ENOMEM;
    }
    h->input = h->later_input;
    h->input_room = WEIR__STREAM_LENT_BYTES_MAX;
    h->input_at = h->input_len = 0;
    return 0;
}

int weir__h1_input_add(struct weir__h1_exchange *h, const char *data, size_t len)
{
    bool unused = h->running && h->input_at < h->input_len;
    int err;

    if ((unused || h->lends) && h->ahead != NULL)
        return weir__h1_read_ahead_add(h, data, len);
    if (h->ahead != NULL)
        weir__h1_read_ahead_used(h, data, len);
    err = h->running && !unused ? use_later_input(h) : make_room(h, len);
    if (err < 0)
        return err;
    memcpy(h->input + h->input_len, data, len);
    h->input_len += len;
    return 0;
}

void weir__h1_input_ended(struct weir__h1_exchange *h, int result)
{
    struct weir__task *reader = h->reader;

    h->input_end = result == 0 ? 1 : result;
    if (reader != NULL) {
        h->reader = NULL;
        weir__wake(reader, result);
    }
    if (result == 0) {
        weir__h1_watch_half_closed(h);
        weir__h1_watched_end(h);
    } else {
        weir__exchange_client_left(&h->exchange);
    }
}

void weir__h1_input_used(struct weir__h1_exchange *h)
{
    h->lends = false;
    if (h->ahead != NULL && weir__h1_read_ahead_settle(h) < 0)
        weir__h1_input_ended(h, -ENOMEM);
}

size_t weir__h1_empty_lines(const char *data, size_t len)
{
    size_t at = 0;

    while (at + 2 <= len && data[at] == '\r' && data[at + 1] == '\n')
        at += 2;
    return at;
}

/* --- the body --- */

/* Keeps lines of trailers. Returns: the step, as of a body without them; -ENOMEM. */
static int keep_trailers(struct weir__exchange *x, int step, weir_bytes *lines)
{
    int err = weir_buffer_append(&x->request.trailers, lines->data, lines->len);

    *lines = (weir_bytes){0};
    if (err < 0)
        return err;
    return step == WEIR__HTTP_BODY_TRAILERS ? WEIR__HTTP_BODY_MORE : step;
}

int weir__h1_take_body(struct weir__exchange *x, size_t most, weir_bytes *payload)
{
    struct weir__h1_exchange *h = weir__h1_of(x);
    int step;

    do {
        size_t used, here = h->input_len - h->input_at;

        step = weir__http_body_next(&x->request.body, h->input + h->input_at, here < most ? here : most,
                                    &used, payload);
        h->input_at += used;
        if (step != WEIR__HTTP_BODY_DATA && payload->len > 0)
            step = keep_trailers(x, step, payload);
    } while (step == WEIR__HTTP_BODY_MORE && h->input_at < h->input_len);
    h->lends = h->lends || step == WEIR__HTTP_BODY_DATA;
    return step;
}

static void receive_if_used(struct weir__h1_exchange *h)
{
    if (h->input_at == h->input_len && h->input_end == 0)
        weir__h1_receive(h->connection);
}

/* Whether so much is to come, and fits, that it is worth a receive of its own. While that is so no input is
 * asked for: it would come in small pieces, and each would be copied. */
static bool is_read_straight(const struct weir__h1_exchange *h, size_t bytes)
{
    return weir__http_body_run(&h->exchange.request.body) >= WEIR__STREAM_LENT_BYTES_MAX &&
           bytes >= WEIR__STREAM_LENT_BYTES_MAX && !h->exchange.request.continue_due;
}

void weir__h1_release_body(struct weir__exchange *x, size_t next_bytes)
{
    struct weir__h1_exchange *h = weir__h1_of(x);

    weir__h1_input_used(h);
    if (!is_read_straight(h, next_bytes))
        receive_if_used(h);
    if (x->request.body.ended)
        weir__h1_watch_behind(h);
}

/* --- waiting for the body --- */

static bool describe_body(const struct weir__look *look, const struct weir__task *task,
                          struct weir__wait_words *out)
{
    struct weir__connection *connection;
    char peer[WEIR_ADDRESS_BYTES];

    if (!weir__peek(&look->peek, weir__peek_at((struct weir__h1_exchange *)task->wait_arg, connection),
                    &connection, sizeof(struct weir__connection *)) ||
        !weir__stream_peer_seen(look, task->loop, weir__connection_stream(connection), peer))
        return false;
    (void)snprintf(out->text, sizeof out->text, "the request's body from %s", peer);
    return true;
}

static const struct weir__wait_class body = {"the request's body", describe_body, .charge = WEIR_CHARGE_BODY};

static void stop_reading(struct weir__task *task)
{
    struct weir__h1_exchange *h = task->wait_arg;

    h->reader = NULL;
    weir__wake_cancelled(task);
}

/* Parks until there is input. Returns: 1; 0 the client has sent its last; < 0. */
static int await_input(struct weir__h1_exchange *h)
{
    int got = weir__wait_begin();

    weir__h1_input_used(h);
    if (got < 0)
        return got;
    receive_if_used(h);
    if (h->input_at < h->input_len)
        return 1;
    if (h->input_end != 0)
        return h->input_end < 0 ? h->input_end : 0;
    got = weir__h1_body_wait(h);
    if (got < 0)
        return got;
    h->reader = weir__task_current();
    got = weir__park(&body, stop_reading, h);
    weir__h1_body_came(h);
    return got;
}

int weir__h1_await_body(struct weir__exchange *x)
{
    int got = await_input(weir__h1_of(x));

    if (got == 0)
        got = weir__http_body_closed(&x->request.body);
    return got < 0 ? got : 0;
}

/* --- reading it straight --- */

/* Ends a wait for bytes that were received beside the input. got: they. Returns: that; why it was stopped. */
static ssize_t end_straight(struct weir__h1_exchange *h, struct weir__attribution before, ssize_t got)
{
    weir__h1_body_came(h);
    weir__attribution_back(weir__task_current(), before);
    if (h->progress.body_err < 0)
        return h->progress.body_err;
    if (got == 0 || (got < 0 && got != -EAGAIN && weir_cancelled() == 0))
        weir__h1_input_ended(h, (int)got);
    return got;
}

static bool may_go_straight(const struct weir__h1_exchange *h)
{
    return h->input_at == h->input_len && h->input_end == 0 && !h->connection->awaiting;
}

/* Receives into the caller's memory, under the same time limits. */
static ssize_t receive(struct weir__h1_exchange *h, void *data, size_t bytes)
{
    struct weir__attribution before;
    int err = weir__h1_body_wait(h);

    if (err < 0)
        return err;
    before = weir__attribution_on(weir__task_current(), WEIR_CHARGE_BODY, NULL);
    return end_straight(h, before, weir__stream_read(weir__connection_stream(h->connection), data, bytes));
}

ssize_t weir__h1_read_body(struct weir__exchange *x, void *data, size_t bytes)
{
    struct weir__h1_exchange *h = weir__h1_of(x);
    struct weir__http_body *b = &x->request.body;
    weir_bytes payload;
    ssize_t got;
    size_t used;
    int step;

    weir__h1_input_used(h);
    if (!is_read_straight(h, bytes) || !may_go_straight(h))
        return -EAGAIN;
    got = receive(h, data, bytes < weir__http_body_run(b) ? bytes : (size_t)weir__http_body_run(b));
    if (got == 0)
        return weir__http_body_closed(b);
    if (got < 0)
        return got;
    step = weir__http_body_next(b, data, (size_t)got, &used, &payload);
    weir__h1_read_ahead_passed(h);
    if (b->ended)
        receive_if_used(h);
    return step < 0 ? step : got;
}

/* The last bytes are read: so what comes behind the end is seen as always. */
ssize_t weir__h1_splice_body(struct weir__exchange *x, struct weir__splice *splice, uint64_t most)
{
    struct weir__h1_exchange *h = weir__h1_of(x);
    struct weir__http_body *b = &x->request.body;
    uint64_t run = weir__splice_of_run(weir__http_body_run(b), most);
    weir_stream *stream = weir__connection_stream(h->connection);
    struct weir__attribution before;
    ssize_t got;

    weir__h1_input_used(h);
    weir__h1_watch(h);
    if (run == 0 || x->request.continue_due || !may_go_straight(h) ||
        !weir__stream_can_splice_in(stream, splice))
        return -EAGAIN;
    got = weir__h1_body_wait(h);
    if (got < 0)
        return got;
    before = weir__attribution_on(weir__task_current(), WEIR_CHARGE_BODY, NULL);
    got = end_straight(h, before, weir__stream_splice_in(stream, splice, run, 0));
    if (got == 0)
        return weir__http_body_closed(b);
    if (got > 0) {
        weir__http_body_skip(b, (uint64_t)got);
        weir__h1_read_ahead_passed(h);
    }
    return got;
}
