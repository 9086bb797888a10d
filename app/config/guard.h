/* SPDX-License-Identifier: MIT */
/* The key "guard" of a configuration: the treatment of calls that block a loop.
 *
 * Threading: as config.h.
 */
#ifndef APP_CONFIG_GUARD_H
#define APP_CONFIG_GUARD_H

#include <weir/error.h>

#include "config/schema.h"

struct config_guard {
    int mode;                 /* enum config_guard_mode */
    const char *const *allow; /* names of calls, ended by NULL; NULL: none */
};

enum config_guard_mode { CONFIG_GUARD_OFF, CONFIG_GUARD_COUNT, CONFIG_GUARD_WARN, CONFIG_GUARD_ABORT };

extern const struct schema config_guard_schema; /* fills a struct config_guard */

/* Configures the guard, before the loops start.
 * Returns: 0; it can't fail for settings that were read by the schema.
 */
WEIR_CHECKED int config_guard_apply(const struct config_guard *guard);

#endif
