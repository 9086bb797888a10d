/* SPDX-License-Identifier: MIT */
/* Responses made of pieces that are sent from where they lie. Each piece is let go when it has been sent: a
 * client that reads slowly holds what it has not read, and not all. */
#include <errno.h>
#include <string.h>

#include "http/server/filter.h"
#include "http/server/handler_check.h"
#include "http/server/response_send.h"

enum {
    GROUP_BYTES = 256 << 10, /* sent in one operation, unless one piece is larger; beside the head */
    GROUP_PIECES = WEIR__WIRE_PIECES_MAX,
    COPIED_BYTES = 64 << 10, /* at most so many go to a filter as one body, which filters do better with */
};

struct sending {
    struct weir__exchange *x;
    int status;
    const char *type;
    uint64_t bytes; /* of all pieces */
    const weir_response_piece *pieces;
    size_t count;
    size_t let_go; /* the first pieces, which are sent */
};

/* Lets go of the pieces before `end`. */
static void let_go(struct sending *s, size_t end)
{
    for (; s->let_go < end; s->let_go++)
        if (s->pieces[s->let_go].sent != NULL)
            s->pieces[s->let_go].sent(s->pieces[s->let_go].arg);
}

/* Sends the next group of pieces, the first with the head. Returns: how many pieces; < 0. */
static int send_group(struct sending *s)
{
    weir_response *res = &s->x->response;
    struct iovec group[GROUP_PIECES];
    size_t n = 0, bytes = 0;
    int err;

    for (; s->let_go + n < s->count && n < GROUP_PIECES; n++) {
        const weir_response_piece *piece = &s->pieces[s->let_go + n];
        if (bytes > 0 && bytes + piece->bytes > GROUP_BYTES)
            break;
        group[n] = (struct iovec){(void *)(uintptr_t)piece->data, piece->bytes};
        bytes += piece->bytes;
    }
    err = res->began ? s->x->wire->send(s->x, NULL, group, n, false)
                     : weir__response_send_head_and_pieces(s->x, s->status, s->type, s->bytes, group, n);
    if (err < 0)
        return err;
    res->sent += bytes;
    res->left -= bytes;
    return (int)n;
}

static int send_all(struct sending *s)
{
    int n;

    if (weir__response_has_no_body(s->x, s->status))
        return weir__response_send_head(s->x, s->status, s->type, (int64_t)s->bytes);
    do {
        n = send_group(s);
        let_go(s, s->let_go + (size_t)(n > 0 ? n : 0));
    } while (n > 0 && s->let_go < s->count);
    return n < 0 ? n : 0;
}

static int filter_whole(struct sending *s)
{
    size_t bytes = (size_t)s->bytes;
    char *all = weir__arena_alloc(&s->x->memory, bytes);
    size_t at = 0;

    if (all == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < s->count; at += s->pieces[i++].bytes)
        if (s->pieces[i].bytes > 0)
            memcpy(all + at, s->pieces[i].data, s->pieces[i].bytes);
    let_go(s, s->count);
    return weir__filter_whole(s->x, s->status, s->type, all, bytes);
}

static int filter_all(struct sending *s)
{
    int err;

    if (s->bytes <= COPIED_BYTES)
        return filter_whole(s);
    err = weir__filter_head(s->x, s->status, s->type, (int64_t)s->bytes);
    for (size_t i = 0; i < s->count && err == 0; i++) {
        err = weir_respond_write(&s->x->response, s->pieces[i].data, s->pieces[i].bytes);
        let_go(s, i + 1);
    }
    return err;
}

int weir_respond_pieces(weir_response *res, int status, const char *type, const weir_response_piece *pieces,
                        size_t count)
{
    struct sending s = {.x = weir__checked_response(res, __func__),
                        .status = status,
                        .type = type,
                        .pieces = pieces,
                        .count = count};
    int err = weir__response_begin(s.x, status, true);

    for (size_t i = 0; i < count; i++)
        s.bytes += pieces[i].bytes;
    if (err == 0)
        err = res->unasked != NULL ? filter_all(&s) : send_all(&s);
    let_go(&s, count);
    return err;
}
