/* SPDX-License-Identifier: MIT */
#include "admin/reply.h"

#include <weir/task.h>

#include "http/negotiation.h"
#include "jobs/compressor.h"

enum {
    LEVEL = 1, /* takes a third of level 6's time, for a tenth more bytes */
    PIECE_BYTES = 32 << 10,
    COMPRESS_BYTES_MIN = 1024
};

static bool takes_gzip(const weir_request *req)
{
    struct negotiation_offer offers[2];

    negotiation_offer_init(&offers[0], "gzip");
    negotiation_offer_init(&offers[1], "identity");
    (void)negotiation_read_request(req, "accept-encoding", offers, 2);
    return offers[0].weight > 0 &&
           (offers[1].matched < NEGOTIATION_BY_NAME || offers[0].weight >= offers[1].weight);
}

static int compress_piece(struct compressor *compressor, weir_bytes in, enum compressor_end end,
                          weir_buffer *out)
{
    char room[4096];
    struct compressor_step step = {.in = in, .out = room, .room = sizeof room};
    int more = 1;

    while (more > 0) {
        int err;

        step.used = 0;
        more = compressor_run(compressor, &step, end);
        err = more < 0 ? more : weir_buffer_append(out, room, step.used);
        if (err < 0)
            return err;
    }
    return more;
}

/* Compresses piece by piece: requests for /healthz are answered in between. */
static int compress(const weir_buffer *body, weir_buffer *out)
{
    const struct compressor_options options = {
        .encoding = ENCODING_GZIP, .level = LEVEL, .bytes = (int64_t)body->len};
    struct compressor *compressor;
    int err = compressor_open(&compressor, &options);

    if (err < 0)
        return err;
    for (size_t at = 0; err == 0 && at < body->len; at += PIECE_BYTES) {
        const bool last = body->len - at <= PIECE_BYTES;
        const weir_bytes in = {body->data + at, last ? body->len - at : PIECE_BYTES};
        err = compress_piece(compressor, in, last ? COMPRESSOR_FINISH : COMPRESSOR_MORE, out);
        if (err == 0 && !last)
            err = weir_yield();
    }
    compressor_close(compressor);
    return err;
}

int admin_reply(const weir_request *req, weir_response *res, const char *type, const weir_buffer *body)
{
    weir_buffer compressed;
    int err = weir_response_header_add(res, "vary", "accept, accept-encoding");

    if (err < 0 || body->len < COMPRESS_BYTES_MIN || !takes_gzip(req))
        return err < 0 ? err : weir_respond_buffer(res, 200, type, body);
    weir_buffer_init(&compressed, body->len + COMPRESS_BYTES_MIN);
    err = compress(body, &compressed);
    if (err == 0)
        err = weir_response_header_add(res, "content-encoding", "gzip");
    if (err == 0)
        err = weir_respond_buffer(res, 200, type, &compressed);
    weir_buffer_free(&compressed);
    return err;
}
