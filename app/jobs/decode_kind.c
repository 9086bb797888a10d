/* SPDX-License-Identifier: MIT */
/* decode: the input without its content codings. {"codings": as in Content-Encoding, "bytes": the largest
 * output} */
#include <stdlib.h>
#include <string.h>

#include "jobs/decoder.h"
#include "jobs/kinds.h"
#include "jobs/params.h"

struct undoing {
    struct codings codings;
    size_t bytes_max;
};

static int begin(weir_job *job, void *state, weir_bytes params)
{
    struct undoing *u = state;
    json_t *tree = params_read(job, params);
    const char *written = tree != NULL ? json_string_value(json_object_get(tree, "codings")) : NULL;
    int64_t bytes = 0;
    int err = 0;

    if (tree == NULL || !params_int(job, tree, "bytes", 4 << 20, 1, INT64_MAX, &bytes))
        err = -JOB_PARAMS;
    else if (written == NULL)
        err = weir_job_fail(job, -JOB_PARAMS, "there are no codings");
    else
        codings_read(&u->codings, weir_bytes_of(written));
    u->bytes_max = (size_t)bytes;
    json_decref(tree);
    if (err == 0 && u->codings.unknown)
        err = weir_job_fail(job, -JOB_FOREIGN,
                            "the content coding is not known, expected one of " CODINGS_KNOWN);
    return err;
}

static int poll(void *arg)
{
    return weir_job_cancelled(arg);
}

static int piece(weir_job *job, void *state, weir_bytes in, bool last)
{
    const struct undoing *u = state;
    weir_buffer out;
    int err;

    (void)last;
    weir_buffer_init(&out, u->bytes_max);
    err = decoder_run(&u->codings, in, &out, poll, job);
    if (err == -EBADMSG)
        err = weir_job_fail(job, -JOB_DAMAGED, "the body is not what its content-encoding says");
    if (err == 0)
        err = weir_job_write(job, out.data, out.len);
    weir_buffer_free(&out);
    return err;
}

const weir_job_kind job_decode = {.name = "decode",
                                  .version = 1,
                                  .whole = true,
                                  .input_bytes_max = (size_t)1 << 30,
                                  .state_bytes = sizeof(struct undoing),
                                  .begin = begin,
                                  .piece = piece};
