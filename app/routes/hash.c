/* SPDX-License-Identifier: MIT */
/* hash: the digest of the body of the request. */
#include "routes/hash.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/route_kind.h"
#include "jobs/digest.h"
#include "jobs/kinds.h"
#include "routes/computing.h"

/* --- settings --- */

static const struct schema_key keys[] = {
    {"algorithm", SCHEMA_CHOICE, offsetof(struct hash_settings, algorithm), .fallback = "sha256",
     .choices = digest_names},
};
static const struct schema schema = {.name = "hash", SCHEMA_KEYS(keys)};

static const void *configure(struct config_reader *reader, const struct tree_node *node,
                             const struct config_route *route)
{
    struct hash_settings *settings = config_take(reader->memory, sizeof *settings);

    (void)route;
    return settings != NULL && schema_read(reader, &schema, node, settings) ? settings : NULL;
}

static int open_state(const struct config_route *route, const struct route_loop *loop, void **state)
{
    (void)loop;
    return computing_open(route, &job_hash, state);
}

/* --- answering --- */

static int emit(void *arg, const weir_buffer *out, bool more)
{
    return more ? 0 : weir_respond_buffer(arg, 200, "application/json", out);
}

static int handle(weir_request *req, weir_response *res, void *arg)
{
    const struct computing *state = arg;
    const struct hash_settings *settings = state->route->settings;
    const weir_offload_options options = computing_options(state);
    weir_job_stream *stream;
    weir_job_fault fault;
    char params[64];
    int err;

    snprintf(params, sizeof params, "{\"algorithm\":\"%s\"}", digest_names[settings->algorithm]);
    err = weir_job_stream_open(state->where.pool, job_hash.name, weir_bytes_of(params), &options, &stream);
    if (err < 0)
        return err;
    err = computing_feed(req, stream, emit, res, &fault);
    weir_job_stream_close(stream);
    return err;
}

const struct route_kind route_hash = {.name = "hash",
                                      .on = "compute",
                                      .methods = 1u << CONFIG_POST,
                                      .configure = configure,
                                      .open = open_state,
                                      .close = free,
                                      .handle = handle};
