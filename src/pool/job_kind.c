/* SPDX-License-Identifier: MIT */
#include "pool/job_kind.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/reserved.h"
#include "core/runtime.h"
#include "pool/pool.h"

static bool is_well_formed(const weir_job_kind *kind)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

    return kind->name != NULL && *kind->name != '\0' && kind->name[strspn(kind->name, letters)] == '\0' &&
           kind->version >= 1 && kind->piece != NULL &&
           weir__reserved_is_zero(kind->reserved, sizeof kind->reserved);
}

/* Several loops may register at a time: each place is filled once, and each loop looks at all places before
 * its own. */
int weir_job_kind_register(const weir_job_kind *kind)
{
    struct weir__job_kinds *kinds = weir__pool_runtime_here(__func__)->kinds;

    if (!is_well_formed(kind))
        return -EINVAL;
    for (int i = 0; i < WEIR__JOB_KINDS_MAX; i++) {
        const weir_job_kind *there = NULL;
        if (atomic_compare_exchange_strong(&kinds->kind[i], &there, kind) || there == kind)
            return 0;
        if (there->version == kind->version && strcmp(there->name, kind->name) == 0)
            return -EEXIST;
    }
    return -WEIR_EBUSY;
}

const weir_job_kind *weir__job_kind_find(const char *name, const char *function)
{
    struct weir__job_kinds *kinds = weir__pool_runtime_here(function)->kinds;
    const weir_job_kind *kind, *found = NULL;
    size_t length = strcspn(name, "/");
    int version = name[length] == '/' ? atoi(name + length + 1) : 0;

    for (int i = 0; i < WEIR__JOB_KINDS_MAX && (kind = atomic_load(&kinds->kind[i])) != NULL; i++)
        if (strncmp(kind->name, name, length) == 0 && kind->name[length] == '\0' &&
            (name[length] == '/' ? kind->version == version
                                 : found == NULL || kind->version > found->version))
            found = kind;
    return found;
}

const weir_job_kind *weir_job_kind_find(const char *name)
{
    return weir__job_kind_find(name, __func__);
}
