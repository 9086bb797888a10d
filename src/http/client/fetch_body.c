/* SPDX-License-Identifier: MIT */
/* The body of an answer. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http/client/fetch_parts.h"
#include "http/client/reply.h"

enum { BODY_ROOM_MIN = 1024 };

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

int weir__fetch_begin_body(struct weir__fetch *f, const struct weir__http_response_head *head)
{
    weir__http_body_begin(&f->body, head->framing, head->content_length, f->body_max);
    if (f->streamed)
        f->body.max = UINT64_MAX;
    else if (weir__http_body_is_too_large(&f->body))
        return -WEIR_ETOOLARGE;
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

int weir__fetch_take_body(struct weir__fetch *f, const char *data, size_t len)
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
        step = make_body_room(f, run.len);
        if (step < 0)
            return step;
        memcpy((char *)(uintptr_t)f->reply.body + f->reply.body_bytes, run.data, run.len);
        f->reply.body_bytes += run.len;
    }
    if (used < len)
        f->keep = false; /* bytes behind the answer: what follows can't be trusted */
    return 0;
}

int weir__fetch_keep_piece(struct weir__fetch *f, const char *data, size_t len)
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
