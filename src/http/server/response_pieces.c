/* SPDX-License-Identifier: MIT */
/* Answers made of pieces that lie where they are, each let go when it has been sent: a client that reads
 * slowly holds what it has not read, and not all. */
#include <errno.h>
#include <string.h>

#include "http/server/server.h"

enum {
    GROUP_BYTES = 256 << 10, /* sent in one operation, unless one piece is larger; the head comes on top */
    GROUP_PIECES = 60,
    COPIED_BYTES = 64 << 10, /* as one body to a filter, which does better with all of it at once */
};

struct sending {
    struct weir__exchange *x;
    const weir_reply_piece *pieces;
    size_t count, let_go;
};

static void let_go(struct sending *s, size_t end)
{
    for (; s->let_go < end; s->let_go++)
        if (s->pieces[s->let_go].sent != NULL)
            s->pieces[s->let_go].sent(s->pieces[s->let_go].arg);
}

/* Sends the head, if any, with the pieces from `from` on that make a group. Returns: how many; < 0. */
static int send_group(struct sending *s, size_t from, const struct iovec *head)
{
    struct iovec group[GROUP_PIECES + 1];
    size_t n = 0, bytes = 0, i = from;
    int err;

    if (head != NULL)
        group[n++] = *head;
    for (; i < s->count && n < GROUP_PIECES; i++) {
        const weir_reply_piece *piece = &s->pieces[i];
        if (bytes > 0 && bytes + piece->bytes > GROUP_BYTES)
            break;
        group[n++] = (struct iovec){(void *)(uintptr_t)piece->data, piece->bytes};
        bytes += piece->bytes;
    }
    err = weir__response_send_pieces(s->x, group, n);
    if (err < 0)
        return err;
    s->x->response.sent += bytes;
    s->x->response.left -= bytes;
    return (int)(i - from);
}

static int send_all(struct sending *s, int status, const char *type, uint64_t bytes)
{
    struct iovec head;
    int n = weir__response_make_head(s->x, status, type, (int64_t)bytes, &head);

    if (n < 0)
        return n;
    if (s->x->response.no_body)
        return weir__response_send_pieces(s->x, &head, 1);
    n = send_group(s, 0, &head);
    while (n > 0) {
        let_go(s, s->let_go + (size_t)n);
        n = s->let_go < s->count ? send_group(s, s->let_go, NULL) : 0;
    }
    return n;
}

static int filter_whole(struct sending *s, int status, const char *type, size_t bytes)
{
    char *all = weir__arena_alloc(&s->x->memory, bytes);
    size_t at = 0;

    if (all == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < s->count; at += s->pieces[i++].bytes)
        if (s->pieces[i].bytes > 0)
            memcpy(all + at, s->pieces[i].data, s->pieces[i].bytes);
    let_go(s, s->count);
    return weir__filter_whole(s->x, status, type, all, bytes);
}

static int filter_all(struct sending *s, int status, const char *type, uint64_t bytes)
{
    int err;

    if (bytes <= COPIED_BYTES)
        return filter_whole(s, status, type, (size_t)bytes);
    err = weir__filter_head(s->x, status, type, (int64_t)bytes);
    for (size_t i = 0; i < s->count && err == 0; i++) {
        err = weir_reply_write(&s->x->response, s->pieces[i].data, s->pieces[i].bytes);
        let_go(s, i + 1);
    }
    return err;
}

int weir_reply_pieces(weir_response *res, int status, const char *type, const weir_reply_piece *pieces,
                      size_t count)
{
    struct sending s = {weir__exchange_of_response(res), pieces, count, 0};
    uint64_t bytes = 0;
    int err = weir__response_begin(s.x, status, true);

    for (size_t i = 0; i < count; i++)
        bytes += pieces[i].bytes;
    if (err == 0)
        err = res->filter != NULL ? filter_all(&s, status, type, bytes) : send_all(&s, status, type, bytes);
    let_go(&s, count);
    return err;
}
