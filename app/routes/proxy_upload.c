/* SPDX-License-Identifier: MIT */
#include "routes/proxy_upload.h"

#include <errno.h>
#include <string.h>

#include <weir/task.h>

#include "http/header_rules.h"

/* Reads the next bytes. Returns: > 0; 0 the end; < 0. */
static ssize_t read_piece(struct proxying *p, void *data, size_t bytes)
{
    ssize_t got = weir_request_read(p->req, data, bytes);

    p->body_read = got == 0 || (got > 0 && (int64_t)(p->held.len + (size_t)got) == p->body_length);
    return got;
}

/* Keeps the beginning of the body, until it is whole or has so many bytes. */
static int hold(struct proxying *p, uint64_t most)
{
    char *piece = weir_request_alloc(p->req, PROXY_PIECE_BYTES);

    if (piece == NULL)
        return -ENOMEM;
    while (!p->body_read && p->held.len < most) {
        size_t room = (size_t)most - p->held.len;
        ssize_t got = read_piece(p, piece, room < PROXY_PIECE_BYTES ? room : PROXY_PIECE_BYTES);
        int err = got > 0 ? weir_buffer_append(&p->held, piece, (size_t)got) : (int)got;

        if (err < 0)
            return err;
    }
    p->first = p->held.data;
    p->first_bytes = p->held.len < PROXY_FIRST_BYTES ? p->held.len : PROXY_FIRST_BYTES;
    return 0;
}

/* Takes what came with the head: mostly all of a small body. */
static int take_here(struct proxying *p)
{
    const bool is_small = p->body_length > 0 && p->body_length < PROXY_FIRST_BYTES;
    const size_t room = is_small ? (size_t)p->body_length : PROXY_FIRST_BYTES;
    char *first = weir_request_alloc(p->req, room);
    ssize_t got = 1;

    if (first == NULL)
        return -ENOMEM;
    p->first = first;
    while (got > 0 && !p->body_read && p->first_bytes < room) { /* more may be here, or the end */
        got = weir_request_read_now(p->req, first + p->first_bytes, room - p->first_bytes);
        p->first_bytes += got > 0 ? (size_t)got : 0;
        p->body_read = got == 0 || (int64_t)p->first_bytes == p->body_length;
    }
    return got >= 0 || got == -EAGAIN || p->first_bytes > 0 ? 0 : (int)got;
}

bool proxy_upload_may_repeat(const struct proxying *p)
{
    static const char *const safe[] = {"GET", "HEAD", "OPTIONS"};
    bool repeatable = p->state->settings->repeatable;

    for (size_t i = 0; i < sizeof safe / sizeof *safe && !repeatable; i++)
        repeatable = strcmp(weir_request_method(p->req), safe[i]) == 0;
    return repeatable;
}

bool proxy_upload_is_kept(const struct proxying *p)
{
    return p->state->settings->tries_twice && p->body_length > 0 && p->body_length <= PROXY_TWICE_BYTES &&
           proxy_upload_may_repeat(p);
}

static int take_whole(struct proxying *p)
{
    const size_t length = (size_t)p->body_length;
    char *body = weir_request_alloc(p->req, length);

    if (body == NULL)
        return -ENOMEM;
    while (!p->body_read) {
        ssize_t got = weir_request_read(p->req, body + p->first_bytes, length - p->first_bytes);

        if (got < 0)
            return (int)got;
        p->first_bytes += (size_t)got;
        p->body_read = got == 0 || p->first_bytes == length;
    }
    p->first = body;
    return 0;
}

int proxy_upload_begin(struct proxying *p)
{
    const uint64_t most = p->state->settings->buffer_bytes;

    weir_buffer_init(&p->held, (size_t)most);
    if (!proxy_has_body(p))
        return 0;
    if (proxy_upload_is_kept(p))
        return take_whole(p);
    return most > 0 ? hold(p, most) : take_here(p);
}

/* Moves what was not there when the backend was asked. Returns: 0 all of it; 1 the backend takes no more; < 0
 * the client's fault. */
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
    const size_t sent = p->held.len > 0 ? p->first_bytes : 0; /* of what is held */
    int err = 0;

    if (p->held.len > sent && weir_fetch_write(p->fetch, p->held.data + sent, p->held.len - sent) != 0)
        return 1;
    if (!p->body_read)
        err = move_rest(p);
    return err;
}

void proxy_upload_end(struct proxying *p)
{
    size_t count;
    const weir_header *trailers = weir_request_trailers(p->req, &count);
    int err = 0;

    p->uploaded.waits_for = WEIR_BODY_SINK;
    p->uploaded.since = weir_now();
    for (size_t i = 0; i < count && err == 0; i++)
        if (proxy_passes_trailer(&p->headers.named, trailers[i].name) &&
            !header_rules_name(p->state->rules, weir_bytes_of(trailers[i].name)))
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
        proxy_upload_end(p);
    p->since = weir_now();
    p->uploads = false;
    return err < 0 ? err : 0;
}
