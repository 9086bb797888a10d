/* SPDX-License-Identifier: MIT */
#include "routes/proxy_upload.h"

#include <errno.h>

#include <weir/task.h>

/* Reads the next bytes. Returns: > 0; 0 the end; < 0. */
static ssize_t read_piece(struct proxying *p, void *data, size_t bytes)
{
    ssize_t got = weir_request_read(p->req, data, bytes);

    p->body_read = got == 0 || (got > 0 && (int64_t)(p->held.len + (size_t)got) == p->body_length);
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

/* Moves what is not held of the body. Returns: 0 all of it; 1 the backend takes no more; < 0 the client's
 * fault. */
static int move_rest(struct proxying *p)
{
    const weir_body_source client = {.request = p->req};
    const weir_body_sink backend = {.fetch = p->fetch};
    int err = weir_body_pump(&client, &backend, NULL, &p->uploaded);

    p->body_read = err == 0;
    if (err >= 0 || err == weir_cancelled() || p->uploaded.failed == WEIR_BODY_SOURCE)
        return err;
    return p->uploaded.failed == WEIR_BODY_SINK ? 1 : err;
}

static int move_body(struct proxying *p)
{
    int err = 0;

    if (p->held.len > 0 && weir_fetch_write(p->fetch, p->held.data, p->held.len) != 0)
        return 1;
    if (!p->body_read)
        err = move_rest(p);
    return err;
}

/* Sends what stands behind the body. What becomes of it shows in the answer. */
static void move_end(struct proxying *p)
{
    size_t count;
    const weir_header *trailers = weir_request_trailers(p->req, &count);
    int err = 0;

    p->uploaded.waits_for = WEIR_BODY_SINK;
    p->uploaded.since = weir_now();
    for (size_t i = 0; i < count && err == 0; i++)
        if (proxy_passes_trailer(&p->headers.named, trailers[i].name))
            err = weir_fetch_trailer_add(p->fetch, trailers[i].name, trailers[i].value);
    if (err == 0)
        (void)!weir_fetch_end(p->fetch);
}

/* What the backend does with the body shows in its answer, which the other task reads. */
int proxy_upload(void *arg)
{
    struct proxying *p = arg;
    int err = move_body(p);

    if (err < 0 && err != weir_cancelled())
        p->client_err = err;
    if (err == 0)
        move_end(p);
    p->since = weir_now();
    p->uploads = false;
    return err < 0 ? err : 0;
}
