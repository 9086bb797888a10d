/* SPDX-License-Identifier: MIT */
#include "http/body_coding.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "jobs/kinds.h"

/* Bodies below these bounds are decoded here, in less time than the way to the pool and back takes. If the
 * output turns out to be larger, decoding begins anew in the pool. */
enum { INLINE_IN_BYTES = 8 << 10, INLINE_OUT_BYTES = 64 << 10, PARAMS_BYTES = 96 };

void body_coding_of_request(const weir_request *req, struct codings *codings)
{
    weir_bytes name, value;

    *codings = (struct codings){0};
    for (size_t i = 0; weir_request_header_at(req, i, &name, &value); i++)
        if (weir_bytes_equal_nocase(name, weir_bytes_of("content-encoding")))
            codings_read(codings, value);
}

void body_coding_of_reply(const weir_reply *reply, struct codings *codings)
{
    *codings = (struct codings){0};
    for (size_t i = 0; reply->coded && reply->body_bytes > 0 && i < reply->header_count; i++)
        if (strcasecmp(reply->headers[i].name, "content-encoding") == 0)
            codings_read(codings, weir_bytes_of(reply->headers[i].value));
}

static int undo_here(const struct codings *codings, weir_bytes in, weir_buffer *out, size_t most)
{
    const size_t whole = out->max;
    int err;

    out->max = most < whole ? most : whole;
    err = decoder_run(codings, in, out, NULL, NULL);
    out->max = whole;
    return err;
}

static weir_bytes params_of(const struct codings *codings, size_t most, char text[PARAMS_BYTES])
{
    static const char *const names[CODINGS] = {"gzip", "deflate", "br", "zstd"};
    int n = snprintf(text, PARAMS_BYTES, "{\"bytes\":%" PRId64 ",\"codings\":\"",
                     most < INT64_MAX ? (int64_t)most : INT64_MAX);

    for (size_t i = 0; i < codings->count; i++)
        n += snprintf(text + n, PARAMS_BYTES - (size_t)n, "%s%s", i ? "," : "", names[codings->list[i]]);
    n += snprintf(text + n, PARAMS_BYTES - (size_t)n, "\"}");
    return (weir_bytes){text, (size_t)n};
}

/* Reports whether a body is decoded here. Brotli never is: it puts out nothing before its window is full, and
 * a few bytes may fill it with megabytes, so its output can't be cut short. */
static bool is_undone_here(const struct codings *codings, weir_bytes in)
{
    for (size_t i = 0; i < codings->count; i++)
        if (codings->list[i] == CODING_BR)
            return false;
    return in.len <= INLINE_IN_BYTES;
}

int body_coding_undo(const struct codings *codings, weir_bytes in, weir_buffer *out, weir_pool *pool,
                     const weir_offload_options *options)
{
    char params[PARAMS_BYTES];
    int err = -WEIR_ETOOLARGE;
    bool here = pool == NULL || is_undone_here(codings, in);
    weir_job_input job;

    if (here)
        err = undo_here(codings, in, out, pool != NULL ? INLINE_OUT_BYTES : SIZE_MAX);
    if (err != -WEIR_ETOOLARGE || pool == NULL || (here && out->max <= INLINE_OUT_BYTES))
        return err;
    job = (weir_job_input){.params = params_of(codings, out->max, params), .bytes = in};
    err = weir_job_run_with(pool, job_decode.name, &job, out, NULL, options);
    if (err < 0)
        weir_buffer_free(out);
    return err == -JOB_DAMAGED ? -EBADMSG : err;
}

int body_coding_refuse(weir_response *res, const char *taken)
{
    char message[96];
    int err = weir_response_header_add(res, "accept-encoding", taken != NULL ? taken : "identity");

    snprintf(message, sizeof message, "the body's content-encoding is not accepted here, expected %s%s",
             taken != NULL ? "one of " : "none", taken != NULL ? taken : "");
    return err < 0 ? err : weir_respond_fault(res, 415, "unsupported_type", message);
}

int body_coding_open(void)
{
    return weir_job_kind_register(&job_decode);
}
