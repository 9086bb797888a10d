/* SPDX-License-Identifier: MIT */
/* Reading an answer where it comes in. One file, because all of it runs for every piece that comes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/loop.h"
#include "http/client/fetch_parts.h"
#include "http/client/keep_alive.h"
#include "http/client/reply.h"
#include "http/message/headers.h"

enum { PARTIAL_ROOM_MIN = 1024, BODY_ROOM_MIN = 1024, INTERIMS_MAX = 32 };

/* Apart, so that the common case needs no registers for it. */
__attribute__((noinline)) static bool end_watched(struct weir__fetch *f)
{
    f->watch->see(f->watch, f);
    return false;
}

/* Inlined, because every answer comes by here. */
static inline __attribute__((always_inline)) bool end(struct weir__fetch *f, int err)
{
    f->ended = true;
    f->err = err;
    if (err < 0)
        f->keep = false;
    weir__fetch_stop_writing(f);
    weir__fetch_wake(f);
    return __builtin_expect(f->watch != NULL, 0) ? end_watched(f) : false;
}

/* --- memory of the answer --- */

static int begin_memory(struct weir__fetch *f)
{
    struct weir__arena memory;
    uint64_t most = f->streamed ? 0 : f->body_max < SIZE_MAX / 8 ? f->body_max : SIZE_MAX / 8;

    if (f->memory != NULL)
        return 0;
    /* A buffer that grows leaves its smaller copies in the arena; together they are smaller than the last. */
    weir__arena_init(&memory, &f->client->loop->chunks,
                     4 * ((size_t)most + f->head_bytes_max) + WEIR__REPLY_OVERHEAD_BYTES);
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

/* Sets the size of the memory for the body. */
static int set_body_room(struct weir__fetch *f, size_t room)
{
    char *body;

    if (room > WEIR__REPLY_SMALL_BYTES && !weir__client_has_room(f->client, room - f->body_room)) {
        f->why = "the answers of all backends together hold as much memory as they may";
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
    if (body != NULL) /* else the memory stays as large as it is */
        f->reply.body = body;
}

static inline __attribute__((always_inline)) int begin_body(struct weir__fetch *f,
                                                            const struct weir__http_response_head *head)
{
    weir__http_body_begin(&f->body, head->framing, head->content_length, f->body_max);
    if (f->streamed)
        f->body.max = UINT64_MAX;
    else if (weir__http_body_is_too_large(&f->body))
        return -WEIR_ETOOLARGE;
    f->body.chunked.keeps_trailers = true;
    f->reply.body = "";
    if (f->streamed || f->body.left == 0)
        return 0;
    /* The length is known: the memory is of exactly that size. */
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
            f->why = f->body.chunked.fault;
            return step;
        }
        used += n;
        if (run.len == 0)
            continue;
        if (step != WEIR__HTTP_BODY_DATA) {
            step = weir__fetch_keep_trailers(f, run);
            if (step < 0)
                return step;
            continue;
        }
        step = make_body_room(f, run.len);
        if (step < 0)
            return step;
        memcpy((char *)(uintptr_t)f->reply.body + f->reply.body_bytes, run.data, run.len);
        f->reply.body_bytes += run.len;
    }
    if (used < len)
        f->keep = false; /* bytes behind the answer: what follows can't be trusted */
    return f->body.ended && f->trailer_len > 0 ? weir__fetch_end_trailers(f) : 0;
}

static char *make_piece(struct weir__fetch *f)
{
    char *piece = malloc(WEIR__STREAM_LENT_BYTES_MAX);

    f->piece_allocated = piece != NULL;
    return piece;
}

