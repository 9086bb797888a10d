/* SPDX-License-Identifier: MIT */
#include "metrics/snapshot_apps.h"

#include <stdio.h>

const char *snapshot_app_label(const char *app, char out[SNAPSHOT_APP_LABEL_BYTES])
{
    (void)snprintf(out, SNAPSHOT_APP_LABEL_BYTES, "app %s", app);
    return out;
}
