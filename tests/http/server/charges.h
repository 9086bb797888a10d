/* SPDX-License-Identifier: MIT */
/* What an exchange was charged, by class and name. */
#ifndef TEST_HTTP_SERVER_CHARGES_H
#define TEST_HTTP_SERVER_CHARGES_H

#include "http/server/server_rig.h"

static inline const weir_charge *find(const struct rig *rig, enum weir_charge_category kind, const char *name)
{
    for (size_t i = 0; i < rig->charge_count; i++)
        if (rig->charges[i].category == kind && rig->charges[i].name == name)
            return &rig->charges[i];
    return NULL;
}

static inline int64_t share_of(const struct rig *rig, enum weir_charge_category kind, const char *name)
{
    const weir_charge *charge = find(rig, kind, name);

    return charge != NULL ? charge->share.ns : 0;
}

#endif
