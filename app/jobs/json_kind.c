/* SPDX-License-Identifier: MIT */
/* json: a small document made of a large one. {"pick": the template of json_pick.h, "missing": "null" |
 * "omit" | "fault", "depth": the deepest nesting of the input} */
#include <stdlib.h>

#include <weir/json.h>

#include "jobs/json_pick.h"
#include "jobs/kinds.h"
#include "jobs/params.h"

enum { OUTPUT_BYTES_MAX = 64 << 20 };

struct picking {
    json_t *params;
    struct json_pick *pick;
    size_t depth;
};

static int make_ready(weir_job *job, struct picking *p)
{
    char fault[JSON_PICK_FAULT_BYTES];
    int missing;
    int64_t depth;
    const json_t *written = json_object_get(p->params, "pick");
    int err;

    if (written == NULL)
        return weir_job_fail(job, -JOB_PARAMS, "there is no template to pick by");
    if (!params_choice(job, p->params, "missing", JSON_MISSING_NULL, json_missing_names, &missing) ||
        !params_int(job, p->params, "depth", JSON_PICK_INPUT_DEPTH, 0, WEIR_JSON_DEPTH_MAX, &depth))
        return -JOB_PARAMS;
    p->depth = (size_t)depth;
    err = json_pick_open(&p->pick, written, (enum json_missing)missing, fault);
    return err == -EINVAL ? weir_job_fail(job, -JOB_PARAMS, "%s", fault) : err;
}

static int begin(weir_job *job, void *state, weir_bytes params)
{
    struct picking *p = state;
    int err;

    p->params = params_read(job, params);
    err = p->params != NULL ? make_ready(job, p) : -JOB_PARAMS;
    if (err < 0)
        json_decref(p->params);
    return err;
}

static int poll(void *arg)
{
    weir_job_progress(arg, 1, 2); /* the document has been read */
    return weir_job_cancelled(arg);
}

static int piece(weir_job *job, void *state, weir_bytes document, bool last)
{
    struct picking *p = state;
    char fault[JSON_PICK_FAULT_BYTES];
    weir_buffer out;
    int err;

    (void)last;
    weir_buffer_init(&out, OUTPUT_BYTES_MAX);
    err = json_pick_run(p->pick, document, p->depth, &out, fault, poll, job);
    if (err == -EBADMSG)
        err = weir_job_fail(job, -JOB_DAMAGED, "%s", fault);
    if (err == -E2BIG)
        err = weir_job_fail(job, -JOB_EXCESSIVE, "%s", fault);
    if (err == -ENOENT)
        err = weir_job_fail(job, -JOB_INCOMPLETE, "%s", fault);
    if (err == -WEIR_ETOOLARGE)
        err = weir_job_fail(job, -JOB_EXCESSIVE, "what is picked is larger than 64 MiB");
    if (err == 0)
        err = weir_job_write(job, out.data, out.len);
    weir_buffer_free(&out);
    return err;
}

static void end(void *state)
{
    struct picking *p = state;

    json_pick_close(p->pick);
    json_decref(p->params);
}

const weir_job_kind job_json = {.name = "json",
                                .version = 1,
                                .whole = true,
                                .input_bytes_max = (size_t)1 << 30,
                                .state_bytes = sizeof(struct picking),
                                .begin = begin,
                                .piece = piece,
                                .end = end};
