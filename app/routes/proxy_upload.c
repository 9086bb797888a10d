/* SPDX-License-Identifier: MIT */
#include "routes/proxy_upload.h"

#include <errno.h>

#include <weir/task.h>

static void set_upload(struct proxying *p, enum proxy_upload upload)
{
    p->upload = upload;
    p->since = weir_now();
}

/* --- from the client --- */

/* Reads the next bytes. Returns: > 0; 0 the end; < 0. */
static ssize_t read_piece(struct proxying *p, void *data, size_t bytes)
{
    ssize_t got = weir_request_read(p->req, data, bytes);

    if (got > 0)
        p->body_taken += (uint64_t)got;
    p->body_read = p->body_read || got == 0 || (int64_t)p->body_taken == p->body_length;
    return got;
}

int proxy_upload_hold(struct proxying *p)
{
    const uint64_t most = p->state->settings->buffer_bytes;
    char *piece;

    weir_buffer_init(&p->held, (size_t)most);
    if (most == 0 || !proxy_has_body(p))
        return 0;
    piece = weir_request_alloc(p->req, PROXY_PIECE_BYTES);
    if (piece == NULL)
        return -ENOMEM;
    while (!p->body_read && p->held.len < most) {
        size_t room = (size_t)most - p->held.len;
        ssize_t got = read_piece(p, piece, room < PROXY_PIECE_BYTES ? room : PROXY_PIECE_BYTES);
        int err = got > 0 ? weir_buffer_append(&p->held, piece, (size_t)got) : (int)got;

        if (err < 0)
            return err;
    }
    return 0;
}

/* --- to the backend --- */

/* Returns: 0; as weir_fetch_write(). */
static int write_piece(struct proxying *p, const void *data, size_t bytes)
{
    set_upload(p, PROXY_TO_BACKEND);
    return weir_fetch_write(p->fetch, data, bytes);
}

/* Moves what is left of the body. Returns: 0 all of it; as weir_fetch_write(); < 0 with p->client_err. */
static int move_body(struct proxying *p)
{
    char *piece = p->body_read ? NULL : weir_request_alloc(p->req, PROXY_PIECE_BYTES);
    int err = p->held.len > 0 ? write_piece(p, p->held.data, p->held.len) : 0;

    if (piece == NULL && !p->body_read)
        return p->client_err = -ENOMEM;
    while (err == 0 && !p->body_read) {
        ssize_t got;

        set_upload(p, PROXY_FROM_CLIENT);
        got = read_piece(p, piece, PROXY_PIECE_BYTES);
        if (got < 0 && got == weir_cancelled())
            return (int)got;
        if (got < 0)
            return p->client_err = (int)got;
        if (got > 0)
            err = write_piece(p, piece, (size_t)got);
    }
    return err;
}

static int move_end(struct proxying *p)
{
    size_t count;
    const weir_header *trailers = weir_request_trailers(p->req, &count);
    int err = 0;

    for (size_t i = 0; i < count && err == 0; i++)
        if (proxy_passes_trailer(&p->headers.named, trailers[i].name))
            err = weir_fetch_trailer_add(p->fetch, trailers[i].name, trailers[i].value);
    return err < 0 ? err : weir_fetch_end(p->fetch);
}

/* What the backend does with the body shows in its answer, which the other task reads. */
int proxy_upload(void *arg)
{
    struct proxying *p = arg;
    int err = move_body(p);

    if (err == 0) {
        set_upload(p, PROXY_TO_BACKEND);
        err = move_end(p);
    }
    if (p->client_err < 0)
        return p->client_err;
    set_upload(p, PROXY_SENT);
    return 0;
}