/* Keeps what came until it is read. A piece of a small answer lies in the answer's memory. */
static int keep_piece(struct weir__fetch *f, const char *data, size_t len)
{
    if (!f->piece_allocated && len <= WEIR__FETCH_SMALL_PIECE && f->piece == NULL)
        f->piece = weir__arena_alloc(f->memory, WEIR__FETCH_SMALL_PIECE);
    else if (!f->piece_allocated && len > WEIR__FETCH_SMALL_PIECE)
        f->piece = make_piece(f);
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

/* Notes what a field says to the client. Runs for every field of every answer; most differ in their length
 * already. */
static void note_field(const struct weir__http_field *field, struct weir__keep_alive *keep_alive, bool *coded)
{
    if (field->name.len == sizeof "keep-alive" - 1) {
        if (weir_bytes_equal_nocase(field->name, WEIR__HTTP_TEXT("keep-alive")))
            weir__keep_alive_read(keep_alive, field->value);
    } else if (field->name.len == sizeof "content-encoding" - 1) {
        if (weir_bytes_equal_nocase(field->name, WEIR__HTTP_TEXT("content-encoding")))
            *coded = true;
    }
}

/* Copies a head into a reply. */
static int copy_head(struct weir__fetch *f, const struct weir__http_response_head *head, const char *data,
                     size_t len, weir_reply *reply, struct weir__keep_alive *keep_alive)
{
    char *copy = weir__arena_memdup(f->memory, data, len);
    weir_header *headers = weir__arena_calloc(f->memory, head->field_count, sizeof *headers);

    if (copy == NULL || headers == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < head->field_count; i++) {
        const struct weir__http_field *field = &head->fields[i];
        note_field(field, keep_alive, &reply->coded);
        headers[i].name = end_text(copy, data, field->name);
        headers[i].value = field->value.len > 0 ? end_text(copy, data, field->value) : "";
    }
    reply->status = head->status;
    reply->headers = headers;
    reply->header_count = head->field_count;
    reply->memory = f->memory;
    reply->lent = f->streamed;
    reply->version = head->minor == 0 ? 10 : 11;
    return 0;
}

static __attribute__((noinline)) int begin_watched_body(struct weir__fetch *f,
                                                        const struct weir__http_response_head *head)
{
    int err = begin_body(f, head);

    if (err == 0)
        f->watch->see(f->watch, f);
    return err;
}

static int take_head(struct weir__fetch *f, const struct weir__http_response_head *head, const char *data,
                     size_t len)
{
    struct weir__keep_alive keep_alive = {0};
    int err = copy_head(f, head, data, len, &f->reply, &keep_alive);

    if (err < 0)
        return err;
    f->head_done = true;
    f->announced = head->content_length;
    f->announces_chunks = head->chunked;
    f->keep = head->keep_alive && head->framing != WEIR__HTTP_UNTIL_CLOSE && !keep_alive.ends;
    f->connection->unused_ns = keep_alive.unused_ns;
    return __builtin_expect(f->watch != NULL, 0) ? begin_watched_body(f, head) : begin_body(f, head);
}

/* Takes an informational answer (1xx). Those of a stream are kept for weir_fetch_informational(). */
static int take_interim(struct weir__fetch *f, const struct weir__http_response_head *head, const char *data,
                        size_t len)
{
    struct weir__keep_alive ignored = {0};
    int err;

    if (f->interims == INTERIMS_MAX) {
        f->why = "it has more than 32 informational answers (1xx)";
        return -WEIR_EPROTOCOL;
    }
    if (f->streamed) {
        f->interim_bytes += len;
        if (f->interim_bytes > f->head_bytes_max) {
            f->why = "its informational answers (1xx) are larger than allowed";
            return -WEIR_EPROTOCOL;
        }
        if (f->interim == NULL)
            f->interim = weir__arena_calloc(f->memory, INTERIMS_MAX, sizeof *f->interim);
        err =
            f->interim == NULL ? -ENOMEM : copy_head(f, head, data, len, &f->interim[f->interims], &ignored);
        if (err < 0)
            return err;
        weir__fetch_wake(f);
    }
    f->interims++;
    if (f->watch != NULL && head->status != 100)
        f->watch->see(f->watch, f);
    return 0;
}

static int make_field_room(struct weir__fetch *f)
{
    const size_t most = (size_t)f->headers_max;
    struct weir__http_field *fields;

    if (most <= f->client->field_room)
        return 0;
    fields = realloc(f->client->fields, most * sizeof *fields);
    if (fields == NULL)
        return -ENOMEM;
    f->client->fields = fields;
    f->client->field_room = most;
    return 0;
}

/* Reads heads from the front of data, also those of 1xx. Returns: the bytes used; 0 the head is not whole
 * yet; < 0. */
static int parse_head(struct weir__fetch *f, const char *data, size_t len)
{
    struct weir__http_head_limits limits = {.head_bytes_max = f->head_bytes_max};
    struct weir__http_response_head head = {.field_max = (size_t)f->headers_max, .upgrades = f->upgrades};
    struct weir__http_fault fault = {0};
    size_t used = 0;
    int n, err = make_field_room(f);

    if (err < 0)
        return err;
    head.fields = f->client->fields;

    for (;;) {
        n = weir__http_response_head_parse(data + used, len - used, &f->scan, &limits, f->method, &head,
                                           &fault);
        if (n <= 0)
            break;
        f->scan = (struct weir__http_scan){0};
        if (head.status >= 200 || head.status == 101) {
            err = take_head(f, &head, data + used, (size_t)n);
            return err < 0 ? err : (int)used + n;
        }
        err = take_interim(f, &head, data + used, (size_t)n);
        if (err < 0)
            return err;
        used += (size_t)n;
    }
    if (n < 0) {
        f->why = fault.message;
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
    return f->streamed ? 0 : weir__http_body_closed(&f->body); /* of a stream the reading task finds out */
}

/* --- what came in --- */

static bool feed(struct weir__fetch *f, const char *data, int32_t result)
{
    size_t len = (size_t)result;
    int err;

    if (f->ended)
        return false;
    if (result <= 0)
        return end(f, result < 0 ? weir__fetch_broke(f, result) : closed_by_peer(f));
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
        if (!f->duplex)
            weir__fetch_stop_writing(f);
        weir__fetch_wake(f);
        return false; /* the reader asks for more */
    }
    err = take_body(f, data, len);
    if (err < 0 || f->body.ended)
        return end(f, err);
    return true;
}

/* --- beginning --- */

void weir__fetch_init(struct weir__fetch *f, weir_client *client, const weir_fetch_options *options,
                      bool streamed)
{
    *f = (struct weir__fetch){
        .feed = feed,
        .client = client,
        .streamed = streamed,
        .method =
            options->method != NULL ? weir__http_method_of(weir_bytes_of(options->method)) : WEIR__HTTP_GET,
        .duplex = options->duplex,
        .upgrades = options->upgrade != NULL,
        .once = options->once,
        .foreign_deadline = options->foreign_deadline,
        .body_max = options->reply_bytes_max != 0 ? options->reply_bytes_max : client->options.reply_bytes,
        .head_bytes_max = options->head_bytes_max != 0 ? options->head_bytes_max : client->options.head_bytes,
        .headers_max = options->headers_max != 0 ? options->headers_max : client->options.headers,
    };
}
