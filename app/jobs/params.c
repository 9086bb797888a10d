/* SPDX-License-Identifier: MIT */
#include "jobs/params.h"

#include <inttypes.h>
#include <string.h>

#include "jobs/kinds.h"

json_t *params_read(weir_job *job, weir_bytes params)
{
    json_t *tree =
        json_loadb(params.data != NULL ? params.data : "", params.len, JSON_REJECT_DUPLICATES, NULL);

    if (json_is_object(tree))
        return tree;
    json_decref(tree);
    (void)weir_job_fail(job, -JOB_PARAMS, "the parameters are not a JSON object");
    return NULL;
}

bool params_int(weir_job *job, const json_t *params, const char *name, int64_t fallback, int64_t min,
                int64_t max, int64_t *out)
{
    const json_t *value = json_object_get(params, name);

    *out = value != NULL ? json_integer_value(value) : fallback;
    if ((value == NULL || json_is_integer(value)) && *out >= min && *out <= max)
        return true;
    (void)weir_job_fail(job, -JOB_PARAMS, "%s is not from %" PRId64 " to %" PRId64, name, min, max);
    return false;
}

bool params_choice(weir_job *job, const json_t *params, const char *name, int fallback,
                   const char *const *names, int *out)
{
    const json_t *value = json_object_get(params, name);

    *out = fallback;
    for (int i = 0; value != NULL && json_is_string(value) && names[i] != NULL; i++)
        if (strcmp(json_string_value(value), names[i]) == 0) {
            *out = i;
            return true;
        }
    if (value == NULL && fallback >= 0)
        return true;
    (void)weir_job_fail(job, -JOB_PARAMS, "%s has an unknown value", name);
    return false;
}
