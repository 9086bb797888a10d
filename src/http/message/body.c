/* SPDX-License-Identifier: MIT */
#include "http/message/body.h"

void weir__http_body_begin(struct weir__http_body *b, enum weir__http_framing framing, int64_t content_length,
                           uint64_t max)
{
    *b = (struct weir__http_body){.framing = framing, .max = max};
    if (framing == WEIR__HTTP_LENGTH)
        b->left = (uint64_t)content_length;
    b->ended = framing == WEIR__HTTP_NO_BODY || (framing == WEIR__HTTP_LENGTH && content_length == 0);
    weir__http_chunked_init(&b->chunked);
}

static int take(struct weir__http_body *b, const char *data, size_t len, weir_bytes *payload)
{
    if (len > b->max - b->taken)
        return -WEIR_ETOOLARGE;
    b->taken += len;
    *payload = (weir_bytes){data, len};
    return WEIR__HTTP_BODY_DATA;
}

static int next_of_length(struct weir__http_body *b, const char *data, size_t len, size_t *used,
                          weir_bytes *payload)
{
    size_t n = len < b->left ? len : (size_t)b->left;

    if (weir__http_body_is_too_large(b))
        return -WEIR_ETOOLARGE;
    if (n == 0)
        return WEIR__HTTP_BODY_MORE;
    *used = n;
    b->left -= n;
    b->ended = b->left == 0;
    return take(b, data, n, payload);
}

static int next_of_chunked(struct weir__http_body *b, const char *data, size_t len, size_t *used,
                           weir_bytes *payload)
{
    int step = weir__http_chunked_next(&b->chunked, data, len, used, payload);

    switch (step) {
    case WEIR__HTTP_CHUNK_DATA:
        return take(b, payload->data, payload->len, payload);
    case WEIR__HTTP_CHUNK_END:
        b->ended = true;
        return WEIR__HTTP_BODY_END;
    case WEIR__HTTP_CHUNK_TRAILERS:
        return WEIR__HTTP_BODY_TRAILERS;
    case WEIR__HTTP_CHUNK_MORE:
        return WEIR__HTTP_BODY_MORE;
    default:
        return step;
    }
}

int weir__http_body_next(struct weir__http_body *b, const char *data, size_t len, size_t *used,
                         weir_bytes *payload)
{
    *used = 0;
    *payload = (weir_bytes){0};
    if (b->ended)
        return WEIR__HTTP_BODY_END;
    switch (b->framing) {
    case WEIR__HTTP_LENGTH:
        return next_of_length(b, data, len, used, payload);
    case WEIR__HTTP_CHUNKED:
        return next_of_chunked(b, data, len, used, payload);
    case WEIR__HTTP_UNTIL_CLOSE:
        *used = len;
        return len == 0 ? WEIR__HTTP_BODY_MORE : take(b, data, len, payload);
    case WEIR__HTTP_NO_BODY:
        break;
    }
    return WEIR__HTTP_BODY_END;
}

uint64_t weir__http_body_run(const struct weir__http_body *b)
{
    uint64_t room = b->max - b->taken, run = 0;

    if (b->framing == WEIR__HTTP_LENGTH)
        run = b->left;
    else if (b->framing == WEIR__HTTP_CHUNKED)
        run = weir__http_chunked_run(&b->chunked);
    else if (b->framing == WEIR__HTTP_UNTIL_CLOSE && !b->ended)
        run = UINT64_MAX;
    return run < room ? run : room;
}

void weir__http_body_skip(struct weir__http_body *b, uint64_t bytes)
{
    b->taken += bytes;
    if (b->framing == WEIR__HTTP_CHUNKED) {
        weir__http_chunked_skip(&b->chunked, bytes);
    } else if (b->framing == WEIR__HTTP_LENGTH) {
        b->left -= bytes;
        b->ended = b->left == 0;
    }
}

int weir__http_body_closed(struct weir__http_body *b)
{
    if (b->framing == WEIR__HTTP_UNTIL_CLOSE)
        b->ended = true;
    return b->ended ? 0 : -WEIR_ETRUNCATED;
}
