/* SPDX-License-Identifier: MIT */
#include "admin/reply.h"

#include <weir/task.h>

#include "http/negotiation.h"
#include "jobs/compressor.h"

enum {
    LEVEL = 1 /* a third of level 6's time for a tenth more */,
    PIECE_BYTES = 32 << 10,
    WORTH_BYTES = 1024
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

static int pack_piece(struct compressor *compressor, weir_bytes in, enum compressor_end end, weir_buffer *out)
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

/* Piece by piece, so that whoever asks after the gateway's health is answered in between. */
static int pack(const weir_buffer *body, weir_buffer *out)
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
        err = pack_piece(compressor, in, last ? COMPRESSOR_FINISH : COMPRESSOR_MORE, out);
        if (err == 0 && !last)
            err = weir_yield();
    }
    compressor_close(compressor);
    return err;
}

int admin_reply(const weir_request *req, weir_response *res, const char *type, const weir_buffer *body)
{
    weir_buffer packed;
    int err = weir_reply_header(res, "vary", "accept, accept-encoding");

    if (err < 0 || body->len < WORTH_BYTES || !takes_gzip(req))
        return err < 0 ? err : weir_reply_body(res, 200, type, body);
    weir_buffer_init(&packed, body->len + WORTH_BYTES);
    err = pack(body, &packed);
    if (err == 0)
        err = weir_reply_header(res, "content-encoding", "gzip");
    if (err == 0)
        err = weir_reply_body(res, 200, type, &packed);
    weir_buffer_free(&packed);
    return err;
}
