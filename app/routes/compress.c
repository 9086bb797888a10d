/* SPDX-License-Identifier: MIT */
/* compress: the body of the request, compressed. The answer to a large body begins while the body still
 * comes. */
#include "routes/compress.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/route_kind.h"
#include "http/body_coding.h"
#include "jobs/compressor.h"
#include "jobs/kinds.h"
#include "routes/computing.h"

/* --- settings --- */

#define AT(member) .offset = offsetof(struct compress_settings, member)
static const struct schema_key keys[] = {
    {"encoding", SCHEMA_CHOICE, AT(encoding), .required = "gzip, br or zstd", .choices = encoding_names},
    {"level", SCHEMA_INT, AT(level), .min = INT_MIN}, /* its range is the encoding's */
    {"at_once", SCHEMA_INT, AT(at_once), .fallback = "64", .min = 1, .max = 100000},
};
#undef AT
static const struct schema schema = {.name = "compress", SCHEMA_KEYS(keys)};

static void check_level(struct config_reader *reader, const struct tree_node *node,
                        struct compress_settings *settings)
{
    const struct encoding_info *info = &encodings[settings->encoding];
    const struct tree_node *level = tree_find(node, "level");
    char expected[64];

    if (level == NULL)
        settings->level = info->level_file;
    if (settings->level >= info->level_min && settings->level <= info->level_max)
        return;
    snprintf(expected, sizeof expected, "a whole number from %d to %d for %s", info->level_min,
             info->level_max, info->name);
    fault_value(reader, level, "compress.level", expected);
}

static const void *configure(struct config_reader *reader, const struct tree_node *node,
                             const struct config_route *route)
{
    struct compress_settings *settings = config_take(reader->memory, sizeof *settings);
    size_t before = faults_so_far(reader);

    (void)route;
    if (settings == NULL || !schema_read(reader, &schema, node, settings))
        return NULL;
    if (faults_so_far(reader) == before)
        check_level(reader, node, settings);
    settings->under_way = config_take(reader->memory, sizeof *settings->under_way);
    return settings->under_way != NULL ? settings : NULL;
}

static int open_state(const struct config_route *route, const struct route_loop *loop, void **state)
{
    (void)loop;
    return computing_open(route, &job_compress, state);
}

/* --- answering --- */

struct answer {
    weir_response *res;
    const char *type;
    bool begun;
};

/* Answers a piece; a body of a single piece is answered whole. */
static int emit(void *arg, const weir_buffer *out, bool more)
{
    struct answer *answer = arg;
    int err;

    if (!more && !answer->begun)
        return weir_respond_buffer(answer->res, 200, answer->type, out);
    err = answer->begun ? 0 : weir_respond_begin(answer->res, 200, answer->type, -1);
    answer->begun = true;
    return err < 0 || out->len == 0 ? err : weir_respond_write(answer->res, out->data, out->len);
}

/* The length of the request's body; -1: not known. */
static int64_t length_of(const weir_request *req)
{
    const char *length = weir_request_header(req, "content-length");

    return length != NULL ? strtoll(length, NULL, 10) : -1; /* the server has checked it */
}

static int answer_with(weir_request *req, weir_response *res, const struct computing *state,
                       const struct compress_settings *settings)
{
    const weir_offload_options options = computing_options(state);
    struct answer answer = {.res = res, .type = encodings[settings->encoding].type};
    weir_job_stream *stream;
    weir_job_fault fault;
    char params[128];
    int err;

    snprintf(params, sizeof params, "{\"encoding\":\"%s\",\"level\":%d,\"bytes\":%" PRId64 "}",
             encoding_names[settings->encoding], settings->level, length_of(req));
    err =
        weir_job_stream_open(state->where.pool, job_compress.name, weir_bytes_of(params), &options, &stream);
    if (err < 0)
        return err;
    err = computing_feed(req, stream, emit, &answer, &fault);
    weir_job_stream_close(stream);
    return err;
}

static int handle(weir_request *req, weir_response *res, void *arg)
{
    const struct computing *state = arg;
    const struct compress_settings *settings = state->route->settings;
    struct codings codings;
    int err = -WEIR_EBUSY;

    body_coding_of_request(req, &codings);
    if (codings.count > 0 || codings.unknown) /* the answer could not tell its reader of the inner coding */
        return body_coding_refuse(res, NULL);
    if (atomic_fetch_add(settings->under_way, 1) < settings->at_once)
        err = answer_with(req, res, state, settings);
    atomic_fetch_sub(settings->under_way, 1);
    return err;
}

const struct route_kind route_compress = {.name = "compress",
                                          .on = "compute",
                                          .methods = 1u << CONFIG_POST,
                                          .configure = configure,
                                          .open = open_state,
                                          .close = free,
                                          .handle = handle};
